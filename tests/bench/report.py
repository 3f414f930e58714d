"""What was measured, as the page BENCHMARKS.md, and against what was aimed at."""

import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from peewee import sqlite3  # type: ignore[attr-defined]

from tests.bench.contenders import Contender, versions
from tests.bench.jobs import JOBS, MIX
from tests.bench.streams import Row
from tests.bench.writers import CLIENTS, Written


class Cell(NamedTuple):
    """One job of one server: medians over all rounds."""

    rate: float  # requests a second
    spread: float  # half of what lies between the slowest and the fastest round, as a part of rate
    p50: float  # milliseconds
    p99: float


class Results(NamedTuple):
    """All that was measured."""

    contenders: Sequence[Contender]
    cells: Mapping[tuple[str, str], Cell]
    memory: Mapping[str, tuple[float, float]]  # MiB: of the worker, of all processes
    start: float  # seconds
    rounds: int
    size: int
    clients: int
    exports: Sequence[Row]
    writers: Mapping[int, Sequence[Written]]  # by the number of workers

    def rate(self, name: str, job: str = "get one") -> float | None:
        """Requests a second; None, if that server wasn't measured."""
        cell = self.cells.get((name, job))
        return cell.rate if cell else None


class Target(NamedTuple):
    """What is aimed at: a value, and the least or the most that it may be."""

    what: str
    value: Callable[[Results], float | None]
    least: float | None = None
    most: float | None = None
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Whether it is."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )


def _ratio(name: str, job: str, to: str, to_job: str = "") -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        first, second = results.rate(name, job), results.rate(to, to_job or job)
        return first / second if first and second else None

    return value


TARGETS = (
    Target("get one, to the floor's", _ratio("Datas", "get one", "the floor"), 0.85),
    Target("get one, to Flask-RestX's", _ratio("Datas", "get one", "Flask-RestX"), 3.2),
    Target("get one, to FastAPI's", _ratio("Datas", "get one", "FastAPI"), 4),
    Target("304, to the floor's get one", _ratio("Datas", "304", "the floor", "get one"), 0.85),
    Target("list of 100, to PocketBase's", _ratio("Datas", "list of 100", "PocketBase"), 1.8),
    Target("create, to the floor's", _ratio("Datas", "create", "the floor"), 0.8),
    Target(
        "get one as shipped, to the floor's",
        _ratio("Datas as shipped", "get one", "the floor"),
        0.75,
    ),
    Target("memory of a worker", lambda it: it.memory["Datas"][0], most=80, unit=" MiB"),
    Target("`datas serve` to its first answer", lambda it: it.start, most=1.5, unit=" s"),
)


def _judged(results: Results) -> list[tuple[str, str, str, str]]:
    """Each target: what, what was aimed at, what was measured, whether that is enough."""
    rows = []
    for target in TARGETS:
        aim = f"≥ {target.least:g}" if target.least else f"< {target.most:g}{target.unit}"
        value = target.value(results)
        if value is None:
            rows.append((target.what, aim, "", "not measured"))
        else:
            verdict = "met" if target.is_met(value) else "**missed**"
            rows.append((target.what, aim, f"{value:.2f}{target.unit}", verdict))
    return rows


def shown_targets(results: Results) -> str:
    """The targets, for a terminal."""
    return "\n".join(
        f"{what.replace('`', ''):38}{aim:>10}{value:>12}  {verdict.strip('*')}"
        for what, aim, value, verdict in _judged(results)
    )


def page(results: Results) -> str:
    """BENCHMARKS.md."""
    names = [it.name for it in results.contenders]
    jobs = [job.name for job in JOBS]
    empty = [
        f"{it.name} has no “{'”, “'.join(it.lacks)}”: {next(iter(it.lacks.values()))}."
        for it in results.contenders
        if it.lacks
    ]
    parts = [
        "# Benchmarks\n",
        _INTRODUCTION,
        _machine(results),
        "## Who was measured\n",
        _table(("", "what it is"), [(it.name, it.about) for it in results.contenders], "---"),
        _HOW.format(size=results.size, clients=results.clients, mix=_mix()),
        "## Requests a second\n",
        _RATES,
        _table(
            ("", "`synchronous`", *jobs),
            [
                (it.name, it.synchronous, *(_rate(results, it.name, job) for job in jobs))
                for it in results.contenders
            ],
        ),
        " ".join(empty) + "\n",
        "## To Datas\n",
        "How many times as many requests a second as the first row.\n",
        _table(("", *jobs), [(it, *(_share(results, it, job) for job in jobs)) for it in names]),
        "## Time of an answer\n",
        _TIMES.format(clients=results.clients),
        _table(("", *jobs), [(it, *(_times(results, it, job) for job in jobs)) for it in names]),
        "## Memory and start\n",
        _MEMORY,
        _table(
            ("", "worker", "all processes"),
            [(it, *(f"{size:.0f}" for size in results.memory[it])) for it in names],
        ),
        f"From `datas serve` in an empty folder to the first answer: {results.start:.2f} s.\n",
        "## Exports\n",
        _EXPORTS,
        _table(
            ("", "records", "µs of CPU a record", "growth", "first piece", "longest", "memory"),
            [_export(row) for row in results.exports],
        ),
        f"## {CLIENTS} writers\n",
        _WRITERS.format(clients=CLIENTS),
        _table(
            ("workers", "p50", "p99", "p99 / p50", "writes a second"),
            [_written(workers, rounds) for workers, rounds in results.writers.items()],
        ),
        "## What is aimed at\n",
        _table(("“Datas” is the first row", "aim", "measured", ""), _judged(results)),
    ]
    return "\n".join(parts)


