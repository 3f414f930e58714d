"""Who may do what: every mode, route and verb with every kind of token, in one table."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from datas.adapters.memory import MemoryRepository
from datas.domain.access import Actor
from datas.domain.items import ITEMS, ItemDraft
from tests.http.conftest import PASSWORD, World, make_world
from tests.served import BULK, PLURAL, ROUTE

# Record 1 and token 1 are alice's. The columns: no token; alice's; one of hers that has expired;
# one that was revoked; something that is no token; bob's.
MATRIX = """
                                    none alice expired revoked malformed bob
open
    GET     {route}                  200  200   401     401     401      200
    POST    {route}                  201  201   401     401     401      201
    GET     {route}/1                200  200   401     401     401      200
    HEAD    {route}/1                200  200   401     401     401      200
    GET     {route}/bulk             200  200   401     401     401      200
    POST    {route}/bulk             201  201   401     401     401      201
    PUT     {route}/1                200  200   401     401     401      200
    PATCH   {route}/1                200  200   401     401     401      200
    DELETE  {route}/1                200  200   401     401     401      200
authenticated
    GET     {route}                  200  200   401     401     401      200
    POST    {route}                  401  201   401     401     401      201
    GET     {route}/1                200  200   401     401     401      200
    HEAD    {route}/1                200  200   401     401     401      200
    GET     {route}/bulk             200  200   401     401     401      200
    POST    {route}/bulk             401  201   401     401     401      201
    PUT     {route}/1                401  200   401     401     401      200
    PATCH   {route}/1                401  200   401     401     401      200
    DELETE  {route}/1                401  200   401     401     401      200
owner
    GET     {route}                  200  200   401     401     401      200
    POST    {route}                  401  201   401     401     401      201
    GET     {route}/1                200  200   401     401     401      200
    HEAD    {route}/1                200  200   401     401     401      200
    GET     {route}/bulk             200  200   401     401     401      200
    POST    {route}/bulk             401  201   401     401     401      201
    PUT     {route}/1                401  200   401     401     401      403
    PATCH   {route}/1                401  200   401     401     401      403
    DELETE  {route}/1                401  200   401     401     401      403
private
    GET     {route}                  401  200   401     401     401      200
    POST    {route}                  401  201   401     401     401      201
    GET     {route}/1                401  200   401     401     401      404
    HEAD    {route}/1                401  200   401     401     401      404
    GET     {route}/bulk             401  200   401     401     401      200
    POST    {route}/bulk             401  201   401     401     401      201
    PUT     {route}/1                401  200   401     401     401      404
    PATCH   {route}/1                401  200   401     401     401      404
    DELETE  {route}/1                401  200   401     401     401      404
open authenticated owner private
    POST    /api/users               201  201   401     401     401      201
    GET     /api/users/me            401  200   401     401     401      200
    PUT     /api/users/me/password   401  200   401     401     401      200
    POST    /api/tokens              201  201   401     401     401      201
    GET     /api/tokens              401  200   401     401     401      200
    DELETE  /api/tokens/1            401  200   401     401     401      404
    DELETE  /api/tokens/current      401  200   401     401     401      200
    GET     /healthz                 200  200   200     200     200      200
    GET     /readyz                  200  200   200     200     200      200
    GET     /openapi.json            200  200   200     200     200      200
    GET     /docs                    200  200   200     200     200      200
    GET     /problems                200  200   200     200     200      200
    GET     /problems/forbidden      200  200   200     200     200      200
    OPTIONS {route}/1                204  204   204     204     204      204
    TRACE   {route}/1                405  405   405     405     405      405
    GET     /nowhere                 404  404   404     404     404      404
