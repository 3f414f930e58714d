"""Users and tokens over HTTP."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from datas.domain.throttle import MAX_FROM_ONE_ADDRESS, HashLimiter
from datas.http.app import create_app
from tests.http.conftest import PASSWORD, World, make_world
from tests.http.test_items_refusals import problem
from tests.served import ROUTE

ALICE = {"username": "alice", "password": PASSWORD}


def _sign_in(client: TestClient, password: str = PASSWORD, **headers: str) -> Result:
    body = {"username": "alice", "password": password}
    return client.simulate_post("/api/tokens", json=body, headers=headers)


def _bearer(answer: Result) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json['data']['token']}"}


def test_from_registration_to_the_last_token() -> None:
    """Register, sign in, see oneself, list the tokens, revoke, and be nobody again."""
    client = make_world("authenticated").client
    joined = client.simulate_post("/api/users", json=ALICE)
    assert joined.status_code == 201
    assert joined.headers["Location"] == "/api/users/me"
    assert joined.json["msg"] == "User [alice] successfully created"
    assert list(joined.json["data"]) == ["id", "username", "date_joined"]
    signed = client.simulate_post("/api/tokens", json=ALICE | {"label": "laptop"})
    assert signed.status_code == 201
    assert signed.json["msg"] == "Token successfully created"
    token = signed.json["data"]
    assert set(token) == {"id", "token", "label", "date_created", "date_expires"}
    assert token["token"].startswith("datas_")
    assert "Location" not in signed.headers
    assert signed.headers["Cache-Control"] == "no-store"
    mine = _bearer(signed)
    assert client.simulate_get("/api/users/me", headers=mine).json["data"] == joined.json["data"]
    listed = client.simulate_get("/api/tokens", headers=mine).json
    del token["token"]
    assert (listed["msg"], listed["data"]) == ("Tokens found (1)", [token | {"current": True}])
    revoked = client.simulate_delete("/api/tokens/current", headers=mine)
    assert revoked.json["msg"] == f"Token [{token['id']}] successfully revoked"
    assert client.simulate_get("/api/users/me", headers=mine).status_code == 401


def test_a_username_is_taken_in_any_case() -> None:
    """ALICE is alice."""
    client = make_world().client
    client.simulate_post("/api/users", json=ALICE)
    again = client.simulate_post("/api/users", json=ALICE | {"username": "ALICE"})
    problem(again, "username-taken")
    assert (
        client.simulate_post("/api/tokens", json=ALICE | {"username": "Alice"}).status_code == 201
    )


def test_registration_can_be_closed() -> None:
    """Which it is unless somebody opened it; the answer says who can help."""
    client = make_world(registration_open=False).client
    detail = problem(client.simulate_post("/api/users", json=ALICE), "registration-closed")[
        "detail"
    ]
    assert "datas user add" in detail


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username", "password"}),
        ({"username": "a", "password": "short"}, {"username", "password"}),
        ({"username": "al ice", "password": PASSWORD}, {"username"}),
        ({"username": "alice\n", "password": PASSWORD}, {"username"}),
        ({"username": "\u212aelvin", "password": PASSWORD}, {"username"}),
        ({"username": "-h", "password": PASSWORD}, {"username"}),
        ({"username": "a" * 33, "password": "p" * 257}, {"username", "password"}),
        ({"username": 7, "password": None}, {"username", "password"}),
        (ALICE | {"admin": True}, {"admin"}),
        ([], {"body"}),
    ],
)
def test_a_bad_registration_is_told_every_fault(body: Any, fields: set[str]) -> None:
    """Each field by its name; and the password is not given back."""
    answer = make_world().client.simulate_post("/api/users", json=body)
    assert set(problem(answer, "invalid-user")["errors"]) == fields
    assert "short" not in answer.text


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(world: World) -> None:
    """Nobody learns which names exist."""
    world.token("alice")
    wrong = _sign_in(world.client, "wrong password")
    body = {"username": "nobody", "password": PASSWORD}
    unknown = world.client.simulate_post("/api/tokens", json=body)
    first, second = (problem(answer, "wrong-credentials") for answer in (wrong, unknown))
    assert first | {"request_id": ""} == second | {"request_id": ""}
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_after_five_failures_a_name_rests(world: World, name: str) -> None:
    """For this address, whether the name exists or not; tokens in use are not touched."""
    alice = world.as_user("alice")
    body = {"username": name, "password": "wrong password"}
    for _ in range(MAX_FROM_ONE_ADDRESS):
        problem(world.client.simulate_post("/api/tokens", json=body), "wrong-credentials")
    answer = world.client.simulate_post("/api/tokens", json=body | {"password": PASSWORD})
    problem(answer, "too-many-attempts")
    assert 890 <= int(answer.headers["Retry-After"]) <= 900
    assert alice.simulate_get("/api/users/me").status_code == 200


def test_an_address_is_believed_only_from_our_own_proxies() -> None:
    """Without one, X-Forwarded-For is what anybody can write; with one, its last entry counts."""
    for proxies, status in ((0, 429), (1, 401)):
        world = make_world(trusted_proxies=proxies)
        for n in range(MAX_FROM_ONE_ADDRESS + 1):
            forwarded = {"X-Forwarded-For": f"1.1.1.1, 10.0.0.{n}"}
            answer = _sign_in(world.client, "wrong password", **forwarded)
        assert answer.status_code == status
        spoofed = {"X-Forwarded-For": "9.9.9.9, 10.0.0.1"}
        for _ in range(MAX_FROM_ONE_ADDRESS):
            answer = _sign_in(world.client, "wrong password", **spoofed)
        assert answer.status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("192.0.2.1:5000", "192.0.2.1:5001", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("[2001:db8::1]:5000", "2001:db8::2", True),
        ("[2001:db8::1]", "[2001:db8:0:1::1]", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "unknown", True),
        ("_hidden:1", "_hidden:2", False),
        ("x" * 64 + "1", "x" * 64 + "2", True),
        ("192.0.2.1, ", "192.0.2.1", True),
    ],
)
def test_a_client_has_one_address(first: str, second: str, one: bool) -> None:  # noqa: FBT001 (a case)
    """Whatever its port, and though a network gives it 2^64; what is no address counts as it is."""
    world = make_world(trusted_proxies=1)
    for _ in range(MAX_FROM_ONE_ADDRESS):
        _sign_in(world.client, "wrong password", **{"X-Forwarded-For": first})
    answer = _sign_in(world.client, "wrong password", **{"X-Forwarded-For": second})
    assert answer.status_code == (429 if one else 401)
    assert all(len(attempt.address) <= 64 for attempt in world.memory.attempts)


def test_the_way_of_a_request_may_name_nobody(world: World) -> None:
    """Empty elements of X-Forwarded-For are none (RFC 9110 §5.6.1): the last that is one counts."""
    world = make_world(trusted_proxies=2)
    for n in range(MAX_FROM_ONE_ADDRESS):
        _sign_in(world.client, "wrong", **{"X-Forwarded-For": f"10.0.0.{n}, 192.0.2.1,, 192.0.2.9"})
    [address] = {attempt.address for attempt in world.memory.attempts}
    assert address == "192.0.2.1"


def test_a_full_server_speaks_of_no_failure(world: World) -> None:
    """Registering isn't refused for what others guessed."""
    full = HashLimiter(slots=1, waiting=0)
    accounts = replace(world.parts.accounts, limiter=full)
    world.client.app = create_app(replace(world.parts, accounts=accounts))
    with full.slot():
        answer = world.client.simulate_post("/api/users", json=ALICE)
    detail = problem(answer, "too-many-attempts")["detail"]
    assert detail == "Too many are signing in or registering at this moment. Wait 1 s."


