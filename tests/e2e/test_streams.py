"""Commands whose standard streams are closed, or whose terminal goes away."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, clean_environ
from tests.postgres import free_port
from tests.served import ROUTE

pytestmark = pytest.mark.slow

DATAS = f"{sys.executable} -m datas"


@contextmanager
def served(folder: Path, command: str) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """A server that a shell starts, with what it wrote into the file `output`."""
    server = Server.__new__(Server)
    server.port, server.output = free_port(), []
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}", "sh", f"127.0.0.1:{server.port}"],
            cwd=folder,
            env=clean_environ() | {"DATAS_ACCESS": "open", "DATAS_LOG_LEVEL": "info"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server.process = process  # type: ignore[assignment]
    try:
        server._wait_until_ready()  # noqa: SLF001
        yield server, process
    finally:
        process.terminate()
        process.wait(DEADLINE)


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_server_with_closed_streams_serves_and_writes_into_no_file(
    tmp_path: Path, closed: str
) -> None:
    """Its own descriptors don't get the numbers 0 to 2, where the log would go into them."""
    with served(tmp_path, f'{DATAS} serve --workers 1 --bind "$1" {closed}') as (server, _):
        assert server.request("POST", ROUTE, {"data": "x"}).status == 201
        for pid in (server.process.pid, *server.workers()):
            standard = {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)}
            assert standard <= {"/dev/null", str(tmp_path / "output")}
    assert "Traceback" not in (tmp_path / "output").read_text()


def test_gunicorn_alone_with_a_closed_log_writes_into_no_file(tmp_path: Path) -> None:
    """The socket and the heartbeat get the numbers 0 and 2; then the lines of the log are lost."""
    command = (
        f'{sys.executable} -m gunicorn --no-control-socket --bind "$1" datas.wsgi:app <&- 2>&-'
    )
    with served(tmp_path, command) as (server, process):
        assert server.request("POST", ROUTE, {"data": "x"}).status == 201
        [worker] = server.workers()
        for pid in (process.pid, worker):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                if "wgunicorn-" in str(file.readlink()):  # the heartbeat
                    assert file.read_bytes() == b""


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["export -", "import -", "user list", "doctor", "--help"])
def test_a_command_with_closed_streams_shows_no_traceback(
    tmp_path: Path, closed: str, command: str
) -> None:
    """It reads nothing, and what it writes is lost."""
    done = subprocess.run(
        ["sh", "-c", f"{DATAS} migrate && exec {DATAS} {command} {closed}"],
        cwd=tmp_path,
        env=clean_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_server_ends_with_its_terminal(tmp_path: Path) -> None:
    """SIGHUP reloads; but if the terminal is gone in which the server was started, it ends."""
    port = free_port()
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(tmp_path)
        command = [sys.executable, "-m", "datas", "serve", "--bind", f"127.0.0.1:{port}"]
        os.execve(sys.executable, command, clean_environ() | {"DATAS_ACCESS": "open"})  # noqa: S606
    server = Server.__new__(Server)
    server.port, server.output = port, []
    server._wait_until_ready()  # noqa: SLF001
    os.kill(pid, signal.SIGHUP)
    time.sleep(1)
    server._wait_until_ready()  # noqa: SLF001
    os.close(terminal)  # the kernel sends SIGHUP
    end = time.monotonic() + DEADLINE
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        assert time.monotonic() < end, "it still runs"
        time.sleep(0.05)
