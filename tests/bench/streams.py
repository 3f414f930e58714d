"""What an export costs for each record, from ten thousand to a million of them.

`python -m tests.bench.streams [--quick]`. Each case is a process of its own, so that its memory can
be told. Its CPU is that of the process, and on PostgreSQL that of the server too.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from falcon.testing import create_environ

from datas.bootstrap import build_app, open_service
from datas.domain.items import ItemDraft
from datas.settings import Settings
from tests.bench.tables import NEEDLE, texts
from tests.postgres import running
from tests.served import BULK

PARTS = 100  # of a collection, each of one moment
RARE = 1000  # one in so many records has the needle
SIZES = {"SQLite": (10_000, 100_000, 1_000_000), "PostgreSQL": (10_000, 100_000, 300_000)}
CASES = ("no filter", "q matches all", "q matches 0.1 %", "half of all time")
SPAWN = multiprocessing.get_context("spawn")
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What one export took."""

    found: int
    cpu: float  # µs for each record that is there
    first: float  # ms until the first piece
    longest: float  # ms between two pieces: a statement, and writing its records as lines
    memory: float  # MiB, the most that the process ever had


def drafts(count: int, part: int) -> Iterator[ItemDraft]:
    """One part of the items: texts in no order, one in a thousand of them with a needle."""
    for number, text in enumerate(texts(count // PARTS), part * count // PARTS):
        yield ItemDraft(f"{text[: 1 + part % 7]}{text}{NEEDLE if number % RARE == 0 else ''}")


def fill(url: str, count: int) -> None:
    """Make a database of so many items, created over a hundred moments."""
    with open_service(url) as items:
        for part in range(PARTS):
            items.create_all(drafts(count, part))


def query(url: str, case: str, count: int) -> str:
    """The query string of a case, in order of `data`."""
    match case:
        case "q matches all":
            return "sort=data&q=X"
        case "q matches 0.1 %":
            return f"sort=data&q={NEEDLE.upper()}"
        case "half of all time":
            with open_service(url) as items:
                middle = items.get(count // 2).date_created + timedelta(microseconds=1)
            return f"sort=data&created_from={middle:%Y-%m-%dT%H:%M:%S.%fZ}"
    return "sort=data"


def export(url: str, case: str, count: int, server: int | None) -> Cost:
    """Measure an export by the WSGI app, in this process; its CPU by a second one."""
    os.environ.update(DATAS_DATABASE_URL=url, DATAS_ACCESS="open", DATAS_LOG_LEVEL="error")
    app = build_app(Settings.read())
    asked = query(url, case, count)
    found, times = _pieces(app, asked)
    before = _cpu(server)
    _pieces(app, asked)
    used = _cpu(server) - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(found, used / count * 1e6, times[0] * 1e3, max(times) * 1e3, memory)


def _pieces(app: Any, asked: str) -> tuple[int, list[float]]:
    """How many lines came, and after how many seconds each piece did."""
    environ = create_environ(BULK, query_string=asked, host="localhost")
    found, times, last = 0, [], time.perf_counter()
    pieces = app(environ, lambda *_: None)
    for piece in pieces:
        found += piece.count(b"\n")
        times.append(time.perf_counter() - last)
        last = time.perf_counter()
    pieces.close()
    return found, times


def _cpu(server: int | None) -> float:
    """Seconds of this process, and of the server's processes."""
    return time.process_time() + (sum(map(_ticks, _children(server))) / TICKS if server else 0)


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@contextmanager
def databases(kind: str, sizes: tuple[int, ...]) -> Iterator[tuple[list[str], int | None]]:
    """URLs of filled databases of each size; and the process of their server, if there is one."""
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as folder:
            urls = [f"sqlite:///{folder}/{size}.db" for size in sizes]
            for url, size in zip(urls, sizes, strict=True):
                fill(url, size)
            yield urls, None
        return
    with running("fsync=off") as server:
        urls = []
        for size in sizes:
            server.ask(f"CREATE DATABASE of_{size}")
            urls.append(server.url(f"of_{size}"))
            fill(urls[-1], size)
            with server.connect(f"of_{size}") as connection:
                connection.execute("ANALYZE")
        yield urls, server.pid


class Row(NamedTuple):
    """One case of one size; how many times the cost of the smallest size it is."""

    kind: str
    case: str
    size: int
    cost: Cost
    growth: float


def measured(kind: str, sizes: tuple[int, ...], cases: Iterable[str] = CASES) -> Iterator[Row]:
    """Fill databases, and export each case from each: the cheapest of three, its longest pause."""
    with databases(kind, sizes) as (urls, server), SPAWN.Pool(1, maxtasksperchild=1) as pool:
        for case in cases:
            least = 0.0
            for url, size in zip(urls, sizes, strict=True):
                runs = [pool.apply(export, (url, case, size, server)) for _ in range(3)]
                cost = min(runs, key=lambda run: run.cpu)
                least = least or cost.cpu
                cost = cost._replace(longest=max(run.longest for run in runs))
                yield Row(kind, case, size, cost, cost.cpu / least)


def main() -> None:
    """Print what each case took."""
    heads = f"{'CPU':>8}{'ratio':>7}{'first':>9}{'longest':>9}{'MiB':>6}"
    print(f"{'µs of CPU for each record':40}{heads}")
    for kind, every_size in SIZES.items():
        sizes = every_size[:2] if "--quick" in sys.argv else every_size
        for _, case, size, cost, growth in measured(kind, sizes):
            print(
                f"{f'{kind}, {case}, {size:,}':40}{cost.cpu:8.2f}{growth:7.2f}"
                f"{cost.first:6.0f} ms{cost.longest:6.0f} ms{cost.memory:6.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