_INTRODUCTION = """`make bench` wrote this page, and you can repeat it. On another machine the
numbers are others: look at the ratios.
"""
_HOW = """## How

Each server has one worker and one core of its own. The load generator
([wrk](https://github.com/wg/wrk), {clients} connections that stay open) has another core. Each
server has a table of its own with the same {size:,} texts. Each job visits all servers in turn,
for one second each (three for a search). Before a job starts, one answer of each server is
checked; an answer with a wrong status ends the run. SQLite is in WAL mode with `synchronous=FULL`,
and of the same version, except in PocketBase. The tables of Flask-RestX and FastAPI lack the
columns and indexes that Datas has for versions, owners, orders and search.

- get one: one of 2,000 items. 304: the same with `If-None-Match`. 404: ids that do not exist.
- list of 100: the first page, not counted. search: reads all items to find 4 by a word (Datas and
  the floor ignore the case of all letters, the others only of ASCII letters).
- create: `POST`. update: `PUT` (PocketBase: `PATCH`), each time with another text.
- 90% reads: {mix}.
"""
_TIMES = """Milliseconds, with {clients} requests in progress at the same time: half of the answers
came within the first number, 99 of 100 within the second.
"""
_MEMORY = """MiB at the end, after all jobs: the resident set of the largest process, which is the
worker, and the memory of all processes of the server together (PSS).
"""
_RATES = """Medians; ± is half of the distance between the slowest and the fastest round. With
`synchronous` FULL a power cut loses no answered write; with NORMAL it may.
"""
_EXPORTS = """`GET /api/datas/bulk`, answered by the WSGI app without a server, in the order of
`data`: all records; the records that contain a letter which all contain; and those of the later
half of the time. The growth compares the cost of one record of the table with that in the smallest
table. Then: milliseconds until the first piece, the longest wait for a piece, and the highest
memory of the process in MiB.
"""
_WRITERS = """{clients} clients create records without a pause, each on a connection of its own.
The workers share one listening socket, and the clients run on the same cores. Milliseconds,
medians of the rounds; for p99 / p50 the lowest and the highest round too.
"""


def _export(row: Row) -> tuple[str, ...]:
    cost = row.cost
    return (
        row.case,
        f"{row.size:,}",
        f"{cost.cpu:.2f}",
        f"{row.growth:.2f}",
        f"{cost.first:.0f}",
        f"{cost.longest:.0f}",
        f"{cost.memory:.0f}",
    )


def _written(workers: int, rounds: Sequence[Written]) -> tuple[str, ...]:
    times = [written.p50_p99 for written in rounds]
    p50, p99 = (statistics.median(it[n] for it in times) * 1e3 for n in (0, 1))
    ratios = [it[1] / it[0] for it in times]
    # Every client has one request under way, so that their mean time tells the rate.
    rates = [CLIENTS / statistics.mean(written.seconds) for written in rounds]
    return (
        str(workers),
        f"{p50:.0f}",
        f"{p99:.0f}",
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
        f"{statistics.median(rates):,.0f}",
    )


def _mix() -> str:
    return ", ".join(f"{share}% {kind}" for kind, share in MIX.items())


def _machine(results: Results) -> str:
    [model, *_] = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] or [platform.machine()]
    wrk = subprocess.run(["wrk", "-v"], check=False, capture_output=True, text=True).stdout.split()[
        1
    ]
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"{today}, rounds: {results.rounds}. {model}, Linux {platform.release()}, {wrk}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions()}.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str = "--:") -> str:
    lines = [head, ["---", *[align] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _rate(results: Results, name: str, job: str) -> str:
    cell = results.cells.get((name, job))
    return f"{cell.rate:,.0f} ±{cell.spread:.0%}" if cell else ""


def _share(results: Results, name: str, job: str) -> str:
    own, first = results.rate(name, job), results.rate(results.contenders[0].name, job)
    return f"{own / first:.2f}" if own and first else ""


def _times(results: Results, name: str, job: str) -> str:
    cell = results.cells.get((name, job))
    return f"{cell.p50:.1f} / {cell.p99:.1f}" if cell else ""
