"""A server that is watched: its log, its metrics, and how it stops."""

import json
import os
import re
import signal
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, request, run_datas
from tests.e2e.front import fill
from tests.served import BULK, ONE, ROUTE

pytestmark = pytest.mark.slow


def log_lines(server: Server) -> list[dict[str, Any]]:
    """What the server has logged so far; each line is one object."""
    return [json.loads(line) for line in server.output if line.startswith("{")]


def wait_for(found: Any) -> Any:
    """What is found, as soon as it is there."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.02)
    raise TimeoutError


def test_each_request_is_a_line_of_json(start: Start) -> None:
    """Nothing else is: the start's words are for people."""
    server = start(DATAS_LOG_LEVEL="info")
    server.request("POST", ROUTE, {"data": "a secret"}, {"X-Request-Id": "first"})
    server.request("GET", f"{ROUTE}/1?token=secret", headers={"Authorization": "Bearer secret"})
    server.stop()
    [created] = [line for line in log_lines(server) if line.get("request_id") == "first"]
    assert (created["method"], created["route"], created["status"]) == ("POST", ROUTE, 201)
    assert created["client"] == "127.0.0.1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", created["time"])
    assert "secret" not in "".join(server.output)


@pytest.mark.slow
def test_lines_for_people_and_only_what_is_wrong(start: Start) -> None:
    """The format, and the level."""
    people = start("--workers", "1", DATAS_LOG_LEVEL="info", DATAS_LOG_FORMAT="text")
    quiet = start("--workers", "1", DATAS_LOG_LEVEL="error")
    for server in (people, quiet):
        server.request("GET", f"{ROUTE}/7")
        server.stop()
    assert f"404 GET {ONE}" in "".join(people.output)
    assert "GET" not in "".join(quiet.output)


def test_a_failure_is_logged_with_its_traceback_and_answered_without(
    start: Start, tmp_path: Path
) -> None:
    """The request's id leads from one to the other."""
    server = start("--workers", "1", DATAS_LOG_FORMAT="json")
    server.request("POST", ROUTE, {"data": "x"})
    (tmp_path / "datas.db").rename(tmp_path / "moved.db")
    answer = server.request("POST", ROUTE, {"data": "y"})
    assert answer.status == 503
    assert b"Traceback" not in answer.content
    [line] = wait_for(lambda: [it for it in log_lines(server) if it["level"] == "error"])
    assert answer.json["request_id"] in line["message"]
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]


def sample(server: Server, name: str, **labels: str) -> float:
    """The value of a metric, 0 if it isn't there."""
    text = server.request("GET", "/metrics").content.decode()
    for line in text.splitlines():
        if line.split("{")[0].split(" ")[0] == name and all(
            f'{label}="{value}"' in line for label, value in labels.items()
        ):
            return float(line.rpartition(" ")[2])
    return 0


def test_metrics_count_what_all_workers_did(start: Start) -> None:
    """Whichever is asked; what a killed worker counted stays counted, and isn't in flight."""
    server = start("--workers", "2", "--access", "authenticated", DATAS_METRICS="true")
    for _ in range(20):
        server.request("GET", ROUTE)
    server.request("GET", f"{ROUTE}/9")
    server.request("FETCH", "/nowhere")
    server.request("POST", "/api/tokens", {"username": "alice", "password": "a wrong guess"})
    killed = server.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len({*server.workers()} - {killed}) == 2)
    wait_for(lambda: server.request("GET", "/readyz").status == 200)
    count = {"method": "GET", "route": ROUTE}
    assert sample(server, "datas_http_requests_total", status="200", **count) == 20
    assert sample(server, "datas_http_request_duration_seconds_count", **count) == 20
    item = {"route": ONE, "status": "404"}
    assert sample(server, "datas_http_requests_total", **item) == 1
    assert sample(server, "datas_http_requests_total", method="other", route="") == 1
    assert sample(server, "datas_sign_in_failures_total") == 1
    assert sample(server, "datas_database_errors_total") == 0
    assert sample(server, "datas_build_info") == 1
    assert sample(server, "datas_http_requests_in_flight") == 1, "the one that asks"


