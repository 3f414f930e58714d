"""The header `Fault`: answers that are late, failed or lost because a client asked for it."""

import socket
import threading
import time
from typing import Any

import pytest
from falcon.testing import Result

from datas.adapters.request_ring import RequestRing
from datas.http.access_log import json_line
from datas.http.app import create_app
from tests.conftest import TickingClock
from tests.http.conftest import World, make_world
from tests.http.test_observation import Ear
from tests.served import BULK, ROUTE

NDJSON = {"Content-Type": "application/x-ndjson"}
NO_FAULTS = (
    *("", "delay", "delay=0", "delay=01", "delay=30001", "delay=-1", "delay=1.5", "delay=²"),
    *("status=200", "status=505", "status=", "lose", "Lose-Response", "delay=1, status=503"),
)


def make_faulty(mode: str = "open", *, delays: int = 1, **settings: Any) -> World:
    """A world in explain mode."""
    return make_world(mode, requests=RequestRing, delays=delays, **settings)


@pytest.fixture
def faulty() -> World:
    """An empty world in explain mode, of which one answer at once may be late."""
    return make_faulty()


def ask(world: World, fault: str, method: str = "GET", path: str = ROUTE, **more: Any) -> Result:
    """A request with the header."""
    headers = {"Fault": fault, **more.pop("headers", {})}
    return world.client.simulate_request(method, path, headers=headers, **more)


def count(world: World) -> int:
    """How many records there are."""
    return len(world.client.simulate_get(ROUTE).json["data"])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", ROUTE, {"json": {"data": "hello"}}),
        ("POST", BULK, {"body": b'{"data": "hello"}', "headers": NDJSON}),
        ("DELETE", f"{ROUTE}/1", {}),
        ("GET", BULK, {}),
        ("GET", "/nowhere", {}),
        ("FETCH", ROUTE, {}),
        ("GET", "/healthz", {}),
    ],
)
def test_a_status_that_is_asked_for_is_answered_and_nothing_is_done(
    faulty: World, status: int, method: str, path: str, more: dict[str, Any]
) -> None:
    """A problem with this status; a client may try again soon if it is 503."""
    faulty.client.simulate_post(ROUTE, json={"data": "before"})
    answer = ask(faulty, f"status={status}", method, path, **more)
    assert answer.status_code == answer.json["status"] == status
    assert answer.json["type"] == "/problems/injected-fault"
    assert answer.headers["Fault"] == f"status={status}"
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)
    assert count(faulty) == 1


@pytest.mark.parametrize("fault", NO_FAULTS)
def test_any_other_value_is_refused(faulty: World, fault: str) -> None:
    """The text names those that there are."""
    answer = ask(faulty, fault.encode().decode("latin-1"), "POST", json={"data": "hello"})
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/invalid-header")
    assert "delay=2000" in answer.json["errors"]["Fault"][0]
    assert count(faulty) == 0


def test_a_late_answer_is_the_same_answer(faulty: World) -> None:
    """The record is stored at once, and the client hears of it afterwards."""
    begin = time.monotonic()
    answer = ask(faulty, "delay=200", "POST", json={"data": "hello"})
    assert time.monotonic() - begin >= 0.2
    assert (answer.status_code, answer.json["data"]["data"]) == (201, "hello")
    assert answer.headers["Fault"] == "delay=200"
    missing = f"{ROUTE}/9"
    for method, path, status in (("GET", missing, 404), ("HEAD", ROUTE, 200), ("GET", BULK, 200)):
        assert ask(faulty, "delay=1", method, path).status_code == status


