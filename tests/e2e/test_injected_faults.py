"""Faults that are asked for, on a real server: threads stay free, and connections end."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected

import pytest

from tests.e2e.conftest import DEADLINE, Answer, Server, Start
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

EXPLAIN = {"DATAS_EXPLAIN": "true"}
LOSE = {"Fault": "lose-response"}


def count(server: Server) -> int:
    """How many records there are."""
    return len(server.request("GET", f"{ROUTE}?limit=1000").json["data"])


def test_a_lost_response_was_carried_out_once_and_its_retry_is_a_replay(start: Start) -> None:
    """No byte of an answer comes, whatever the method; the log is quiet."""
    server = start("--workers", "2", **EXPLAIN)
    once = {"Idempotency-Key": "order-1"}
    for method, path, body in (
        ("POST", ROUTE, {"data": "hello"}),
        ("HEAD", ROUTE, None),
        ("OPTIONS", ROUTE, None),
        ("GET", BULK, None),
        ("GET", "/docs", None),
        ("POST", "/nowhere", b"x" * 500_000),
    ):
        with pytest.raises((RemoteDisconnected, ConnectionResetError)):
            server.request(method, path, body, once | LOSE)
    assert count(server) == 1
    again = server.request("POST", ROUTE, {"data": "hello"}, once)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert count(server) == 1
    assert "Traceback" not in "".join(server.output)


def test_curl_says_that_the_reply_was_empty(start: Start) -> None:
    """Exit code 52, as when a server dies."""
    server = start("--workers", "1", **EXPLAIN)
    url = f"http://127.0.0.1:{server.port}{ROUTE}"
    command = ["curl", "-s", url, "-H", "Fault: lose-response", "--json", '{"data": "x"}']
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout) == (52, b"")
    assert count(server) == 1


def test_late_answers_leave_each_worker_a_thread(start: Start) -> None:
    """Of four threads three are late at most; others are served, and writers wait for nobody."""
    server = start("--workers", "1", "--threads", "4", **EXPLAIN)

    def late(number: int) -> Answer:
        return server.request("POST", ROUTE, {"data": str(number)}, {"Fault": "delay=3000"})

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(late, number) for number in range(8)]
        time.sleep(1)
        begin = time.monotonic()
        assert server.request("POST", ROUTE, {"data": "quick"}).status == 201
        assert server.request("GET", "/healthz").status == 200
        assert time.monotonic() - begin < 1.5
        statuses = sorted(each.result().status for each in answers)
    assert statuses == [201] * 3 + [503] * 5
    assert count(server) == 4


def test_a_failure_that_is_asked_for_comes_before_the_body_is_read(start: Start) -> None:
    """A large import hears of it while it still sends, and nothing is stored."""
    server = start("--workers", "1", **EXPLAIN)
    headers = {"Content-Type": "application/x-ndjson", "Fault": "status=503"}
    answer = server.request("POST", BULK, b'{"data": "x"}\n' * 700_000, headers)
    assert (answer.status, answer.headers["Connection"]) == (503, "close")
    assert answer.headers["Retry-After"] == "1"
    assert count(server) == 0
