"""Datas and its peers side by side: `python -m tests.bench.side_by_side [--quick]`.

Each server has one core to itself and one worker, wrk has another core. Every job goes round all
servers in turn, several times, so that whatever else the machine does hits all of them alike.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import streams, writers
from tests.bench.contenders import (
    ENVIRONMENT,
    LOAD_CORE,
    SERVER_CORE,
    Contender,
    Running,
    contenders,
    start_time,
)
from tests.bench.jobs import JOBS, Job, check
from tests.bench.plot import plot
from tests.bench.report import Cell, Results, page, shown_targets

SIZE = 100_000
CLIENTS = 16
ROUNDS, QUICK_ROUNDS = 7, 1
STARTS, QUICK_STARTS = 9, 3
EXPORTED = ("no filter", "q matches all", "half of all time")
PAGE, PLOT = Path("BENCHMARKS.md"), Path("docs/benchmarks.svg")
QUICK_PAGE, QUICK_PLOT = Path("build/bench/BENCHMARKS.md"), Path("build/bench/benchmarks.svg")


class Timing(NamedTuple):
    """One round of one job."""

    rate: float  # requests a second
    p50: float  # milliseconds
    p99: float


def timed(job: Job, running: Running, mark: str, folder: Path) -> Timing:
    """Send a job's requests for a while. Raises: RuntimeError, if an answer was wrong."""
    file = folder / "requests"
    with file.open("wb") as out:
        for call in job.calls(running.api, SIZE, mark):
            raw = running.api.raw(call)
            out.write(b"%d\n%b\n" % (len(raw), raw))
    script = str(Path(__file__).with_name("wrk.lua"))
    command = ["taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1"]
    command += ["--connections", str(CLIENTS), "--duration", f"{job.seconds}s", "--timeout", "20s"]
    command += ["--script", script, f"http://127.0.0.1:{running.port}", "--", str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    told = json.loads(done.stdout.splitlines()[-1])
    wanted = told["requests"] if job.is_refused else 0
    if told["broken"] or told["refused"] != wanted or not told["requests"]:
        raise RuntimeError(f"{running.contender.name}, {job.name}: {done.stdout}")
    return Timing(told["requests"] / told["seconds"], told["p50"], told["p99"])


def measure(servers: Sequence[Running], folder: Path, rounds: int) -> dict[tuple[str, str], Cell]:
    """Each job of each server that can do it, by the names of both."""
    cells = {}
    for job in JOBS:
        able = [it for it in servers if job.name not in it.contender.lacks]
        for running in able:
            check(job, running.api, running.port, SIZE)
        timings: dict[str, list[Timing]] = {it.contender.name: [] for it in able}
        for number in range(rounds):
            # Nobody is always the first, nor always behind the same one.
            for running in able[number % len(able) :] + able[: number % len(able)]:
                timing = timed(job, running, f"round {number}", folder)
                timings[running.contender.name].append(timing)
        for name, found in timings.items():
            cells[name, job.name] = cell = _cell(found)
            print(f"{job.name:12}{name:20}{cell.rate:10,.0f} a second", flush=True)
    return cells


def _cell(timings: Sequence[Timing]) -> Cell:
    rates = [it.rate for it in timings]
    rate = statistics.median(rates)
    return Cell(
        rate,
        (max(rates) - min(rates)) / 2 / rate,
        statistics.median(it.p50 for it in timings),
        statistics.median(it.p99 for it in timings),
    )


@contextmanager
def running(found: Sequence[Contender], folder: Path) -> Iterator[list[Running]]:
    """All of them, ended at the end of the block."""
    with ExitStack() as stack:
        servers = []
        for number, contender in enumerate(found):
            servers.append(Running(contender, folder / str(number), SIZE))
            stack.callback(servers[-1].stop)
        yield servers


def main() -> None:
    """Measure, print what matters, and write the page and the plot."""
    _refuse_unable()
    quick = "--quick" in sys.argv
    rounds = QUICK_ROUNDS if quick else ROUNDS
    exports, written = measure_alone(quick=quick)
    os.sched_setaffinity(0, {LOAD_CORE})
    # On the project's own disk: a file in memory would make every write look cheap.
    folder = Path("build/bench/run").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = list(contenders(folder))
    times = [start_time(folder / f"start{n}") for n in range(QUICK_STARTS if quick else STARTS)]
    with running(found, folder) as servers:
        cells = measure(servers, folder, rounds)
        memory = {it.contender.name: it.memory() for it in servers}
    start = statistics.median(times)
    results = Results(found, cells, memory, start, rounds, SIZE, CLIENTS, exports, written)
    shutil.rmtree(folder)
    print(f"\n{shown_targets(results)}")
    paths = (QUICK_PAGE, QUICK_PLOT) if quick else (PAGE, PLOT)
    for path, text in zip(paths, (page(results), plot(results)), strict=True):
        path.write_text(text)
    print(f"\nWritten: {paths[0]} and {paths[1]}.")


def measure_alone(*, quick: bool) -> tuple[list[streams.Row], dict[int, list[writers.Written]]]:
    """What has no peer, with all cores: exports by size, and writers by the number of workers."""
    sizes = streams.SIZES["SQLite"][: 2 if quick else 3]
    exports = list(streams.measured("SQLite", sizes, EXPORTED))
    cores = os.cpu_count() or 1
    count = QUICK_ROUNDS if quick else writers.ROUNDS
    return exports, {number: [*writers.rounds(number, count)] for number in (cores, 2 * cores)}


def _refuse_unable() -> None:
    """Say in one line what is missing, before anything is measured."""
    if not shutil.which("wrk"):
        sys.exit(
            "The load comes from wrk, which isn't here. On Debian and Ubuntu: apt-get install wrk"
        )
    if not shutil.which("taskset") or not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        sys.exit("This needs Linux with two cores: one for the server, one for the load.")
    if not ENVIRONMENT.with_name("complete").exists():
        sys.exit("The peers aren't installed. Run it by: make bench")


if __name__ == "__main__":
    main()
