"""Real servers over one database, and the faults that they and their clients go through."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from tests.e2e.conftest import DEADLINE, Server, run_datas
from tests.prove.clients import World
from tests.prove.databases import Database, Missed, alive
from tests.prove.history import OPERATOR, REFUSED, FaultRun, Operation, Seen
from tests.prove.http_client import HttpClient, brief
from tests.prove.plan import Fault

ROOT = Path(__file__).parents[2]
NODES, WORKERS, THREADS = 2, 2, 4
CLOCKS = (-3600, -60, 30, 600, 7200)  # seconds
STOPPED = DEADLINE + 10  # seconds until a server has ended after SIGTERM


class Servers:
    """As many servers as there are nodes, each on a port that it keeps."""

    def __init__(self, folder: Path, database: Database, **environ: str) -> None:
        self.folder, self.database = folder, database
        self.clock = folder / "clock"
        self._environ = {
            "DATAS_COLLECTIONS": "tests.prove.app:PACKAGE",
            "PROVE_CLOCK": str(self.clock),
            "PYTHONPATH": str(ROOT),
            "DATAS_DATABASE_URL": database.url,
            **environ,
        }
        self.ports = [0] * NODES
        self.nodes = [self._start(number) for number in range(NODES)]
        self._turn = 0

    def address(self) -> int:
        """The port of each in turn."""
        self._turn += 1
        return self.ports[self._turn % NODES]

    def restart(self, number: int) -> None:
        """Start one that has ended, or was killed."""
        self.nodes[number].close()
        self.nodes[number] = self._start(number)

    def close(self) -> None:
        for node in self.nodes:
            if node.process.poll() is None:
                node.kill()
            node.close()

    def run(self, *arguments: str) -> str | None:
        """Run a command of Datas; why it failed, if it did."""
        done = run_datas(self.folder, *arguments, stdin=b"", **self._environ)
        return done.stderr.strip() if done.returncode else None

    def _start(self, number: int) -> Server:
        size = ("--workers", str(WORKERS), "--threads", str(THREADS))
        bind = ("--bind", f"127.0.0.1:{self.ports[number]}")
        server = Server(self.folder, *size, *bind, **self._environ)
        self.ports[number] = server.port
        return server


class Nemesis:
    """Does what the plan says, one fault after another."""

    def __init__(self, servers: Servers, world: World, clients: Sequence[HttpClient]) -> None:
        self._servers, self._world, self._clients = servers, world, clients
        self._faults: Mapping[str, Callable[[Fault], str]] = {
            "kill a worker": self._kill_worker,
            "kill a server": self._kill_server,
            "SIGTERM": self._terminate,
            "SIGHUP": self._reload,
            "stop a worker": lambda fault: self._stop(fault, self._workers(fault)[:1]),
            "stop a server": self._stop_server,
            "move the clock": self._move_clock,
            "cut connections": self._cut,
            "export": lambda _: self._export(),
            "backup": lambda _: self._back_up(),
            "power cut": self._cut_power,
        }

    def run(self, planned: Sequence[Fault]) -> None:
        for fault in planned:
            self._world.sleep(max(0, fault.at - self._world.now()))
            begun = self._world.now()
            try:
                detail, done = self._carry_out(fault), True
            except Missed as missed:
                detail, done = str(missed), False
            run = FaultRun(fault.kind, begun, self._world.now(), detail, done)
            self._world.history.add_fault(run)

    def _carry_out(self, fault: Fault) -> str:
        """Return a detail to be shown. Raises: Missed."""
        if reason := self._servers.database.not_run.get(fault.kind):
            raise Missed(reason)
        return self._faults.get(fault.kind, self._do)(fault)

    def _node(self, fault: Fault) -> Server:
        return self._servers.nodes[fault.target % NODES]

    def _workers(self, fault: Fault) -> list[int]:
        workers = self._node(fault).workers()
        first = fault.target % len(workers) if workers else 0
        return workers[first:] + workers[:first]

    def _kill_worker(self, fault: Fault) -> str:
        _signal(alive(self._workers(fault))[:1], signal.SIGKILL)
        return f"of server {fault.target % NODES + 1}"

    def _reload(self, fault: Fault) -> str:
        _signal(alive([self._node(fault).process.pid]), signal.SIGHUP)
        return f"server {fault.target % NODES + 1}"

    def _kill_server(self, fault: Fault) -> str:
        self._node(fault).kill()
        self._world.sleep(fault.lasts / 2)
        self._servers.restart(fault.target % NODES)
        return f"server {fault.target % NODES + 1}"

    def _terminate(self, fault: Fault) -> str:
        process = self._node(fault).process
        process.send_signal(signal.SIGTERM)
        begun = self._world.now()
        code = process.wait(STOPPED)
        took = self._world.now() - begun
        self._servers.restart(fault.target % NODES)
        return f"server {fault.target % NODES + 1} ended after {took:.1f} s with {code}"

    def _stop_server(self, fault: Fault) -> str:
        node = self._node(fault)
        return self._stop(fault, [node.process.pid, *node.workers()])

    def _stop(self, fault: Fault, pids: Sequence[int]) -> str:
        """Stop processes for a while, as a machine does that has too much to do."""
        pids = alive(pids)
        try:
            _signal(pids, signal.SIGSTOP)
            self._world.sleep(fault.lasts)
        finally:
            _signal(pids, signal.SIGCONT)
        return f"of server {fault.target % NODES + 1}, for {fault.lasts:g} s"

    def _move_clock(self, fault: Fault) -> str:
        """Two jumps: one of them goes back."""
        offset = CLOCKS[fault.target % len(CLOCKS)]
        for seconds in (offset, 0):
            partial = self._servers.clock.with_suffix(".partial")
            partial.write_text(str(seconds))
            partial.replace(self._servers.clock)
            self._world.sleep(fault.lasts / 2)
        return f"{offset:+} s and back"

    def _cut(self, fault: Fault) -> str:
        for _ in range(5):
            for client in self._clients:
                client.cut()
            self._world.sleep(fault.lasts / 5)
        return f"those of all clients, 5 times in {fault.lasts:g} s"

    def _cut_power(self, fault: Fault) -> str:
        detail = self._do(fault)
        for number in range(NODES):
            self._servers.restart(number)
        return detail

    def _do(self, fault: Fault) -> str:
        return self._servers.database.do(fault.kind, fault.lasts, self._servers.nodes)

    def _back_up(self) -> str:
        return self._copy("backup", "backup.db", _records_of)

    def _export(self) -> str:
        return self._copy("export", "export.ndjson", _lines_of)

    def _copy(self, command: str, name: str, seen_in: Callable[[Path], Iterator[Seen]]) -> str:
        """Run a command that copies all records to a file, and look what is in it."""
        path = self._servers.folder / name
        path.unlink(missing_ok=True)
        begun = self._world.now()
        failure = self._servers.run(command, str(path))
        done = Operation(OPERATOR, command, begun, self._world.now(), sort="id")
        if failure is not None:
            self._world.history.add(done._replace(outcome=REFUSED, reason=failure))
            return f"failed: {failure}"
        try:
            copied = done._replace(status=200, seen=tuple(seen_in(path)), complete=True)
        except (OSError, ValueError, sqlite3.Error) as error:
            copied = done._replace(status=200, reason=str(error))
        self._world.history.add(copied)
        return f"{len(copied.seen):,} records"


def _signal(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _records_of(path: Path) -> Iterator[Seen]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, data, version FROM datas ORDER BY id").fetchall()
    return (Seen(*row) for row in rows)


def _lines_of(path: Path) -> Iterator[Seen]:
    return map(brief, map(json.loads, path.read_bytes().splitlines()))


@contextmanager
def running_servers(folder: Path, database: Database, **environ: str) -> Iterator[Servers]:
    servers = Servers(folder, database, **environ)
    try:
        yield servers
    finally:
        servers.close()
