"""Conditional requests, merge patches and safe retries."""

from typing import Any

import pytest
from falcon.testing import Result, TestClient

from datas.adapters.memory import Memory
from tests.http.test_items_refusals import problem
from tests.served import COLLECTION, INVALID, PLURAL, ROUTE


@pytest.fixture
def item(client: TestClient) -> dict[str, Any]:
    """An item at version 2."""
    client.simulate_post(ROUTE, json={"data": "one"})
    created: dict[str, Any] = client.simulate_put(f"{ROUTE}/1", json={"data": "two"}).json["data"]
    return created


NOT_MODIFIED = ['"2"', 'W/"2"', "*", '"1", "2"', '"x" ,, W/"2",', '\t"2"\t']
MODIFIED = ['"1"', 'W/"1"', '"02"', '"two"', '"2,"', '""']
MALFORMED = ["2", '"2', "'2'", '"2" "3"', '*, "2"', "", ",", 'w/"2"', '"a b"', "W/2"]


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", NOT_MODIFIED)
def test_a_known_version_is_not_sent_again(client: TestClient, method: str, tags: str) -> None:
    """304 with its ETag and no body; a weak tag counts, since reading changes nothing."""
    answer = client.simulate_request(method, f"{ROUTE}/1", headers={"If-None-Match": tags})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"2"')
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Content-Type" not in answer.headers


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("tags", MODIFIED)
def test_an_unknown_version_is_sent(client: TestClient, tags: str) -> None:
    """A tag names a version only if it is that version's, character by character."""
    answer = client.simulate_get(f"{ROUTE}/1", headers={"If-None-Match": tags})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


def _change(client: TestClient, method: str, headers: dict[str, str]) -> Result:
    body = None if method == "DELETE" else {"data": "three"}
    return client.simulate_request(method, f"{ROUTE}/1", json=body, headers=headers)


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tags", ['"2"', "*", '"1", "2"', 'W/"2", "2"'])
def test_a_change_happens_at_a_version_it_names(client: TestClient, method: str, tags: str) -> None:
    """If-Match with the current version, among others, or any."""
    assert _change(client, method, {"If-Match": tags}).status_code == 200


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [{"If-Match": tags} for tags in ['"1"', 'W/"2"', '"1", "3"', '"02"']]
    + [{"If-None-Match": tags} for tags in ['"2"', 'W/"2"', "*"]]
    + [{"If-Match": '"2"', "If-None-Match": '"2"'}],
    ids=str,
)
def test_a_change_meant_for_another_version_is_refused(
    client: TestClient, method: str, headers: dict[str, str]
) -> None:
    """412, and the item stays as it was; a weak tag never matches If-Match."""
    problem(_change(client, method, headers), "version-mismatch")
    assert client.simulate_get(f"{ROUTE}/1").json["data"]["data"] == "two"


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("tags", MALFORMED)
def test_a_malformed_condition_is_told(client: TestClient, name: str, tags: str) -> None:
    """Ignoring it would make a change that was meant to be conditional."""
    errors = problem(_change(client, "PUT", {name: tags}), "invalid-header")["errors"]
    assert list(errors) == [name]


def test_a_long_condition_is_read_in_no_time(client: TestClient) -> None:
    """The longest header that a server lets through, made to be slow to match."""
    for hostile in ("," * 8000 + "x", '"a"' + " " * 8000 + "x", '"",' * 2500 + '"'):
        answer = client.simulate_get(f"{ROUTE}/1", headers={"If-None-Match": hostile})
        problem(answer, "invalid-header")


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
def test_a_patch_changes_what_it_names(
    client: TestClient, item: dict[str, Any], media_type: str
) -> None:
    """The answer is the new state and its ETag."""
    answer = client.simulate_patch(
        f"{ROUTE}/1", body=b'{"data": "three"}', headers={"Content-Type": media_type}
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    changed = answer.json["data"]
    assert changed == item | {
        "data": "three",
        "version": 3,
        "date_updated": changed["date_updated"],
    }


@pytest.mark.parametrize("patch", [{}, {"data": "two"}])
def test_a_patch_that_changes_nothing_keeps_the_version(
    client: TestClient, item: dict[str, Any], patch: dict[str, str]
) -> None:
    """Nothing named, or nothing different."""
    answer = client.simulate_patch(f"{ROUTE}/1", json=patch)
    assert (answer.status_code, answer.json["data"]) == (200, item)
    assert answer.headers["ETag"] == '"2"'


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize(
    ("patch", "errors"),
    [
        ({"data": None}, {"data": ["must be a string, not null."]}),
        ({"id": 1}, {"id": ["is read-only; leave it out."]}),
        ({"colour": "x"}, {"colour": [f"is no field of {COLLECTION.one}; leave it out."]}),
        (["data"], {"body": ['must be a JSON object, such as {"data": "hello"}.']}),
    ],
)
def test_a_bad_patch_is_refused(
    client: TestClient, patch: object, errors: dict[str, list[str]]
) -> None:
    """`data` can't be removed, nor what is read-only be changed."""
    answer = client.simulate_patch(f"{ROUTE}/1", json=patch)
    assert problem(answer, INVALID)["errors"] == errors


@pytest.mark.usefixtures("item")
def test_a_patch_of_another_kind_is_unsupported(client: TestClient) -> None:
    """The answer names the kinds that are understood."""
    answer = client.simulate_patch(
        f"{ROUTE}/1", body=b"[]", headers={"Content-Type": "application/json-patch+json"}
    )
    problem(answer, "unsupported-media-type")
    assert answer.headers["Accept-Patch"] == "application/json, application/merge-patch+json"


def _post(client: TestClient, data: str, key: str, path: str = ROUTE) -> Result:
    return client.simulate_post(path, json={"data": data}, headers={"Idempotency-Key": key})


def test_a_repeated_order_makes_one_item(client: TestClient, memory: Memory) -> None:
    """The retry gets the first answer, byte for byte, and a header says so."""
    first, again = _post(client, "order", "k"), _post(client, "order", "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "ETag", "Cache-Control", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert len(memory.records[PLURAL]) == 1


def test_a_key_belongs_to_its_request(client: TestClient, memory: Memory) -> None:
    """Another body under the same key is refused."""
    _post(client, "order", "k")
    problem(_post(client, "another order", "k"), "idempotency-key-reused")
    assert _post(client, "another order", "l").status_code == 201
    assert len(memory.records[PLURAL]) == 2


def test_a_refused_order_leaves_the_key_free(client: TestClient) -> None:
    """Mend it, and send it again with the same key."""
    problem(_post(client, "", "k"), INVALID)
    assert _post(client, "order", "k").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 256, "\t"])
def test_a_malformed_key_is_refused(client: TestClient, memory: Memory, key: str) -> None:
    """Ignoring it would make a retry unsafe."""
    errors = problem(_post(client, "order", key), "invalid-header")["errors"]
    assert list(errors) == ["Idempotency-Key"]
    assert not memory.records[PLURAL]


def test_a_key_is_ignored_where_retries_are_safe_anyway(client: TestClient) -> None:
    """PUT says the same twice by itself."""
    _post(client, "order", "k")
    answer = client.simulate_put(f"{ROUTE}/1", json={"data": "x"}, headers={"Idempotency-Key": ""})
    assert answer.status_code == 200
