"""The databases under test, and what can be done to each."""

import os
import resource
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import Server
from tests.e2e.disk import Disk, mounted
from tests.postgres import Postgres, running, temporary_folder

# Faults of servers and their clients, whatever the database is.
COMMON = (
    "kill a worker",
    "kill a server",
    "SIGTERM",
    "SIGHUP",
    "stop a worker",
    "stop a server",
    "move the clock",
    "cut connections",
    "export",
)
NO_DISK = "a small disk of its own needs mkfs.ext4, and root where an image can be mounted"
GONE = "none of its processes runs"
FULL = 100_000  # bytes, beyond which no file can grow


class Missed(Exception):
    """A fault did nothing; the message says why."""


class Database(ABC):
    """`kinds` and `rare` are its faults; `not_run` says why one can't be done here.

    A plan has it all the same: the same seed is the same plan on every machine.
    """

    url = ""
    kinds: Sequence[str] = ()
    rare: Sequence[str] = ()
    not_run: Mapping[str, str] = {}

    @abstractmethod
    def do(self, kind: str, lasts: float, nodes: Sequence[Server]) -> str:
        """Do what only this database can have; return a detail to be shown. Raises: Missed."""


class SqliteFile(Database):
    """A file, on a small disk of its own where that can be made."""

    def __init__(self, folder: Path, disk: Disk | None) -> None:
        self._disk = disk
        self.url = f"sqlite:///{disk.path if disk else folder}/datas.db"
        self.kinds = (*COMMON, "full disk", "backup")
        self.rare = ("power cut",)
        self.not_run = {
            **({} if disk else {"power cut": NO_DISK}),
            "kill the primary": "SQLite has none: make prove ARGS='--database postgresql'",
        }

    def do(self, kind: str, lasts: float, nodes: Sequence[Server]) -> str:
        if kind == "full disk":
            return self._fill(lasts, nodes)
        assert kind == "power cut"
        assert self._disk
        for node in nodes:
            node.freeze()
        self._disk.cut_power()
        for node in nodes:
            node.kill()
            node.close()
        self._disk.unmount()
        self._disk.mount()
        return "what only memory had is lost"

    def _fill(self, lasts: float, nodes: Sequence[Server]) -> str:
        """Let no file grow, by a limit of each process: it needs no rights."""
        workers = alive([pid for node in nodes for pid in node.workers()])
        _limit(workers, FULL)
        time.sleep(lasts)
        _limit(workers, resource.RLIM_INFINITY)
        return f"no file may grow over {FULL:,} bytes"


def alive(pids: Sequence[int]) -> list[int]:
    """Those that run. Raises: Missed, if none does."""
    found = []
    for pid in pids:
        with suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            # One that has ended keeps its number until its parent asks for its exit code.
            found += [pid] * (state != "Z")
    if not found:
        raise Missed(GONE)
    return found


def _limit(pids: Sequence[int], size: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class PostgresPair(Database):
    """A primary that acknowledges what its standby has too, and the standby."""

    kinds = (*COMMON, "stop the database", "end its connections")
    rare = ("kill the primary",)
    not_run: Mapping[str, str] = {
        "full disk": "the disk is PostgreSQL's; without room for its log it stops as a whole",
        "power cut": "as a kill of the primary: what counts is what the standby has",
        "backup": "`datas backup` is for SQLite; PostgreSQL has pg_dump",
    }

    def __init__(self, primary: Postgres, folders: ExitStack, *standby_settings: str) -> None:
        self.primary, self._folders = primary, folders
        self._settings = standby_settings
        primary.ask("CREATE DATABASE datas")
        self.standby = self._new_standby()
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (primary, self.standby))
        self.url = f"postgresql://postgres:secret@{hosts}/datas?target_session_attrs=read-write"

    def do(self, kind: str, lasts: float, nodes: Sequence[Server]) -> str:
        if kind == "kill the primary":
            return self._fail_over()
        if kind == "stop the database":
            self.primary.signal(signal.SIGSTOP)
            time.sleep(lasts)
            self.primary.signal(signal.SIGCONT)
            return ""
        ended = self.primary.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'datas'"
        )
        if not ended:
            raise Missed("it had no connections")
        return f"{len(ended)} connections"

    def _fail_over(self) -> str:
        """Kill the primary while its standby lags, promote that, and give it a new standby."""
        [(walsender,)] = self.primary.ask("SELECT pid FROM pg_stat_replication")
        os.kill(walsender, signal.SIGSTOP)
        time.sleep(0.3)
        self.primary.kill()
        begun = time.monotonic()
        self.standby.ask("SELECT pg_promote()")
        promoted = time.monotonic() - begun
        port = self.primary.port
        self.primary = self.standby
        self.standby = self._new_standby(port)
        return f"promoted after {promoted:.1f} s, and given a new standby"

    def _new_standby(self, port: int | None = None) -> Postgres:
        folder = self._folders.enter_context(temporary_folder())
        standby = Postgres(folder / "data", *self._settings)
        standby.port = port or standby.port
        source = self.primary.url(parameters="?application_name=standby")
        self.primary.run(
            *("pg_basebackup", "-d", source, "-D", str(standby.folder)),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )
        standby.start()
        self._folders.callback(standby.stop)
        self.primary.ask("ALTER SYSTEM SET synchronous_standby_names = standby")
        self.primary.ask("SELECT pg_reload_conf()")
        end = time.monotonic() + 20
        while self.primary.ask("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            assert time.monotonic() < end, "the standby does not follow"
            time.sleep(0.05)
        return standby


@contextmanager
def opened(kind: str, folder: Path, *standby_settings: str) -> Iterator[Database]:
    """An empty database, gone after the block."""
    with ExitStack() as stack:
        if kind == "postgresql":
            primary = stack.enter_context(running())
            yield PostgresPair(primary, stack, *standby_settings)
            return
        disk = None
        with suppress(pytest.skip.Exception, pytest.fail.Exception):
            disk = stack.enter_context(mounted(folder))
        yield SqliteFile(folder, disk)
