"""Of two mistakes in a request, the answer names the one that the contract checks first."""

from itertools import combinations
from typing import Any

import pytest
from falcon.testing import Result

from tests.http.conftest import World, make_world
from tests.http.gadgets import GADGETS_ON_THE_WIRE
from tests.served import INVALID, NOT_FOUND, ROUTE

# The mistakes in the contract's order: a rank, a problem's code, and the parts of the request that
# are wrong. The order of mistakes with the same rank is free.
MISTAKES: list[tuple[int, str, dict[str, Any]]] = [
    (1, "invalid-header", {"Host": ""}),
    (2, "misdirected-request", {"Host": "evil.example"}),
    (3, "route-not-found", {"path": "/nowhere"}),
    (3, "route-not-found", {"path": f"{ROUTE}/0"}),
    (4, "method-unknown", {"method": "FOO"}),
    (5, "method-not-allowed", {"method": "POST"}),
    (6, "unauthenticated", {"Authorization": None}),
    (6, "unauthenticated", {"Authorization": "Basic YTpi"}),
    (6, "unauthenticated", {"Authorization": "Bearer nonsense"}),
    (7, "forbidden", {"Origin": "https://evil.example"}),
    (8, "not-acceptable", {"Accept": "text/xml"}),
    (9, "unsupported-media-type", {"Content-Type": "text/plain"}),
    (9, "unsupported-media-type", {"Content-Encoding": "gzip"}),
    (10, "length-required", {"Transfer-Encoding": "chunked"}),
    (11, "body-too-large", {"body": " " * 70_000}),
    (12, "malformed-json", {"body": "{"}),
    (12, INVALID, {"body": "{}"}),
    (12, "invalid-parameter", {"query_string": "force=1"}),
    (12, "invalid-header", {"If-Match": "1"}),
    (14, NOT_FOUND, {"path": f"{ROUTE}/9"}),
    (15, "forbidden", {"Authorization": "bob"}),
    (16, "version-mismatch", {"If-Match": '"9"'}),
    (16, "version-mismatch", {"If-None-Match": "*"}),
]
PAIRS = [pair for pair in combinations(MISTAKES, 2) if not pair[0][2].keys() & pair[1][2].keys()]


@pytest.fixture(scope="module")
def world() -> World:
    """Where alice owns item 1, and has used the Idempotency-Key `used`; bob is another user."""
    world = make_world("owner")
    headers = {"Idempotency-Key": "used"}
    alice = world.as_user("alice")
    assert alice.simulate_post(ROUTE, json={"data": "x"}, headers=headers).json
    return world


def send(world: World, method: str, path: str, wrong: dict[str, Any], **more: str) -> Result:
    """A request of alice's that is right but for what is `wrong`, and has `more` headers."""
    right = {
        "Host": "localhost",
        "Authorization": f"Bearer {world.token('alice')}",
        "Content-Type": "application/json",
    }
    parts = {"method": method, "path": path, "body": '{"data": "y"}', **right, **more, **wrong}
    if parts["Authorization"] == "bob":
        parts["Authorization"] = f"Bearer {world.token('bob')}"
    arguments = {name: parts.pop(name, "") for name in ("method", "path", "body", "query_string")}
    headers = {name: value for name, value in parts.items() if value is not None}
    return world.client.simulate_request(**arguments, headers=headers)


@pytest.mark.parametrize(("rank", "code", "wrong"), MISTAKES)
def test_each_mistake_alone_is_named(
    world: World, rank: int, code: str, wrong: dict[str, Any]
) -> None:
    """And without one, the request succeeds."""
    assert send(world, "PUT", f"{ROUTE}/1", wrong).json["type"] == f"/problems/{code}"
    assert send(world, "PUT", f"{ROUTE}/1", {}).status_code == 200


def test_of_each_two_mistakes_the_first_is_named(world: World) -> None:
    """Of those with the same rank, one of the two."""
    assert len(PAIRS) > 150
    for (rank, first, wrong), (other_rank, second, more) in PAIRS:
        answer = send(world, "PUT", f"{ROUTE}/1", wrong | more)
        allowed = {first, second} if rank == other_rank else {first}
        assert answer.json["type"].rpartition("/")[2] in allowed, (wrong, more)


def test_a_key_that_was_used_is_named_after_all_that_is_wrong_with_the_request(
    world: World,
) -> None:
    """That is, of a request that creates."""
    used = {"Idempotency-Key": "used"}
    for rank, code, wrong in MISTAKES:
        if rank <= 12 and not wrong.keys() & {"If-Match"} and wrong != {"method": "POST"}:
            answer = send(world, "POST", ROUTE, wrong, **used)
            assert answer.json["type"] == f"/problems/{code}", wrong
    answer = send(world, "POST", ROUTE, {}, **used)
    assert answer.json["type"] == "/problems/idempotency-key-reused"


def test_what_only_the_write_finds_comes_last() -> None:
    """After the version: a reference to nothing, then a value that another record has."""
    world = make_world(collections=GADGETS_ON_THE_WIRE)
    example = world.parts.collections[0].body.example()
    for serial in ("S1", "S2"):
        answer = world.client.simulate_post("/api/gadgets", json=example | {"serial": serial})
        assert answer.status_code == 201, answer.json
    taken, referring = {"serial": "S1"}, {"maker_id": 99}
    for wrong, match, code in (
        (taken | referring, '"9"', "version-mismatch"),
        (taken | referring, '"1"', "invalid-gadget"),
        (taken, '"1"', "value-taken"),
    ):
        answer = world.client.simulate_patch(
            "/api/gadgets/2", json=wrong, headers={"If-Match": match}
        )
        assert answer.json["type"] == f"/problems/{code}", answer.json
