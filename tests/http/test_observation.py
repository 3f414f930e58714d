"""What observers are told of requests, and how the log writes it."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from datas.domain.errors import StorageUnavailable
from datas.http.access_log import json_line, text_line
from datas.http.observation import RequestRecord
from tests.http.conftest import World, make_world
from tests.served import BULK, NOT_FOUND, ONE, ROUTE


class Ear:
    """Hears of requests."""

    def __init__(self) -> None:
        self.begun = 0
        self.heard: list[RequestRecord] = []

    def begin(self) -> None:
        """A request is there."""
        self.begun += 1

    def end(self, record: RequestRecord) -> None:
        """It has been answered."""
        self.heard.append(record)


def world_with_ear(mode: str = "open", **settings: Any) -> tuple[World, Ear]:
    """A world, and who hears of its requests."""
    ear = Ear()
    return make_world(mode, access_log=ear, **settings), ear


def test_each_request_is_told_with_its_route_and_not_with_its_path() -> None:
    """The template, so that requests to one route are one kind."""
    world, ear = world_with_ear()
    world.client.simulate_post(ROUTE, json={"data": "hello"})
    answer = world.client.simulate_get(f"{ROUTE}/1", headers={"X-Request-Id": "mine"})
    world.client.simulate_get(f"{ROUTE}/99")
    world.client.simulate_get("/nowhere/datas_secret?token=datas_secret")
    created, got, missing, nowhere = ear.heard
    assert ear.begun == 4
    assert created[1:4] == ("POST", ROUTE, 201)
    assert got[:4] == ("mine", "GET", ONE, 200)
    assert got.size == len(answer.content)
    assert 0 < got.seconds < 10
    assert (missing.status, missing.problem) == (404, NOT_FOUND)
    assert (nowhere.route, nowhere.problem) == (None, "route-not-found")
    assert "secret" not in str(ear.heard)


def test_what_has_no_body_has_no_size() -> None:
    """HEAD, 204 and 304."""
    world, ear = world_with_ear()
    etag = world.client.simulate_post(ROUTE, json={"data": "x"}).headers["ETag"]
    world.client.simulate_head(f"{ROUTE}/1")
    world.client.simulate_head(BULK)
    world.client.simulate_options(ROUTE)
    world.client.simulate_get(f"{ROUTE}/1", headers={"If-None-Match": etag})
    assert [it.status for it in ear.heard[1:]] == [200, 200, 204, 304]
    assert {it.size for it in ear.heard[1:]} == {0}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("FETCH", {}, 501),
        ("DELETE", {}, 405),
        ("GET", {"Accept": "text/xml"}, 406),
    ],
)
def test_refusals_are_told_too(method: str, headers: dict[str, str], status: int) -> None:
    """Whichever check it was."""
    world, ear = world_with_ear()
    world.client.simulate_request(method, ROUTE, headers=headers)
    [record] = ear.heard
    assert (record.status, ear.begun) == (status, 1)
    assert record.problem


def test_the_actor_is_told_and_no_secret() -> None:
    """A username; no token, and no password."""
    world, ear = world_with_ear("authenticated")
    token = world.token("alice")
    header = {"Authorization": f"Bearer {token}"}
    world.client.simulate_post(ROUTE, json={"data": "private"}, headers=header)
    guess = {"username": "alice", "password": "a wrong guess"}
    world.client.simulate_post("/api/tokens", json=guess)
    assert [it.actor for it in ear.heard] == ["alice", None]
    assert ear.heard[1].problem == "wrong-credentials"
    for secret in (token, "wrong guess", "private"):
        assert secret not in str(ear.heard)


@pytest.mark.parametrize(
    ("trusted", "client"), [(0, "127.0.0.1"), (1, "10.0.0.9"), (2, "203.0.113.7")]
)
def test_the_address_is_what_trusted_proxies_saw(trusted: int, client: str) -> None:
    """What stands left of theirs anybody can have written."""
    world, ear = world_with_ear(trusted_proxies=trusted)
    forwarded = {"X-Forwarded-For": "1.1.1.1, 203.0.113.7, 10.0.0.9"}
    world.client.simulate_get("/healthz", headers=forwarded)
    assert ear.heard[0].client == client


def test_a_stream_is_told_at_its_end() -> None:
    """With all that was sent."""
    world, ear = world_with_ear()
    for text in ("a", "b"):
        world.client.simulate_post(ROUTE, json={"data": text})
    answer = world.client.simulate_get(BULK)
    assert ear.heard[-1].route == BULK
    assert ear.heard[-1].size == len(answer.content) > 0
    assert not ear.heard[-1].broken


def test_a_stream_that_breaks_is_told_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status was sent before; it doesn't tell."""
    world, ear = world_with_ear()
    export = world.parts.collections[0].service.export

    def failing(**given: Any) -> Iterator[Sequence[Any]]:
        yield from export(**given)
        raise StorageUnavailable("gone")

    monkeypatch.setattr(world.parts.collections[0].service, "export", failing)
    world.client.simulate_post(ROUTE, json={"data": "a"})
    with pytest.raises(StorageUnavailable):
        world.client.simulate_get(BULK)
    assert (ear.heard[-1].status, ear.heard[-1].broken) == (200, True)


def test_a_stopping_server_is_not_ready_and_serves() -> None:
    """`/readyz` alone says so."""
    draining: list[bool] = []
    world = make_world(is_draining=lambda: bool(draining))
    assert world.client.simulate_get("/readyz").status_code == 200
    draining.append(True)
    answer = world.client.simulate_get("/readyz")
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/server-stopping")
    assert world.client.simulate_get("/healthz").status_code == 200
    assert world.client.simulate_get(ROUTE).status_code == 200


TIME = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
GOT = RequestRecord("abc", "GET", ONE, 200, 1234, 0.0002134, "alice", "::1", None, broken=False)


def test_a_line_of_json_has_everything() -> None:
    """One object, one line, in a stable order."""
    line = json_line(GOT, TIME)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "time": "2026-11-22T16:00:00.123456Z",
        "level": "info",
        "logger": "datas.access",
        "request_id": "abc",
        "method": "GET",
        "route": ONE,
        "status": 200,
        "bytes": 1234,
        "duration_ms": 0.213,
        "actor": "alice",
        "client": "::1",
    }


def test_a_line_for_people_is_read_from_left_to_right() -> None:
    """The time, what happened, and who it was."""
    missing = GOT._replace(status=404, actor=None, problem=NOT_FOUND)
    assert (
        text_line(GOT, TIME)
        .decode()
        .endswith(f" 200 GET {ONE} 0.2 ms, 1,234 bytes, alice at ::1\n")
    )
    assert (
        text_line(missing, TIME).decode().endswith(f"anonymous at ::1 ({NOT_FOUND}, request abc)\n")
    )


def test_failures_are_errors_in_the_log() -> None:
    """So that a search for errors finds them; a client's own mistakes are none."""
    for change, level in (
        ({"status": 503}, "error"),
        ({"broken": True}, "error"),
        ({"status": 404}, "info"),
    ):
        assert json.loads(json_line(GOT._replace(**change), TIME))["level"] == level


def test_a_client_can_write_no_line_of_its_own() -> None:
    """Nor move the cursor of the terminal: what can't be shown is replaced."""
    strange = GOT._replace(client="1.1.1.1\x1b[2J\x85é")
    assert text_line(strange, TIME).decode().endswith("alice at 1.1.1.1?[2J?é\n")
    assert json.loads(json_line(strange, TIME))["client"] == strange.client
    assert json_line(strange, TIME).count(b"\n") == 1
