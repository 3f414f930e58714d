"""What ten thousand and a million items cost: `python -m tests.bench.million [--ten-million]`.

Requests are asked one after the other of servers side by side, each over its own size of database,
in turn. What is counted is the CPU that the worker used, and the time on the clock.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from peewee import sqlite3  # type: ignore[attr-defined]

from datas.database_urls import open_database
from datas.domain.items import ITEMS
from datas.domain.query import Position, Sort, search_key
from datas.http.items import ItemSchema
from datas.http.params import ListParams
from datas.http.request import Request
from datas.http.schemas import RecordBody
from tests.bench.serving import Server, serving
from tests.bench.tables import fill, texts
from tests.served import BULK, ROUTE

ROUNDS = 9
SORTS = [Sort(field) for field in ITEMS.sorts]
PARAMS = ListParams(RecordBody(ITEMS, ItemSchema), {})


class Job(NamedTuple):
    """A request that is asked so often a round."""

    name: str
    path: str
    times: int = 20
    body: bytes | None = None


def page_after(path: Path, sort: Sort, depth: float) -> str:
    """The path of the page that begins at this part of the list."""
    with closing(sqlite3.connect(path)) as connection:
        [size] = connection.execute("SELECT count(*) FROM datas").fetchone()
        sql = f"SELECT id, {sort.field} FROM datas ORDER BY {sort.field}, id LIMIT 1 OFFSET ?"  # noqa: S608
        item_id, value = connection.execute(sql, (int(size * depth) - 101,)).fetchone()
    if sort.field.startswith("date"):
        value = datetime.fromisoformat(value)
    position = Position(item_id, None if sort.field == "id" else value)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": None, "wsgi.errors": None}
    request = Request(environ | {"QUERY_STRING": f"sort={sort.field}"})
    return PARAMS.next_page(request, {"sort": sort, "where": ()}, position)


def jobs(path: Path, count: int) -> Iterator[Job]:
    """The requests, for a database of this size."""
    yield Job("get one", f"{ROUTE}/{count // 2}", 100)
    yield Job("create", ROUTE, 30, b'{"data": "a text of about forty characters, yes"}')
    for sort in SORTS:
        yield Job(f"page by {sort.field}: first", f"{ROUTE}?sort={sort.field}")
        yield Job(f"page by {sort.field}: half", page_after(path, sort, 0.5))
        yield Job(f"page by {sort.field}: last", page_after(path, sort, 1))
    yield Job("count", f"{ROUTE}?limit=1&count=true", 2)
    for sort in SORTS:
        base = f"{ROUTE}?sort={sort.field}"
        yield Job(f"search, no match, by {sort.field}", f"{base}&q=no+such+text", 1)
        yield Job(f"search, common, by {sort.field}", f"{base}&q=x", 1)
    yield Job("of one moment, by id", f"{ROUTE}?created_from=2100-01-01T00:00:00Z", 1)
    yield Job("of any moment, by data", f"{ROUTE}?sort=data&created_from=2000-01-01T00:00:00Z", 1)


def ask(server: Server, job: Job) -> tuple[float, float]:
    """Microseconds of CPU and on the clock, for one such request."""
    connection = HTTPConnection("127.0.0.1", server.port)
    before, start = server.cpu(), time.perf_counter()
    for _ in range(job.times):
        headers = {"Content-Type": "application/json"} if job.body else {}
        connection.request("POST" if job.body else "GET", job.path, job.body, headers)
        response = connection.getresponse()
        response.read()
        if response.status not in (200, 201):
            raise RuntimeError(f"{job}: {response.status}")
    took = time.perf_counter() - start
    connection.close()
    return (server.cpu() - before) / job.times / 1e3, took / job.times * 1e6


def compare_sizes(folder: Path, sizes: list[int]) -> None:
    """Print what each request costs over each size, and the ratios to the smallest."""
    paths = [folder / f"{size}.db" for size in sizes]
    print(f"{'':32}" + "".join(f"{size:>22,}" for size in sizes))
    print(f"{'µs of CPU (ms on the clock)':32}" + f"{'ratio':>{22 * len(sizes) + 8}}")
    with serving(*map(_serving, paths)) as servers:
        for same in zip(*map(jobs, paths, sizes), strict=True):
            pairs = list(zip(servers, same, strict=True))
            for pair in pairs:
                ask(*pair)  # warm up
            rounds = [[ask(*pair) for pair in pairs] for _ in range(ROUNDS)]
            medians = [
                [statistics.median(column) for column in zip(*each, strict=True)]
                for each in zip(*rounds, strict=True)
            ]
            cells = "".join(f"{cpu:>12,.0f} ({clock / 1e3:7.2f})" for cpu, clock in medians)
            ratios = "".join(f"{cpu / medians[0][0]:8.2f}" for cpu, _ in medians[1:])
            print(f"{same[0].name:32}{cells}{ratios}")


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    """Print how many records a second the block did."""
    start = time.perf_counter()
    yield
    took = time.perf_counter() - start
    print(f"{what:44}{count / took:10,.0f} records a second ({took:.1f} s)")


def peak(server: Server) -> str:
    """The most memory that the worker ever had."""
    status = Path(f"/proc/{server.worker}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return f"peak memory of the worker: {int(line.split()[1]) / 1024:.0f} MiB"


def stream(folder: Path, count: int) -> None:
    """Print what bringing all items out, and in again, costs."""
    with serving(_serving(folder / f"{count}.db")) as [server]:
        for kind in ("application/x-ndjson", "text/csv"):
            connection = HTTPConnection("127.0.0.1", server.port)
            with timed(f"export, {kind}", count), (folder / "all").open("wb") as out:
                connection.request("GET", BULK, headers={"Accept": kind})
                response = connection.getresponse()
                while piece := response.read(1 << 20):
                    out.write(piece)
            connection.close()
        print(peak(server))
    lines = folder / "lines"
    with lines.open("wb") as out:
        out.writelines(b'{"data": "%b"}\n' % text.encode() for text in texts(count))
    for _ in range(2):
        bare(folder, count)
        with serving(_serving(folder / "in.db")) as [server]:
            connection = HTTPConnection("127.0.0.1", server.port, timeout=600)
            with timed("import over HTTP", count), lines.open("rb") as body:
                headers = {"Content-Type": "application/x-ndjson"}
                headers["Content-Length"] = str(lines.stat().st_size)
                connection.request("POST", BULK, body, headers)
                response = connection.getresponse()
                if response.status != 201:
                    raise RuntimeError(response.read())
            print(peak(server))
        for path in folder.glob("in.db*"):
            path.unlink()


def _serving(path: Path) -> dict[str, str]:
    environ = {"DATAS_DATABASE_URL": f"sqlite:///{path}", "DATAS_ACCESS": "open"}
    return environ | {"DATAS_BULK_LINES": "1000000"}


def bare(folder: Path, count: int) -> None:
    """`executemany` into the same table, by the driver alone."""
    path = folder / "in.db"
    database = open_database(f"sqlite:///{path}")
    database.bring_up()
    database.close()
    now = "2026-11-22T16:00:00.123456Z"
    rows = [(text, now, now, 1, search_key(text)) for text in texts(count)]
    columns = "data, date_created, date_updated, version, search_key"
    sql = f"INSERT INTO datas ({columns}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        with timed("bare executemany", count):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, rows)
            connection.execute("COMMIT")
    for left in folder.glob("in.db*"):
        left.unlink()


def main() -> None:
    """Fill databases of each size, then measure."""
    sizes = [10_000, 1_000_000, *([10_000_000] if "--ten-million" in sys.argv else [])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            with timed(f"filling a database of {size:,}", size):
                fill(f"sqlite:///{folder}/{size}.db", texts(size))
        compare_sizes(folder, sizes)
        stream(folder, 1_000_000)


if __name__ == "__main__":
    main()