@pytest.mark.slow
def test_metrics_are_off_unless_asked_for_and_leave_nothing(start: Start, tmp_path: Path) -> None:
    """404 without the setting; with it their folder goes when the server does."""
    assert start("--workers", "1").request("GET", "/metrics").status == 404
    server = start("--workers", "1", DATAS_METRICS="true", TMPDIR=str(tmp_path))
    assert server.request("GET", "/metrics").status == 200
    assert list(tmp_path.glob("datas-metrics-*"))
    server.stop()
    assert not list(tmp_path.glob("datas-metrics-*"))


def test_a_stopping_server_says_so_serves_on_and_finishes_what_it_began(start: Start) -> None:
    """Readiness fails first; a request in flight gets its answer; the exit is a clean one."""
    server = start("--workers", "2", DATAS_DRAIN_SECONDS="1")
    slow = server.connect()
    slow.putrequest("POST", ROUTE)
    slow.putheader("Content-Type", "application/json")
    slow.putheader("Content-Length", "15")
    slow.endheaders()
    server.process.send_signal(signal.SIGTERM)
    answer = wait_for(lambda: (it := server.request("GET", "/readyz")).status == 503 and it)
    assert answer.json["type"] == "/problems/server-stopping"
    assert server.request("POST", ROUTE, {"data": "served"}).status == 201
    wait_for(lambda: not is_listening(server))
    slow.send(b'{"data": "end"}')
    assert slow.getresponse().status == 201
    slow.close()
    assert server.process.wait(DEADLINE) == 0


def is_listening(server: Server) -> bool:
    """Whether somebody new is let in."""
    with closing(server.connect()) as connection:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        f"GET {ROUTE} HTTP/1.1\r\nHo".encode(),
        f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{{".encode(),
        f"GET {BULK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    ],
    ids=["head", "body", "export"],
)
def test_a_client_without_a_word_frees_its_thread(
    start: Start, tmp_path: Path, sent: bytes
) -> None:
    """Half a head or body, or no reading: then the thread serves others. No line is logged."""
    # Here the silence is two seconds.
    code = "from datas.operations import serving\nserving.CLIENT_TIMEOUT = 2\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', Path.cwd())}"
    server = start("--workers", "1", "--threads", "1", PYTHONPATH=path)
    fill(server, 20_000)
    with closing(socket.socket()) as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect(("127.0.0.1", server.port))
        silent.sendall(sent)
        time.sleep(0.2)
        begin = time.monotonic()
        assert server.request("GET", "/healthz").status == 200
        assert time.monotonic() - begin > 1, "the thread was held, or this test shows nothing"
    server.stop()
    assert "Traceback" not in "".join(server.output)


def test_a_client_that_does_not_hang_up_keeps_nobody_waiting(start: Start) -> None:
    """It said that it would close; others are served while its thread waits for that."""
    server = start("--workers", "1", "--threads", "4")
    lingering = [server.connect() for _ in range(3)]
    for each in lingering:
        each.connect()
        each.sock.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    time.sleep(0.2)
    begin = time.monotonic()
    assert server.request("GET", "/healthz").status == 200
    assert time.monotonic() - begin < 1.5
    for each in lingering:
        each.close()


@pytest.mark.slow
def test_a_second_sigterm_ends_the_drain(start: Start) -> None:
    """Without the rest of the seconds in which readiness fails."""
    server = start("--workers", "1", DATAS_DRAIN_SECONDS="15")
    server.process.send_signal(signal.SIGTERM)
    assert wait_for(lambda: server.request("GET", "/readyz").status == 503)
    begin = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(DEADLINE) == 0
    assert time.monotonic() - begin < 5


@pytest.mark.slow
def test_the_master_does_not_sleep_through_a_drain(start: Start) -> None:
    """It wakes each second, also if the signal came when it was about to wake."""
    server = start("--workers", "1", DATAS_DRAIN_SECONDS="15")
    status = Path(f"/proc/{server.process.pid}/status")

    def wake_ups() -> int:
        [count] = re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.MULTILINE)
        return int(count)

    server.process.send_signal(signal.SIGSTOP)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(1.2)  # until the second is over
    server.process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    before = wake_ups()
    time.sleep(2.5)
    assert wake_ups() > before
    server.process.terminate()
    assert server.process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_ctrl_c_waits_for_nobody(start: Start) -> None:
    """A request that is half there doesn't keep somebody at a terminal."""
    server = start("--workers", "1", DATAS_DRAIN_SECONDS="10")
    with closing(server.connect()) as slow:
        slow.putrequest("POST", ROUTE)
        slow.putheader("Content-Type", "application/json")
        slow.putheader("Content-Length", "15")
        slow.endheaders()
        time.sleep(0.2)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0
        assert time.monotonic() - begin < 5


