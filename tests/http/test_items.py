"""The five routes: what each answers when all is well."""

import re

import pytest
from falcon.testing import Result, TestClient

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def _create(client: TestClient, data: str = "hello") -> Result:
    return client.simulate_post("/api/datas", json={"data": data})


def test_create_answers_201_with_the_item_and_where_it_is(client: TestClient) -> None:
    """The envelope, Location and ETag, as the contract has them."""
    answer = _create(client)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/datas/1"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json
    assert list(body) == ["success", "msg", "data"]
    assert (body["success"], body["msg"]) == (True, "Item [1] successfully created")
    item = body["data"]
    assert list(item) == ["id", "data", "date_created", "date_updated", "version", "owner"]
    assert (item["id"], item["data"], item["version"], item["owner"]) == (1, "hello", 1, None)
    assert TIME.fullmatch(item["date_created"])
    assert TIME.fullmatch(item["date_updated"])


def test_get_answers_the_item(client: TestClient) -> None:
    """The same item that was created, with its ETag."""
    created = _create(client).json["data"]
    answer = client.simulate_get("/api/datas/1")
    assert answer.status_code == 200
    assert answer.json == {"success": True, "msg": "Item [1] found", "data": created}
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-cache")


def test_put_replaces_and_grows_the_version(client: TestClient) -> None:
    """The answer is the new state and its ETag."""
    _create(client)
    answer = client.simulate_put("/api/datas/1", json={"data": "bye"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json["msg"] == "Item [1] successfully updated"
    assert answer.json["data"] == client.simulate_get("/api/datas/1").json["data"]
    assert (answer.json["data"]["data"], answer.json["data"]["version"]) == ("bye", 2)


def test_what_was_read_can_be_put_back(client: TestClient) -> None:
    """PUT ignores the read-only names, and unchanged data keeps its version."""
    item = _create(client).json["data"]
    answer = client.simulate_put("/api/datas/1", json=item | {"version": 99, "id": 3})
    assert (answer.status_code, answer.json["data"]) == (200, item)


def test_delete_answers_the_item_as_it_was(client: TestClient) -> None:
    """Once; the second time there is nothing."""
    item = _create(client).json["data"]
    answer = client.simulate_delete("/api/datas/1")
    assert answer.status_code == 200
    assert answer.json == {
        "success": True,
        "msg": "Item [1] successfully deleted",
        "data": item,
    }
    assert client.simulate_delete("/api/datas/1").status_code == 404


def test_a_page_lists_items(client: TestClient) -> None:
    """A real list, and no next page."""
    items = [_create(client, text).json["data"] for text in ("one", "two")]
    answer = client.simulate_get("/api/datas")
    assert answer.status_code == 200
    assert answer.json == {
        "success": True,
        "msg": "Items found (2)",
        "data": items,
        "next": None,
    }
    assert "Link" not in answer.headers


@pytest.mark.parametrize("sort", ["id", "-id"])
def test_next_leads_through_all_pages(client: TestClient, sort: str) -> None:
    """Link and `next` name the same path; following it visits every item once."""
    for n in range(5):
        _create(client, f"item {n}")
    seen, path = [], f"/api/datas?limit=2&sort={sort}"
    while path:
        answer = client.simulate_get(path)
        seen += [item["id"] for item in answer.json["data"]]
        path = answer.json["next"]
        assert answer.headers.get("Link") == (f'<{path}>; rel="next"' if path else None)
    assert seen == sorted([1, 2, 3, 4, 5], reverse=sort == "-id")


@pytest.mark.parametrize("path", ["/api/datas", "/api/datas/1", "/healthz", "/readyz"])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    """The same status and headers, the length of the body included."""
    _create(client)
    get, head = client.simulate_get(path), client.simulate_head(path)
    assert (head.status_code, head.content) == (200, b"")
    unlike = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in get.headers.items() if k not in unlike
    }


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/datas", "GET, HEAD, OPTIONS, POST"),
        ("/api/datas/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_says_what_is_allowed(client: TestClient, path: str, allow: str) -> None:
    """204 with Allow, whether the item exists or not; 405 says the same."""
    answer = client.simulate_options(path)
    assert (answer.status_code, answer.headers["Allow"]) == (204, allow)
    refused = client.simulate_request("PROPFIND", path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, allow)


def test_a_trailing_slash_is_the_same_resource(client: TestClient) -> None:
    """For the collection and for an item."""
    assert client.simulate_post("/api/datas/", json={"data": "hello"}).status_code == 201
    assert client.simulate_get("/api/datas/1/").status_code == 200


def test_paths_honour_script_name(client: TestClient) -> None:
    """Mounted under a prefix, every path in an answer starts with it."""
    for _ in range(2):
        created = client.simulate_post("/api/datas", json={"data": "x"}, root_path="/v1")
    assert created.headers["Location"] == "/v1/api/datas/2"
    page = client.simulate_get("/api/datas?limit=1", root_path="/v1")
    assert page.json["next"].startswith("/v1/api/datas?limit=1&after=")
    missing = client.simulate_get("/api/datas/9", root_path="/v1")
    assert missing.json["type"] == "/v1/problems/item-not-found"


def test_every_response_carries_the_common_headers(client: TestClient) -> None:
    """Success or not: a request id, no sniffing, a policy, and a word on caching."""
    for path in ("/api/datas", "/healthz", "/nowhere"):
        headers = client.simulate_get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == ("no-cache" if path == "/api/datas" else "no-store")
        assert headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1._Z", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ("é", False)],
)
def test_a_decent_request_id_is_kept(client: TestClient, given: str, kept: bool) -> None:  # noqa: FBT001
    """Any other is replaced by one of the server's."""
    answer = client.simulate_get("/nowhere", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is kept
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