def test_a_sign_in_leaves_the_newest_hundred_tokens_of_a_user(world: World) -> None:
    """So a list is short; those that only the command line made are all good until then."""
    old, client = world.as_user("alice"), world.as_user("alice")
    secrets = [world.token("alice") for _ in range(150)]
    listed = client.simulate_get("/api/tokens").json
    assert listed["msg"] == "Tokens found (100)"
    ids = [token["id"] for token in listed["data"]]
    assert ids == list(range(53, 153))
    assert not any(token["current"] for token in listed["data"])
    assert old.simulate_get("/api/users/me").status_code == 200
    newest = _sign_in(world.client).json["data"]["id"]
    assert old.simulate_get("/api/users/me").status_code == 401
    headers = {"Authorization": f"Bearer {secrets[-1]}"}
    listed = world.client.simulate_get("/api/tokens", headers=headers).json["data"]
    assert [token["id"] for token in listed] == [*ids[1:], newest]


def test_changing_the_password_revokes_the_other_tokens(world: World) -> None:
    """The one in use stays; the old password is worthless."""
    client, other = world.as_user("alice"), world.as_user("alice")
    body = {"password": PASSWORD, "new_password": "battery staple"}
    changed = client.simulate_put("/api/users/me/password", json=body)
    assert changed.json == {"success": True, "msg": "Password successfully changed", "data": None}
    assert client.simulate_get("/api/users/me").status_code == 200
    assert other.simulate_get("/api/users/me").status_code == 401
    problem(_sign_in(world.client), "wrong-credentials")
    assert _sign_in(world.client, "battery staple").status_code == 201


def test_the_old_password_is_asked_for(world: World) -> None:
    """A stolen token can't lock its owner out."""
    body = {"password": "wrong password", "new_password": "battery staple"}
    answer = world.as_user("alice").simulate_put("/api/users/me/password", json=body)
    problem(answer, "wrong-credentials")
    assert _sign_in(world.client).status_code == 201


def test_a_token_of_another_is_not_found(world: World) -> None:
    """And not revoked."""
    alice = world.as_user("alice")
    problem(world.as_user("bob").simulate_delete("/api/tokens/1"), "token-not-found")
    assert alice.simulate_delete("/api/tokens/1").status_code == 200


def test_no_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in a log line, nor in an error, nor in the `repr` of what is kept."""
    caplog.set_level(logging.DEBUG)
    world = make_world("private")
    world.client.simulate_post("/api/users", json=ALICE)
    signed = _sign_in(world.client)
    secret = signed.json["data"]["token"]
    for path in ("/api/tokens", "/api/users/me", f"{ROUTE}?x=1", f"{ROUTE}/9"):
        answer = world.client.simulate_get(path, headers=_bearer(signed))
        assert secret not in answer.text
        assert PASSWORD not in answer.text
    kept = f"{world.memory.__dict__}{caplog.text}"
    assert secret not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" not in kept