"""

BODIES = {
    ("POST", ROUTE): {"data": "hello"},
    ("POST", BULK): {"data": "hello"},
    ("PUT", f"{ROUTE}/1"): {"data": "bye"},
    ("PATCH", f"{ROUTE}/1"): {"data": "bye"},
    ("POST", "/api/users"): {"username": "carol", "password": PASSWORD},
    ("PUT", "/api/users/me/password"): {"password": PASSWORD, "new_password": PASSWORD + "!"},
    ("POST", "/api/tokens"): {"username": "alice", "password": PASSWORD},
}


def _rows() -> list[tuple[str, str, str, list[int]]]:
    rows, modes = [], ["none"]
    for line in MATRIX.format(route=ROUTE).splitlines()[2:]:
        if not line.startswith(" "):
            modes = line.split()
            continue
        method, path, *statuses = line.split()
        rows += [(mode, method, path, [int(status) for status in statuses]) for mode in modes]
    return rows


def _headers(world: World) -> list[dict[str, str]]:
    """The Authorization of each column."""
    good, revoked = world.token("alice"), world.token("alice")
    world.parts.accounts.revoke_token(Actor("alice"), 2)
    expired = world.token("alice", days=-1)
    tokens = [None, good, expired, revoked, "datas_nonsense", world.token("bob")]
    return [{"Authorization": f"Bearer {token}"} if token else {} for token in tokens]


@pytest.mark.parametrize(("mode", "method", "path", "expected"), _rows())
def test_the_matrix(mode: str, method: str, path: str, expected: list[int]) -> None:
    """Each cell is what the table says, in a world of its own."""
    found = []
    for column in range(6):
        world = make_world(mode)
        headers = _headers(world)
        world.client.simulate_post(ROUTE, json={"data": "hers"}, headers=headers[1])
        body = BODIES.get((method, path))
        if body:
            lines = path == BULK
            headers[column]["Content-Type"] = f"application/{'x-ndjson' if lines else 'json'}"
        answer = world.client.simulate_request(
            method, path, body=body and json.dumps(body), headers=headers[column]
        )
        found.append(answer.status_code)
    assert found == expected


def test_ownership_is_set_at_creation() -> None:
    """The item is its maker's, and nobody's if nobody signed in."""
    world = make_world("open")
    for client, owner in ((world.as_user("alice"), "alice"), (world.client, None)):
        created = client.simulate_post(ROUTE, json={"data": "x"})
        assert created.json["data"]["owner"] == owner


def test_an_item_without_an_owner_is_any_users_in_owner_mode() -> None:
    """What the system made can be changed by whoever is signed in, and by nobody else."""
    world = make_world("owner")
    world.parts.collections[0].service.create(ItemDraft("the system's"))
    change = {"json": {"data": "changed"}}
    assert world.client.simulate_put(f"{ROUTE}/1", **change).status_code == 401
    assert world.as_user("bob").simulate_put(f"{ROUTE}/1", **change).status_code == 200


def _challenge(answer: Result) -> str | None:
    assert answer.status_code == 401
    return answer.headers.get("WWW-Authenticate")


def test_a_refusal_says_what_would_help() -> None:
    """A challenge without an error if no token came, with one if it was no good (RFC 6750 §3)."""
    world = make_world("authenticated")
    post = {"json": {"data": "x"}}
    assert _challenge(world.client.simulate_post(ROUTE, **post)) == 'Bearer realm="datas"'
    for header in ("Basic YTpi", "Digest username=a", "datas_secret", ""):
        answer = world.client.simulate_post(ROUTE, **post, headers={"Authorization": header})
        assert _challenge(answer) == 'Bearer realm="datas"', header
    for header in ("Bearer nonsense", "Bearer", "Bearer é"):
        answer = world.client.simulate_post(ROUTE, **post, headers={"Authorization": header})
        assert _challenge(answer) == 'Bearer realm="datas", error="invalid_token"', header
    # White space beyond a header's own is part of the token. (The client would strip it.)
    padded = {"HTTP_AUTHORIZATION": f"Bearer {world.token('alice')}\xa0"}
    assert "invalid_token" in (_challenge(world.client.simulate_get(ROUTE, extras=padded)) or "")
    old = {"Authorization": "Bearer datas_old"}
    answer = world.client.simulate_post("/api/tokens", headers=old)
    assert "without the Authorization header" in answer.json["detail"]
    for header in ("Bearer", "Basic YTpi", "datas_secret"):
        answer = world.client.simulate_post(ROUTE, **post, headers={"Authorization": header})
        assert "Bearer datas_" in answer.json["detail"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Negotiate", "", " "])
def test_the_login_of_a_proxy_in_front_is_no_token(header: str) -> None:
    """Every request of a browser has it: reads, and writes of an open server, need no more."""
    headers = {"Authorization": header}
    for mode, status in (("open", 201), ("authenticated", 401), ("private", 401)):
        client = make_world(mode).client
        created = client.simulate_post(ROUTE, json={"data": "x"}, headers=headers)
        assert created.status_code == status
        read = client.simulate_get(ROUTE, headers=headers)
        assert read.status_code == (401 if mode == "private" else 200)


@pytest.mark.parametrize(
    ("mode", "path", "vary"),
    [
        ("private", ROUTE, "Authorization"),
        ("private", f"{ROUTE}/1", "Authorization"),
        ("private", "/api/users/me", "Authorization"),
        ("owner", "/api/tokens", "Authorization"),
        ("owner", f"{ROUTE}/1", None),
        ("private", "/healthz", None),
    ],
)
def test_caches_know_what_depends_on_who_asks(mode: str, path: str, vary: str | None) -> None:
    """An answer, a refusal, and a 304; with CORS on the page's origin too."""
    for origins, more in (((), ""), (("https://app.example",), ", Origin")):
        world = make_world(mode, cors_origins=origins)
        alice = world.as_user("alice")
        alice.simulate_post(ROUTE, json={"data": "hers"})
        said = (vary + more) if vary else more.strip(", ") or None
        known = {"If-None-Match": '"1"'}
        for client in (alice, world.client):
            for method in ("GET", "HEAD"):
                answer = client.simulate_request(method, path, headers=known)
                assert answer.headers.get("Vary") == said


def test_the_scheme_has_no_case() -> None:
    """`bearer` is `Bearer` (RFC 9110 §11.1)."""
    world = make_world("private")
    headers = {"Authorization": f"bearer  {world.token('alice')}"}
    assert world.client.simulate_get(ROUTE, headers=headers).status_code == 200