def test_only_so_many_answers_are_late_at_once() -> None:
    """One more is refused before it is carried out; others are served meanwhile."""
    world, slow = make_faulty(delays=2), []
    threads = [
        threading.Thread(target=lambda: slow.append(ask(world, "delay=1000"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    refused = ask(world, "delay=1", "POST", json={"data": "hello"})
    assert (refused.status_code, refused.json["type"]) == (503, "/problems/injected-fault")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["Fault"] == "delay=1"
    assert ask(world, "status=502").status_code == 502
    assert count(world) == 0
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in slow] == [200, 200]
    assert [ask(world, "delay=1").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
def test_a_response_is_lost_after_the_request_was_carried_out(faulty: World, method: str) -> None:
    """The connection is shut in both directions, so that no byte of an answer gets through."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        body = {"data": "hello"} if method == "POST" else None
        ask(faulty, "lose-response", method, json=body, extras={"gunicorn.socket": theirs})
        assert ours.recv(1) == b""
        with pytest.raises(BrokenPipeError):
            theirs.send(b"HTTP/1.1 200 OK")
    assert count(faulty) == (method == "POST")


def test_a_client_that_is_gone_already_loses_its_response_quietly() -> None:
    """Its connection can't be shut again: that is no error of the server."""
    ear = Ear()
    faulty = make_faulty(access_log=ear)
    with socket.socket() as unconnected:
        ask(faulty, "lose-response", extras={"gunicorn.socket": unconnected})
    assert [(it.status, it.problem) for it in ear.heard] == [(200, None)]


@pytest.mark.parametrize("path", [ROUTE, BULK, "/problems"])
def test_a_server_that_cannot_lose_a_response_says_so(path: str) -> None:
    """By 500, which no client takes for a success; the log has it too, also of a stream."""
    ear = Ear()
    faulty = make_faulty(access_log=ear)
    answer = ask(faulty, "lose-response", path=path)
    assert (answer.status_code, answer.json["type"]) == (500, "/problems/injected-fault")
    assert "carried out" in answer.json["detail"]
    assert [(it.status, it.problem) for it in ear.heard] == [(500, "injected-fault")]
    assert ask(faulty, "lose-response", "POST", json={"data": "hello"}).status_code == 500
    assert count(faulty) == 1
    assert "by 500 instead" in faulty.client.simulate_get(answer.json["type"]).text


@pytest.mark.parametrize("fault", ["status=503", "nonsense"])
def test_the_host_is_checked_first_and_a_token_afterwards(fault: str) -> None:
    """A fault needs no token, and no foreign page can ask for one."""
    world = make_faulty("private")
    foreign = ask(world, fault, headers={"Host": "evil.example"})
    assert foreign.status_code == 421
    assert "Fault" not in foreign.headers
    assert ask(world, fault).status_code == (503 if fault == "status=503" else 400)


def test_without_explain_mode_the_header_is_ignored_and_nothing_looks_at_it(world: World) -> None:
    """No part of the app is for it."""
    plain = world.client.simulate_get(ROUTE)
    for fault in ("status=503", "lose-response", "delay=9000", "nonsense"):
        answer = ask(world, fault)
        assert answer.status_code == 200
        assert set(answer.headers) == set(plain.headers)
    classes = {type(each.__self__).__name__ for each in _middleware(world)}
    assert "AllowedHosts" in classes
    assert "Faults" not in classes
    assert "Faults" in {type(each.__self__).__name__ for each in _middleware(make_faulty())}


def _middleware(world: World) -> list[Any]:
    return list(create_app(world.parts)._middleware[0])  # noqa: SLF001


def test_faults_are_logged_as_what_was_asked_for() -> None:
    """With their duration; a failure that a client asked for is no error of the server's."""
    ear = Ear()
    world = make_faulty(access_log=ear)
    ask(world, "delay=50")
    ask(world, "status=504", "HEAD")
    late, failed = ear.heard
    assert (late.status, late.problem) == (200, None)
    assert late.seconds >= 0.05
    assert (failed.status, failed.problem, failed.size) == (504, "injected-fault", 0)
    assert b'"level":"info"' in json_line(failed, TickingClock().now())
    assert ear.begun == 2


def test_the_document_names_the_header_in_explain_mode_alone(world: World, faulty: World) -> None:
    """Once, where the whole API is described."""
    plain, explained = (each.client.simulate_get("/openapi.json") for each in (world, faulty))
    assert explained.text.count("`Fault: ") == 3
    assert "`Fault: " not in plain.text
    assert "/explain/requests" not in plain.json["paths"]
    assert plain.json["components"]["schemas"].keys() == (
        explained.json["components"]["schemas"].keys() - {"Request", "Requests"}
    )
