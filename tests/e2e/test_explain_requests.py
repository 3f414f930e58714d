"""The requests of all clients, on a real server of several workers."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ
from tests.served import ROUTE

pytestmark = pytest.mark.slow

EXPLAIN = {"DATAS_EXPLAIN": "true"}
PATH = "/explain/requests"


def targets(server: Server, after: int = 0) -> list[str]:
    """What the server shows, whichever worker is asked."""
    shown = server.request("GET", f"{PATH}?after={after}").json
    assert shown["scope"] == "server"
    return [entry["target"] for entry in shown["requests"]]


def curl(server: Server, target: str) -> None:
    """A request of another program, on a connection of its own."""
    command = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{server.port}{target}"]
    subprocess.run(command, timeout=DEADLINE, check=True)


def wait_for(server: Server, target: str, seconds: float = 2) -> None:
    """Ask until it is there."""
    end = time.monotonic() + seconds
    while target not in targets(server):
        assert time.monotonic() < end, target
        time.sleep(0.05)


def test_a_curl_is_seen_whichever_worker_served_it(start: Start) -> None:
    """Within two seconds; by every worker the same."""
    server = start("--workers", "4", **EXPLAIN)
    sent = [f"{ROUTE}?q=curl{number}" for number in range(40)]
    for target in sent:
        curl(server, target)
    wait_for(server, sent[-1])
    rings = {server.request("GET", PATH).json["ring"] for _ in range(20)}
    assert len(rings) == 1
    for _ in range(20):
        assert [each for each in targets(server) if "curl" in each] == sent


def test_what_was_seen_survives_killed_workers_and_a_reload(start: Start) -> None:
    """Its memory is the master's."""
    server = start("--workers", "2", **EXPLAIN)
    curl(server, f"{ROUTE}?q=first")
    wait_for(server, f"{ROUTE}?q=first")
    for round_ in range(10):
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        _wait_for_workers(server)
        curl(server, f"{ROUTE}?q=round{round_}")
        wait_for(server, f"{ROUTE}?q=round{round_}")
    server.reload()
    curl(server, f"{ROUTE}?q=last")
    wait_for(server, f"{ROUTE}?q=last")
    assert f"{ROUTE}?q=first" in targets(server)


def _wait_for_workers(server: Server) -> None:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            if server.request("GET", "/healthz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError("no worker serves")


def test_a_lost_response_is_seen_all_the_same(start: Start) -> None:
    """What became of the request is the lesson."""
    server = start("--workers", "2", **EXPLAIN)
    with pytest.raises(ConnectionError):
        server.request("POST", ROUTE, {"data": "x"}, {"Fault": "lose-response"})
    wait_for(server, ROUTE)
    [entry] = [it for it in _shown(server) if it["target"] == ROUTE]
    assert (entry["method"], entry["status"]) == ("POST", 201)
    assert dict(entry["request_headers"])["Fault"] == "lose-response"


def _shown(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.request("GET", PATH).json["requests"]
    return found


def test_who_may_look_depends_on_where_the_server_listens(start: Start) -> None:
    """One for this machine shows requests to it; one that others reach does in open mode alone."""
    here = start("--workers", "1", "--access", "authenticated", **EXPLAIN)
    assert here.request("GET", PATH).status == 200
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    assert here.request("GET", PATH, headers=forwarded).status == 403
    everywhere = start(
        *("--workers", "1", "--access", "authenticated", "--bind", "0.0.0.0:0"),
        DATAS_ALLOWED_HOSTS="127.0.0.1",
        **EXPLAIN,
    )
    assert everywhere.request("GET", PATH).status == 403
    assert start("--workers", "1").request("GET", PATH).status == 404


def test_under_another_server_each_process_shows_its_own(start: Start) -> None:
    """And says so."""
    code = (
        "import json; from falcon.testing import TestClient; from datas.wsgi import app\n"
        "client = TestClient(app, headers={'Host': 'localhost'})\n"
        "client.simulate_get('/healthz')\n"
        "print(json.dumps(client.simulate_get('/explain/requests').json))"
    )
    environ = clean_environ() | EXPLAIN | {"DATAS_ACCESS": "open"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=DEADLINE, check=True)
    shown = json.loads(done.stdout)
    assert (shown["scope"], shown["last"]) == ("worker", 1)