@pytest.mark.slow
def test_a_log_that_nobody_reads_stops_no_request(tmp_path: Path) -> None:
    """Lines are lost then, and nothing else."""
    read, write = os.pipe()

    class Unread(Server):
        stderr = write

    server = Unread(tmp_path, "--workers", "1", DATAS_LOG_LEVEL="info")
    try:
        with closing(server.connect()) as connection:
            for _ in range(400):  # more than the pipe takes
                answer = request(connection, "GET", "/healthz")
                assert answer.status == 200
    finally:
        os.close(read)
        os.close(write)
        server.kill()
        assert server.process.stdout
        server.process.stdout.close()


@pytest.mark.slow
def test_a_signal_for_another_gunicorn_harms_nothing(start: Start) -> None:
    """SIGUSR2 would start a second master; SIGTTOU and SIGTTIN take a worker away and bring one."""
    server = start("--workers", "2", DATAS_METRICS="true")
    before = server.workers()
    for _ in range(20):
        server.process.send_signal(signal.SIGUSR2)
        time.sleep(0.05)
        assert server.workers() == before
    for number in (signal.SIGTTOU, signal.SIGTTIN):
        server.process.send_signal(number)
    wait_for(lambda: len(server.workers()) == 2)
    assert server.request("GET", "/metrics").status == 200
    assert server.stop() == 0


@pytest.mark.slow
def test_a_folder_of_ones_own_for_metrics_is_kept(start: Start, tmp_path: Path) -> None:
    """With the counts of servers before, whoever has their process ids now."""
    folder = tmp_path / "datas-metrics-mine"
    for _ in range(2):
        server = start("--workers", "1", DATAS_METRICS="true", PROMETHEUS_MULTIPROC_DIR=str(folder))
        server.request("GET", ROUTE)
        count = sample(server, "datas_http_requests_total", route=ROUTE)
        server.stop()
        for file in folder.glob("gauge_live*.db"):
            file.rename(file.with_stem(f"{file.stem.rpartition('_')[0]}_1"))
    assert count == 2


def test_metrics_are_told_whatever_is_accepted(start: Start) -> None:
    """By Prometheus, and by whoever writes a version that is none."""
    server = start("--workers", "1", DATAS_METRICS="true")
    prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5"
    for accept in ("*/*", f"{prometheus},*/*;q=0.2", "text/plain; version=zzz, */*"):
        assert server.request("GET", "/metrics", headers={"Accept": accept}).status == 200


@pytest.mark.slow
def test_a_name_can_be_bound(start: Start) -> None:
    """Its address is looked up once."""
    server = start("--workers", "1", "--bind", "localhost:0")
    assert server.request("GET", "/healthz").status == 200


def test_metrics_without_their_library_stop_the_start(tmp_path: Path) -> None:
    """One line says what to install."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['prometheus_client'] = None\n"
    )
    result = run_datas(
        tmp_path, "serve", DATAS_METRICS="true", PYTHONPATH=f"{tmp_path}:{Path.cwd()}"
    )
    assert result.returncode == 1
    assert result.stderr == (
        f"A new database was made: sqlite:///{tmp_path}/datas.db\n"
        "Error: DATAS_METRICS needs prometheus-client. "
        "Install it: pip install 'prometheus-client>=0.22'\n"
    )
