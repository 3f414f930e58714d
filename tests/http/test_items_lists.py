"""Lists: orders, filters, totals, and the cursors that lead through them."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from falcon.testing import TestClient

from datas.domain.items import ITEMS
from datas.domain.query import Sort
from tests.http.conftest import World, make_world
from tests.http.test_items_refusals import problem
from tests.served import PLURAL, RECORDS, ROUTE

NAMES = [f"{sign}{name}" for name in ITEMS.sorts for sign in ("", "-")]
SORTS = [Sort(name.removeprefix("-"), name.startswith("-")) for name in NAMES]
TEXTS = ("b", "B", "ä", "a b", "10", "9")


@pytest.fixture
def filled(world: World) -> TestClient:
    """Items of alice, and one of nobody."""
    alice = world.as_user("alice")
    for text in TEXTS:
        alice.simulate_post(ROUTE, json={"data": text})
    world.client.simulate_post(ROUTE, json={"data": "nobody's"})
    return world.client


def walk(client: TestClient, query: str) -> Iterator[dict[str, Any]]:
    """Every item, by following `next`."""
    path = f"{ROUTE}?{query}"
    while path:
        answer = client.simulate_get(path)
        assert answer.status_code == 200, answer.text
        yield from answer.json["data"]
        path = answer.json["next"]


@pytest.mark.parametrize("sort", NAMES)
def test_every_order_is_walked_to_its_end(filled: TestClient, sort: str) -> None:
    """By code point and by time; a minus sign turns it round."""
    seen = [item["data"] for item in walk(filled, f"limit=2&sort={sort}")]
    ascending = [*TEXTS, "nobody's"]
    if sort.endswith("data"):
        ascending.sort()
    assert seen == ascending[:: -1 if sort.startswith("-") else 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=B", ["b", "B", "a b", "nobody's"]),
        ("q=%C3%84", ["ä"]),
        ("q=%25", []),
        ("q=b&owner=alice", ["b", "B", "a b"]),
        ("owner=ALICE", list(TEXTS)),
        ("owner=bob", []),
        ("created_from={3}", ["a b", "10", "9", "nobody's"]),
        ("created_to={2}", ["b", "B"]),
        ("created_from={1}&created_to={3}&q=b", ["B"]),
        ("created_from=2026-11-22T16:00:01Z", []),
        ("created_from=2026-11-22T17:00:01%2B01:00", []),
        ("created_to=2026-11-22t15:59:59.9999999999z", []),
        ("created_from=2026-11-22T15:00:00.0000009-01:00", [*TEXTS, "nobody's"]),
        ("created_from=2026-11-22T15:00:00.000000-0100", [*TEXTS, "nobody's"]),
    ],
)
def test_a_filter_finds_what_it_says(filled: TestClient, query: str, found: list[str]) -> None:
    """Case folded parts, whole names, times from (inclusive) to (exclusive), all at once."""
    times = [item["date_created"] for item in filled.simulate_get(ROUTE).json["data"]]
    query = query.format(*times)
    assert [item["data"] for item in walk(filled, f"{query}&limit=2")] == found
    total = filled.simulate_get(f"{ROUTE}?{query}&limit=1&count=true").json
    assert (total["total"], total["msg"]) == (len(found), f"{RECORDS} found ({min(1, len(found))})")


def test_the_total_is_told_only_when_asked(filled: TestClient) -> None:
    """It costs time, and is of all pages."""
    assert "total" not in filled.simulate_get(ROUTE).json
    assert "total" not in filled.simulate_get(f"{ROUTE}?count=false").json
    first = filled.simulate_get(f"{ROUTE}?count=true&limit=3").json
    assert filled.simulate_get(first["next"]).json["total"] == first["total"] == 7


def test_next_keeps_what_was_asked(filled: TestClient) -> None:
    """The order, the filters and the limit stand in it, escaped, and in Link."""
    answer = filled.simulate_get(f"{ROUTE}?q=b&sort=-data&limit=1&owner=alice")
    assert answer.json["next"].startswith(f"{ROUTE}?q=b&sort=-data&limit=1&owner=alice&after=")
    assert answer.headers["Link"] == f'<{answer.json["next"]}>; rel="next"'


@pytest.mark.parametrize("change", ["sort=-id", "sort=data", "q=b", "owner=alice"])
def test_a_cursor_belongs_to_its_list(filled: TestClient, change: str) -> None:
    """With another order or another filter it is refused; the page may be longer."""
    path = filled.simulate_get(f"{ROUTE}?limit=1").json["next"]
    problem(filled.simulate_get(f"{path}&{change}"), "invalid-parameter")
    assert (
        filled.simulate_get(path.replace("limit=1", "limit=3")).json["msg"]
        == f"{RECORDS} found (3)"
    )


def test_a_damaged_cursor_is_refused(filled: TestClient) -> None:
    """Whichever of its letters differs."""
    path, _, cursor = filled.simulate_get(f"{ROUTE}?limit=1").json["next"].partition("after=")
    whole = cursor.removesuffix("%3D").removesuffix("%3D")
    for n, letter in enumerate(whole[:-1]):
        damaged = whole[:n] + ("A" if letter != "A" else "B") + cursor[n + 1 :]
        problem(filled.simulate_get(f"{path}after={damaged}"), "invalid-parameter")


PLACES: list[Any] = [
    *(None, 5, "5", [], [5], ["5", None], [5, None, None], {"id": 5}),
    *([0, None], [-5, None], [2**63, None], [1.5, None], [5, "x"], [5, 5], [5, ["x"]]),
    *([5, "a\0"], [5, ""], [5, "2026-13-22T16:00:00Z"], [5, "2026-11-22"]),
]


FORGED = [
    (sort, place)
    for sort in SORTS
    for place in PLACES
    # The others are places in the order by data.
    if sort.field != "data" or place not in ([5, "x"], PLACES[-2], PLACES[-1])
]


@pytest.mark.parametrize(("sort", "place"), FORGED, ids=str)
def test_a_cursor_that_somebody_made_leads_nowhere(
    client: TestClient, sort: Sort, place: Any
) -> None:
    """Its digest is no secret; its place must be one of its order all the same."""
    raw = orjson.dumps(place) if place != [2**63, None] else b"[9223372036854775808,null]"
    digest = hashlib.blake2b(raw + repr((PLURAL, sort, (), None)).encode(), digest_size=6).digest()
    cursor = base64.urlsafe_b64encode(digest + raw).decode()
    name = NAMES[SORTS.index(sort)]
    answer = client.simulate_get(ROUTE, params={"after": cursor, "sort": name})
    problem(answer, "invalid-parameter")


def test_a_cursor_may_hold_any_data(client: TestClient) -> None:
    """The longest and oddest text is a place like any other."""
    odd = ["\U0001f600" * 255, "\U0001f600" * 254 + "\n", '"&=;+ %', "\ufeff", "a\u0301"]
    for text in odd:
        assert client.simulate_post(ROUTE, json={"data": text}).status_code == 201
    assert [item["data"] for item in walk(client, "limit=1&sort=data")] == sorted(odd)
    long = {"q": "\U0001f600" * 200, "sort": "data", "limit": "1"}
    following = client.simulate_get(ROUTE, params=long).json["next"]
    assert len(following) < 8000, "gunicorn takes no longer request line"
    assert client.simulate_get(following).json["data"][0]["data"] == odd[0]


def test_in_private_mode_a_name_reveals_nothing() -> None:
    """Another's items are none, whether asked for by name, part or time."""
    world = make_world("private")
    alice, bob = world.as_user("alice"), world.as_user("bob")
    alice.simulate_post(ROUTE, json={"data": "hers"})
    bob.simulate_post(ROUTE, json={"data": "his"})
    for query in (
        "owner=alice",
        "q=hers",
        "q=h&owner=alice",
        "created_to=2027-01-01T00:00:00Z&q=er",
    ):
        answer = bob.simulate_get(f"{ROUTE}?count=true&{query}").json
        assert (answer["total"], answer["data"]) == (0, [])
    assert bob.simulate_get(f"{ROUTE}?owner=bob&count=true").json["total"] == 1