EACH = 1000


@pytest.fixture(scope="module")
def crowded() -> World:
    """Private, with a thousand items of alice's and a thousand of bob's in turn; to be read."""
    world = make_world("private")
    for name in ("alice", "bob"):
        world.token(name)
    store = MemoryRepository(world.memory, ITEMS)
    for n in range(EACH):
        for name in ("alice", "bob"):
            store.add(ItemDraft(f"{name}'s secret {n}"), world.clock.now(), name)
    return world


def _walk(client: TestClient, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    following: str | None = path
    while following:
        answer = client.simulate_get(following)
        yield from answer.json["data"]
        following = answer.json["next"]
        assert (following is not None) == ("Link" in answer.headers)


@pytest.mark.parametrize("name", ["alice", "bob"])
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("sort=id", EACH),
        ("sort=-data", EACH),
        ("sort=-date_updated&owner={name}", EACH),
        ("q=SECRET 99", 11),
        ("q=secret&sort=date_created", EACH),
        ("owner={other}", 0),
        ("q={other}", 0),
    ],
)
def test_a_private_list_has_no_trace_of_others(
    crowded: World, name: str, query: str, count: int
) -> None:
    """Neither its pages, nor its total, nor what is streamed out; none of one's own is missing."""
    client, other = crowded.as_user(name), "bob" if name == "alice" else "alice"
    query = query.format(name=name, other=other)
    items = list(_walk(client, f"{ROUTE}?limit=300&{query}"))
    assert len({item["id"] for item in items}) == len(items) == count
    assert {item["owner"] for item in items} <= {name}
    assert client.simulate_get(f"{ROUTE}?count=true&{query}").json["total"] == count
    streamed = client.simulate_get(f"{BULK}?{query}").text.splitlines()
    assert [json.loads(line) for line in streamed] == items


def test_a_private_item_is_absent_to_others(crowded: World) -> None:
    """With and without its ETag, for every verb, in the words of an item that never was."""
    bob = crowded.as_user("bob")
    for method, body in (("GET", None), ("PUT", {"data": "x"}), ("PATCH", {}), ("DELETE", None)):
        for headers in ({}, {"If-Match": '"1"'}, {"If-Match": "*"}, {"If-None-Match": '"1"'}):
            hers, nobodys = (
                bob.simulate_request(method, f"{ROUTE}/{n}", json=body, headers=headers)
                for n in (1, 999_999)
            )
            assert (hers.status_code, hers.headers.get("ETag")) == (404, None)
            told = {"detail": nobodys.json["detail"].replace("999999", "1"), "request_id": ""}
            told["msg"] = told["detail"]
            assert hers.json | {"request_id": ""} == nobodys.json | told
    assert crowded.as_user("alice").simulate_get(f"{ROUTE}/1").headers["ETag"] == '"1"'


def test_a_private_lists_cursor_is_its_readers(crowded: World) -> None:
    """In another's hands it is refused."""
    own = crowded.as_user("alice").simulate_get(f"{ROUTE}?limit=2").json
    assert crowded.as_user("bob").simulate_get(own["next"]).status_code == 400


@pytest.mark.parametrize(
    ("path", "body", "media_type"),
    [
        (ROUTE, '{"data": "order"}', "application/json"),
        (BULK, '{"data": "order"}\n{"data": "more"}', "application/x-ndjson"),
    ],
)
def test_an_answer_is_repeated_to_who_got_it(path: str, body: str, media_type: str) -> None:
    """Another with the same key and the same request makes items of their own."""
    world = make_world("private")
    headers = {"Idempotency-Key": "one", "Content-Type": media_type}
    hers, again, his = (
        world.as_user(name).simulate_post(path, body=body, headers=headers)
        for name in ("alice", "alice", "bob")
    )
    assert (hers.status_code, again.status_code, his.status_code) == (201, 201, 201)
    assert (again.json, "Idempotency-Replayed" in again.headers) == (hers.json, True)
    assert "Idempotency-Replayed" not in his.headers
    assert hers.headers.get("Location", "") != his.headers.get("Location")
    owners = [item.owner for item in world.memory.records[PLURAL].values()]
    assert owners.count("alice") == owners.count("bob") == len(owners) / 2


@pytest.mark.parametrize("mode", ["open", "private"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:9999", 403),
        ("http://localhost:8000", 201),
        ("https://localhost:8000", 201),
        ("https://app.example", 201),
    ],
)
def test_a_foreign_page_changes_nothing(mode: str, origin: str, status: int) -> None:
    """Unless CORS names its origin; what it reads, the browser itself keeps from it."""
    world = make_world(mode, cors_origins=("https://app.example",))
    client = world.as_user("alice")
    answer = client.simulate_post(ROUTE, json={"data": "x"}, headers={"Origin": origin})
    assert answer.status_code == status
    assert len(world.memory.records[PLURAL]) == (status == 201)
    assert client.simulate_get(ROUTE, headers={"Origin": origin}).status_code == 200
