"""A real `datas serve`, on a free port, with a fresh file."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DEADLINE = 20.0  # seconds for anything that a server does at start or end


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)


_SERVE = (sys.executable, "-m", "datas", "serve")


class Server:
    """`datas serve` as a process of its own, known by its pid; open to anyone, if not told else."""

    script_name = ""
    stderr = subprocess.STDOUT

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.output: list[str] = []
        self.script_name = environ.get("SCRIPT_NAME", "")
        if "--access" not in arguments and "DATAS_ACCESS" not in environ:
            arguments = ("--access", "open", *arguments)
        self.process = subprocess.Popen(
            [*_SERVE, "--bind", "127.0.0.1:0", *arguments],
            cwd=folder,
            env=clean_environ() | environ,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        if not ready.wait(DEADLINE):
            self.kill()
            raise TimeoutError("".join(self.output))
        [self.port] = map(int, re.findall(r"localhost:(\d+)/", "".join(self.output))[:1])
        self._wait_until_ready()

    def _read(self, ready: threading.Event) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output.append(line)
            if "Ctrl+C" in line:
                ready.set()
        ready.set()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            try:
                if self.request("GET", f"{self.script_name}/readyz").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError("".join(self.output))

    def connect(self) -> HTTPConnection:
        """A connection of its own, kept alive."""
        return HTTPConnection("127.0.0.1", self.port, timeout=30)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a new connection; a body that isn't bytes is sent as JSON."""
        connection = self.connect()
        try:
            return request(connection, method, path, body, headers)
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The pids of the workers."""
        pid = self.process.pid
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def close(self) -> None:
        """Read the rest of its output, when it has ended."""
        self._reader.join(DEADLINE)
        if self.process.stdout:
            self.process.stdout.close()

    def reload(self) -> None:
        """Have it replace its workers, and return when the last of the old ones is gone."""
        before, end = self.workers(), time.monotonic() + DEADLINE
        self.process.send_signal(signal.SIGHUP)
        while len(now := self.workers()) != len(before) or set(now) & set(before):
            assert time.monotonic() < end, "old workers still run"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Stop all its processes where they are, and return when none runs any more."""
        pids = [self.process.pid, *self.workers()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
            while (task / "stat").read_text().rpartition(")")[2].split()[0] != "T":
                time.sleep(0.001)

    def thaw(self) -> None:
        """Let them go on."""
        for pid in [self.process.pid, *self.workers()]:
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the master."""
        self.process.kill()
        self.process.wait(DEADLINE)


def request(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection that is kept."""
    sent = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, sent)
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def clean_environ() -> dict[str, str]:
    """This process's environment without settings of Datas, or of a `make` that runs the tests.

    Servers are quiet, and stop at once.
    """
    left_out = ("DATAS_", "MAKE", "MFLAGS")
    environ = {name: it for name, it in os.environ.items() if not name.startswith(left_out)}
    return environ | {"DATAS_DRAIN_SECONDS": "0", "DATAS_LOG_LEVEL": "warning"}


def run_datas(
    folder: Path, *arguments: str, stdin: bytes = b"", **environ: str
) -> subprocess.CompletedProcess[str]:
    """`datas` with these arguments in a folder, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "datas", *arguments],
        cwd=folder,
        env=clean_environ() | environ,
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium, without a window."""
    # Loading it takes a while, and most tests don't need it.
    from tests.e2e.browser import launched_browser  # noqa: PLC0415

    with launched_browser() as launched:
        yield launched


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers in one folder, and stops those that still run at the end."""
    servers: list[Server] = []

    def start_one(*arguments: str, **environ: str) -> Server:
        servers.append(Server(tmp_path, *arguments, **environ))
        return servers[-1]

    yield start_one
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        server.close()
