"""The one listening socket of a server: no second server, no lost connection, no hung client."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ
from tests.e2e.front import fill, unread_export
from tests.postgres import free_port
from tests.served import ROUTE

pytestmark = pytest.mark.slow

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = (
    f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 15\r\nConnection: close\r\n\r\n"
).encode()
REFUSED_WITHIN = 10.0  # seconds
LONGEST_ANSWER = 5.0  # seconds


def connected(server: Server, sent: bytes = b"") -> socket.socket:
    """A client that sent this."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=LONGEST_ANSWER)
    client.sendall(sent)
    return client


def answers(server: Server, count: int) -> list[bytes]:
    """The status lines that so many new connections get, each in time."""
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server, GET)) for _ in range(count)]
        return [client.recv(4096).partition(b"\r")[0] for client in clients]


def wait_for_workers(server: Server, old: set[int], count: int) -> None:
    """Until there are so many workers beside the old ones, and one of them answers."""
    end = time.monotonic() + DEADLINE
    while len({*server.workers()} - old) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("apart", [0.0, 0.3, 0.6])
def test_the_kernel_refuses_a_second_server(tmp_path: Path, apart: float) -> None:
    """However close the two are started, one serves; the other ends with one line."""
    port = free_port()
    processes = []
    for name in ("a", "b"):
        url = f"sqlite:///{name}.db"
        command = [sys.executable, "-m", "datas", "serve", "--bind", f"127.0.0.1:{port}"]
        processes.append(
            subprocess.Popen(
                [*command, "--workers", "1", "--database", url],
                cwd=tmp_path,
                env=clean_environ(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        time.sleep(apart)
    begun = time.monotonic()
    while not (ended := [each for each in processes if each.poll() is not None]):
        assert time.monotonic() - begun < REFUSED_WITHIN, "both run"
        time.sleep(0.02)
    print(f"refused after {time.monotonic() - begun + apart:.2f} s")
    [running] = {*processes} - {*ended}
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(1)
    running.terminate()
    assert ended[0].returncode == 1
    output = ended[0].communicate(timeout=DEADLINE)[1]
    errors = [line for line in output.splitlines() if not line.startswith("A new database")]
    assert re.fullmatch(r"Error: 127\.0\.0\.1:\d+ can't be had: .+", "\n".join(errors))
    running.communicate(timeout=DEADLINE)
    assert running.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_connections_that_wait_are_served(start: Start, number: int) -> None:
    """The worker accepts them at its end."""
    server = start("--workers", "1", "--threads", "2")
    [worker] = server.workers()
    os.kill(worker, signal.SIGSTOP)
    with ExitStack() as stack:
        waiting = [stack.enter_context(connected(server, GET)) for _ in range(20)]
        server.process.send_signal(number)
        time.sleep(0.3)  # until the worker's own signal is there
        os.kill(worker, signal.SIGCONT)
        assert {client.recv(4096)[:12] for client in waiting} == {b"HTTP/1.1 200"}


@pytest.mark.slow
def test_two_reloads_and_a_slow_client_leave_no_connection_behind(start: Start) -> None:
    """Nor do killed workers then, though the slow client's worker still ends."""
    server = start("--workers", "2")
    fill(server, 20_000)
    with unread_export(server):
        old: set[int] = set()
        for _ in range(2):
            old |= {*server.workers()}
            server.process.send_signal(signal.SIGHUP)
            wait_for_workers(server, old, 2)
            assert answers(server, 40) == [b"HTTP/1.1 200 OK"] * 40
        new = {*server.workers()} - old
        assert {*server.workers()} & old, "the slow client's worker has ended, this shows nothing"
        for worker in new:
            os.kill(worker, signal.SIGKILL)
        wait_for_workers(server, old | new, 2)
        assert answers(server, 40) == [b"HTTP/1.1 200 OK"] * 40


@pytest.mark.slow
def test_a_stop_after_a_reload_is_seen_at_once_and_ends_in_time(start: Start) -> None:
    """Clients that don't read their exports delay neither, whichever worker they have."""
    drain = 2
    server = start("--workers", "2", DATAS_DRAIN_SECONDS=str(drain))
    fill(server, 20_000)
    with ExitStack() as stack:
        stack.enter_context(unread_export(server))
        old = {*server.workers()}
        server.process.send_signal(signal.SIGHUP)
        wait_for_workers(server, old, 2)
        stack.enter_context(unread_export(server))
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        while server.request("GET", "/readyz").status == 200:
            assert time.monotonic() - begun < drain
        print(f"unready after {time.monotonic() - begun:.2f} s")
        assert server.process.wait(60) == 0
    took = time.monotonic() - begun
    print(f"ended after {took:.2f} s")
    assert drain < took < drain + 20 + 3


@pytest.mark.slow
def test_a_reload_in_the_midst_of_a_stop_cuts_no_request_off(start: Start) -> None:
    """Whichever signal comes first, a request in flight has its time to finish."""
    term, hup = signal.SIGTERM, signal.SIGHUP
    for order in ([term], [term, hup], [hup, term]):
        server = start("--workers", "1")
        with closing(connected(server, POST)) as client:
            time.sleep(0.3)  # until a thread has it
            for number in order:
                server.process.send_signal(number)
            time.sleep(4)
            client.sendall(b'{"data": "end"}')
            assert client.recv(4096).startswith(b"HTTP/1.1 201"), order
        assert server.process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_a_worker_that_has_just_begun_hears_a_stop(start: Start) -> None:
    """A signal between the fork and the worker's own handlers isn't lost: 20 s would go by."""
    for _ in range(5):
        server = start("--workers", "4")
        begun = time.monotonic()
        os.kill(server.workers()[0], signal.SIGKILL)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE + 10) == 0
        print(f"ended after {time.monotonic() - begun:.2f} s")
        assert time.monotonic() - begun < 10


@pytest.mark.slow
def test_an_old_worker_ends_in_time(start: Start) -> None:
    """A client that doesn't read its answer keeps it no longer than others that are slow."""
    server = start("--workers", "1")
    fill(server, 20_000)
    with unread_export(server):
        [old] = server.workers()
        server.process.send_signal(signal.SIGHUP)
        begun = time.monotonic()
        while old in server.workers():
            assert time.monotonic() - begun < 20 + 3
            time.sleep(0.1)
    print(f"ended after {time.monotonic() - begun:.2f} s")


@pytest.mark.slow
def test_a_client_that_is_refused_while_it_sends_gets_the_answer(start: Start) -> None:
    """The server reads on for a moment: a reset would take the answer away."""
    server = start("--workers", "1")
    head = POST.replace(b"Content-Length: 15", b"Content-Length: 3000000")
    with closing(connected(server, head)) as client:
        for _ in range(30):
            client.sendall(b"x" * 100_000)
            time.sleep(0.01)
        assert client.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.slow
def test_clients_that_do_not_close_keep_no_other_waiting(start: Start) -> None:
    """Not garbage either: gunicorn's main thread, which accepts, waits for none of them."""
    server = start("--workers", "1", "--threads", "4")
    longest = 0.0
    with ExitStack() as stack:
        for number in range(30):
            if number % 10 == 0:
                for sent in (GET, b"\x16\x03\x01 nonsense\r\n\r\n"):
                    stack.enter_context(connected(server, sent))
            begun = time.monotonic()
            assert answers(server, 1) == [b"HTTP/1.1 200 OK"]
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.1)
    print(f"longest {longest:.2f} s")
    assert longest < 1


@pytest.mark.slow
def test_a_worker_that_is_full_accepts_again(start: Start) -> None:
    """At its limit of connections it leaves others to wait, and keeps the socket."""
    server = start("--workers", "1", GUNICORN_CMD_ARGS="--worker-connections 8")
    before = server.workers()
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(connected(server))
        time.sleep(1.5)  # it looks once a second
    assert answers(server, 1) == [b"HTTP/1.1 200 OK"]
    assert server.workers() == before


def test_the_master_holds_no_database(start: Start) -> None:
    """Workers would inherit it; and it has loaded nothing that a reload should replace."""
    server = start("--workers", "1")
    server.request("POST", ROUTE, {"data": "x"})
    opened = [str(file.readlink()) for file in Path(f"/proc/{server.process.pid}/fd").iterdir()]
    assert not [name for name in opened if "datas.db" in name]
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "sqlite" not in maps
