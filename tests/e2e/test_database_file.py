"""The database file under a real server and real commands: moved, put back, and only read."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ, run_datas
from tests.e2e.disk import mounted
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

READ = (ROUTE, f"{ROUTE}/1", BULK, "/readyz")


def _move(folder: Path, to: Path) -> None:
    """All files of the database, as `mv datas.db* to/`."""
    to.mkdir(exist_ok=True)
    for file in folder.glob("datas.db*"):
        file.rename(to / file.name)


def _statuses(server: Server, times: int = 8) -> set[int]:
    """Of writes, reads and readiness, each often enough that all workers answer."""
    writes = {server.request("POST", ROUTE, {"data": "x"}).status for _ in range(times)}
    return writes | {server.request("GET", path).status for path in READ * times}


def _until_new(server: Server, old: list[int]) -> None:
    end = time.monotonic() + DEADLINE
    while len(now := server.workers()) < len(old) or set(now) & set(old):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)


def _kill_workers(server: Server) -> None:
    old = server.workers()
    for worker in old:
        os.kill(worker, signal.SIGKILL)
    _until_new(server, old)


def _load_anew(server: Server) -> None:
    old = server.workers()
    server.process.send_signal(signal.SIGHUP)
    _until_new(server, old)


HAPPENINGS: dict[str, Callable[[Server], None]] = {
    "nothing": lambda _: None,
    "workers are killed": _kill_workers,
    "SIGHUP": _load_anew,
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--reload",)], ids=["serve", "serve --reload"])
@pytest.mark.parametrize("happening", HAPPENINGS)
def test_a_moved_database_is_never_replaced_by_an_empty_one(
    start: Start, tmp_path: Path, arguments: tuple[str, ...], happening: str
) -> None:
    """Nothing is read or written meanwhile, whatever workers come; with the file back all goes."""
    server = start("--workers", "2", *arguments)
    assert server.request("POST", ROUTE, {"data": "first"}).status == 201
    away = tmp_path / "away"
    _move(tmp_path, away)
    HAPPENINGS[happening](server)
    assert _statuses(server) == {503}
    assert server.request("GET", "/healthz").status == 200
    assert not list(tmp_path.glob("datas.db*"))
    # Another one in its place is not it.
    assert run_datas(tmp_path, "migrate").returncode == 0
    assert _statuses(server) == {503}
    _move(tmp_path, tmp_path / "other")
    _move(away, tmp_path)
    assert _statuses(server) == {200, 201}
    assert server.request("GET", f"{ROUTE}/1").json["data"]["data"] == "first"


@contextmanager
def _gunicorn(folder: Path) -> Iterator[Server]:
    """`gunicorn datas.wsgi:app` as it stands."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--workers", "2"]
    server = Server.__new__(Server)
    server.port, server.output = port, []
    server.process = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", "datas.wsgi:app"],
        cwd=folder,
        env=clean_environ() | {"DATAS_ACCESS": "open"},
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(DEADLINE)


@pytest.mark.slow
@pytest.mark.parametrize("happening", HAPPENINGS)
def test_gunicorn_alone_makes_no_file_in_the_place_of_one_that_is_gone(
    tmp_path: Path, happening: str
) -> None:
    """It starts from nothing; later its workers see by the lock files that there was one."""
    with _gunicorn(tmp_path) as server:
        server._wait_until_ready()  # noqa: SLF001
        assert server.request("POST", ROUTE, {"data": "first"}).status == 201
        names = [f"datas.db{side}" for side in ("", "-wal", "-shm")]
        for name in names:
            (tmp_path / name).rename(tmp_path / f"away-{name}")
        HAPPENINGS[happening](server)
        assert _statuses(server) == {503}
        assert {file.name for file in tmp_path.glob("datas.db*")} == {
            "datas.db-lock",
            "datas.db-queue",
        }
        for name in names:
            (tmp_path / f"away-{name}").rename(tmp_path / name)
        assert _statuses(server) == {200, 201}


READERS = (
    ["export", "-"],
    ["user", "list"],
    ["token", "list", "alice"],
    ["migrate", "--list"],
    ["doctor"],
    ["backup", "{out}/b.db"],
    ["copy", "{url}", "sqlite:///{out}/copy.db"],
)


def _digests(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
        if file.is_file()
    }


def _read(folder: Path, out: Path) -> None:
    """Run every command that only reads over the database in a folder."""
    url = f"sqlite:///{folder}/datas.db"
    out.mkdir()
    for command in READERS:
        filled = [word.format(out=out, url=url) for word in command]
        done = run_datas(out, *filled, DATAS_DATABASE_URL=url)
        assert done.returncode == 0 or command == ["doctor"], (command, done.stderr)
        assert "Traceback" not in done.stderr
    assert b"hello" in (out / "b.db").read_bytes()


def _filled(folder: Path) -> None:
    (folder / "in").write_text('{"data": "hello"}\n' * 50)
    for arguments in (["user", "add", "alice"], ["token", "issue", "alice"], ["import", "in"]):
        assert run_datas(folder, *arguments, stdin=b"correct horse\n").returncode == 0
    (folder / "in").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("served", [False, True], ids=["that nobody has open", "that is served"])
def test_commands_that_read_change_no_byte(
    start: Start, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, *, served: bool
) -> None:
    """Not of the database, nor in its folder."""
    _filled(tmp_path)
    if served:
        server = start("--workers", "1")
        assert server.request("POST", ROUTE, {"data": "hello"}).status == 201
    before = _digests(tmp_path)
    _read(tmp_path, tmp_path_factory.mktemp("out") / "out")
    assert _digests(tmp_path) == before


@pytest.mark.slow
def test_commands_that_read_need_no_right_to_write(tmp_path: Path) -> None:
    """On a disk that is mounted read-only they say the same."""
    with mounted(tmp_path) as disk:
        _filled(disk.path)
        disk.remount("ro")
        _read(disk.path, tmp_path / "out")
        disk.remount("rw")


@pytest.mark.slow
@pytest.mark.parametrize("command", [["export", "-"], ["user", "list"], ["token", "list", "alice"]])
def test_commands_that_read_say_how_to_migrate(tmp_path: Path, command: list[str]) -> None:
    """A database of an older schema stays as it is."""
    (tmp_path / "datas.db").touch()
    done = run_datas(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: sqlite:///.+schema is behind .+datas migrate`\.\n", done.stderr)
    assert [file.name for file in tmp_path.iterdir()] == ["datas.db"]


@pytest.mark.parametrize("end", ["\r", " ", "\t", "\n"])
def test_white_space_around_a_setting_is_left_out(tmp_path: Path, end: str) -> None:
    """A line ending of Windows, say: no file has it in its name, by a variable or an option."""
    done = run_datas(tmp_path, "migrate", DATAS_DATABASE_URL=f"sqlite:///x.db{end}")
    assert (done.returncode, done.stderr.count("/x.db\n")) == (0, 1)
    option = run_datas(tmp_path, "migrate", "--database", f"{end}sqlite:///x.db{end}")
    assert option.stdout == "The schema is current: nothing to do.\n"
    assert {file.name for file in tmp_path.iterdir()} == {"x.db", "x.db-lock", "x.db-queue"}
