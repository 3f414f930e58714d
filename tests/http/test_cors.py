"""Pages of other origins: which may read, and what they are told."""

from dataclasses import replace

import pytest
from falcon.testing import Result, TestClient

from datas.http.app import create_app
from datas.http.parts import Parts
from tests.served import ROUTE

FRIEND = "https://app.example"


@pytest.fixture
def open_client(parts: Parts) -> TestClient:
    """A client of an app that one origin may use."""
    app = create_app(replace(parts, cors_origins=(FRIEND,)))
    return TestClient(app, headers={"Host": "localhost"})


def _allowed(answer: Result) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


def test_cors_is_off_until_origins_are_named(client: TestClient) -> None:
    """Not a word of it, in answers and preflights alike."""
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    for answer in (
        client.simulate_get(ROUTE, headers=headers),
        client.simulate_options(ROUTE, headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Vary" not in answer.headers


@pytest.mark.parametrize("path", [ROUTE, f"{ROUTE}/9", "/nowhere"])
def test_a_named_origin_may_read_answers_and_errors(open_client: TestClient, path: str) -> None:
    """With the headers that a client of this API needs."""
    answer = open_client.simulate_get(path, headers={"Origin": FRIEND})
    assert _allowed(answer) == FRIEND
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    for name in ("ETag", "Location", "X-Request-Id", "Retry-After", "Fault"):
        assert name in exposed
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", FRIEND + ".evil.example"])
def test_any_other_origin_may_not(open_client: TestClient, origin: str) -> None:
    """And caches are told that the answer depends on who asks."""
    answer = open_client.simulate_get(ROUTE, headers={"Origin": origin})
    assert _allowed(answer) is None
    assert answer.headers["Vary"] == "Origin"


def test_a_preflight_names_methods_and_headers(open_client: TestClient) -> None:
    """What a browser asks before it sends a PUT with If-Match."""
    answer = open_client.simulate_options(
        f"{ROUTE}/1",
        headers={
            "Origin": FRIEND,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,if-match",
        },
    )
    assert answer.status_code == 204
    assert _allowed(answer) == FRIEND
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,if-match"
    assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_vary_names_all_that_matters(open_client: TestClient) -> None:
    """A problem's page depends on Accept as well."""
    vary = open_client.simulate_get("/problems", headers={"Origin": FRIEND}).headers["Vary"]
    assert set(vary.split(", ")) == {"Accept", "Origin"}


def test_every_origin_can_be_allowed(parts: Parts) -> None:
    """With a star alone: to read, and to write."""
    client = TestClient(
        create_app(replace(parts, cors_origins=("*",))), headers={"Host": "localhost"}
    )
    origin = {"Origin": "https://x.example"}
    assert _allowed(client.simulate_get(ROUTE, headers=origin)) == "*"
    assert client.simulate_post(ROUTE, json=[], headers=origin).status_code == 400  # and not 403
