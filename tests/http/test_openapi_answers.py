"""What the app answers is what its OpenAPI document says: examples, successes and refusals."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from falcon.testing import Result, TestClient
from openapi_schema_validator import OAS31Validator

from datas.domain.errors import StorageUnavailable
from datas.http.app import create_app
from tests.http.conftest import World, make_world
from tests.http.openapi_changes import VERBS, Json, referred
from tests.served import BULK, INVALID, NAME, NOT_FOUND, ONE, PLURAL, ROUTE, SCHEMA

EXAMPLE_ID = 7
EXAMPLE_TIME = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
ITEM = ONE
ALICE = {"username": "alice", "password": "correct horse"}


class Case(NamedTuple):
    """One example of a request, or an operation that takes no body."""

    path: str
    verb: str
    operation: Json
    media_type: str
    body: str | None


def described(world: World) -> Json:
    """The document of an app."""
    document: Json = world.client.simulate_get("/openapi.json").json
    return document


def cases(document: Json) -> Iterator[Case]:
    """All requests that the document has examples of."""
    for path, item in document["paths"].items():
        for verb in VERBS:
            if operation := item.get(verb):
                content = operation.get("requestBody", {}).get("content", {})
                if not content:
                    yield Case(path, verb, operation, "", None)
                for media_type, body in content.items():
                    example = body["example"]
                    text = example if isinstance(example, str) else json.dumps(example)
                    yield Case(path, verb, operation, media_type, text)


def assert_valid(document: Json, schema: Json, value: Any) -> None:
    """Assert that a value fits a schema of the document."""
    root = schema | {"components": document["components"]}
    OAS31Validator(root, format_checker=OAS31Validator.FORMAT_CHECKER).validate(value)


def assert_described(document: Json, path: str, verb: str, answer: Result) -> None:
    """Assert that the document has this answer: its status, headers, media type and body."""
    operation = document["paths"][path][verb.lower()]
    said = referred(document, operation["responses"][str(answer.status_code)])
    if "x-problems" in said:
        assert answer.json["type"].removeprefix("/problems/") in said["x-problems"]
        assert answer.json["status"] == answer.status_code
    for name in said["headers"]:
        header = document["components"]["headers"][name]
        if header["required"] or name in answer.headers:
            is_number = header["schema"]["type"] == "integer"
            value = answer.headers[name]
            assert_valid(document, header["schema"], int(value) if is_number else value)
    if answer.content:
        media_type = answer.headers["Content-Type"]
        schema = said["content"][media_type]["schema"]
        is_json = media_type.endswith(("/json", "+json"))
        assert_valid(document, schema, answer.json if is_json else answer.text)
    else:
        assert "content" not in said


def example_world(case: Case) -> tuple[World, TestClient]:
    """A world in which the example's request can be carried out: its ids exist, at its time."""
    world = make_world()
    for table in (PLURAL, "tokens"):
        for _ in range(EXAMPLE_ID - 1):
            world.memory.next_id(table)
    name, security = case.operation["operationId"], case.operation.get("security", [{}])
    if name == "signIn":
        world.token("alice")
    client = world.client if not security or {} in security else world.as_user("alice")
    world.clock.time = EXAMPLE_TIME - timedelta(microseconds=1)
    if name != f"create{SCHEMA}":
        [records] = world.parts.collections
        world.client.simulate_post(ROUTE, json=records.body.example(whole=True))
    return world, client


def test_examples_are_what_happens() -> None:
    """Each example of a request is accepted, and the answer is its example, to the letter."""
    document = described(make_world())
    examples = 0
    for case in cases(document):
        _, client = example_world(case)
        values = {
            parameter["name"]: parameter.get("example") or parameter["schema"].get("enum", "x")[0]
            for parameter in case.operation["parameters"]
            if parameter["in"] == "path"
        }
        answer = client.simulate_request(
            case.verb.upper(),
            case.path.format(**values),
            body=case.body,
            headers={"Content-Type": case.media_type} if case.media_type else {},
        )
        assert answer.status_code < 300, (case, answer.json)
        assert_described(document, case.path, case.verb, answer)
        said = referred(document, case.operation["responses"][str(answer.status_code)])
        for content in said.get("content", {}).values():
            if "example" in content:
                assert_valid(document, content["schema"], content["example"])
                assert answer.json == content["example"]
                examples += 1
    assert examples >= 7


class Refusal(NamedTuple):
    """A request that must be refused: by a user if one is named, with arguments of the client."""

    code: str
    verb: str
    path: str
    arguments: dict[str, Any] = {}
    id: object = 1
    user: str = ""


LINES = {"headers": {"Content-Type": "application/x-ndjson"}}
REFUSALS = [
    Refusal("invalid-parameter", "GET", ROUTE, {"query_string": "limit=0"}),
    Refusal("not-acceptable", "GET", ROUTE, {"headers": {"Accept": "text/xml"}}),
    Refusal("misdirected-request", "GET", ROUTE, {"headers": {"Host": "evil.example"}}),
    Refusal("unauthenticated", "GET", ROUTE, {"headers": {"Authorization": "Bearer x"}}),
    Refusal("malformed-json", "POST", ROUTE, {"body": "{"}),
    Refusal(INVALID, "POST", ROUTE, {"json": {}}),
    Refusal("body-too-large", "POST", ROUTE, {"body": " " * 70_000}),
    Refusal("forbidden", "POST", ROUTE, {"headers": {"Origin": "https://evil.example"}}),
    Refusal("idempotency-key-reused", "POST", ROUTE, {"headers": {"Idempotency-Key": "k"}}),
    Refusal("invalid-header", "GET", ITEM, {"headers": {"If-None-Match": "1"}}),
    Refusal(NOT_FOUND, "DELETE", ITEM, id=9),
    Refusal("route-not-found", "PATCH", ITEM, id=0),
    Refusal("route-not-found", "OPTIONS", ITEM, id=2**63),
    Refusal("unsupported-media-type", "PUT", ITEM, {"headers": {"Content-Type": "text/plain"}}),
    Refusal("version-mismatch", "PUT", ITEM, {"headers": {"If-Match": '"9"'}}),
    Refusal("invalid-user", "POST", "/api/users", {"json": {}}),
    Refusal("username-taken", "POST", "/api/users", {"json": ALICE}),
    Refusal("registration-closed", "POST", "/api/users", {"json": ALICE}),
    Refusal("invalid-parameter", "GET", BULK, {"query_string": "limit=1"}),
    Refusal("invalid-parameter", "POST", BULK, LINES | {"query_string": "sort=id"}),
    Refusal("unsupported-media-type", "POST", BULK),
    Refusal("invalid-lines", "POST", BULK, LINES | {"body": "{}"}),
    Refusal("body-too-large", "POST", BULK, LINES | {"body": "x" * 65537}),
    Refusal("unauthenticated", "GET", "/api/users/me"),
    Refusal("wrong-credentials", "POST", "/api/tokens", {"json": ALICE | {"password": "x"}}),
    Refusal("too-many-attempts", "POST", "/api/tokens", {"json": ALICE}),
    Refusal("token-not-found", "DELETE", "/api/tokens/{token_id}", id=9, user="alice"),
    Refusal("route-not-found", "GET", "/problems/{code}", id="nothing"),
    Refusal("storage-unavailable", "GET", "/readyz"),
    Refusal("invalid-header", "GET", "/healthz", {"headers": {"Host": ""}}),
    Refusal("invalid-header", "GET", "/docs", {"headers": {"If-None-Match": "1"}}),
    Refusal("length-required", "POST", ROUTE, {"headers": {"Transfer-Encoding": "chunked"}}),
]


def refusing_world(code: str) -> World:
    """A world with item 1 and alice, where what only the server can be blamed for happens."""
    world = make_world(registration_open=code != "registration-closed")
    world.token("alice")
    headers = {"Idempotency-Key": "k"}
    world.client.simulate_post(ROUTE, json={"data": "x"}, headers=headers)
    if code == "too-many-attempts":
        for _ in range(5):
            world.client.simulate_post("/api/tokens", json=ALICE | {"password": "x"})
    return world


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda it: f"{it.verb} {it.path} {it.code}")
def test_refusals_are_described(refusal: Refusal) -> None:
    """With their status, their headers, and the codes that they can have there."""

    def unavailable() -> None:
        raise StorageUnavailable("The database is out of reach.")

    world = refusing_world(refusal.code)
    client = world.as_user(refusal.user) if refusal.user else world.client
    client.app = create_app(replace(world.parts, check_storage=unavailable))
    headers = {"Content-Type": "application/json"} if refusal.verb in ("POST", "PUT") else {}
    body = '{"data": "y"}' if headers else ""
    arguments = {"body": body} | refusal.arguments
    arguments["headers"] = headers | arguments.get("headers", {})
    url = refusal.path.format_map(dict.fromkeys((f"{NAME}_id", "token_id", "code"), refusal.id))
    answer = client.simulate_request(refusal.verb, url, **arguments)
    assert answer.json["type"] == f"/problems/{refusal.code}"
    assert_described(described(world), refusal.path, refusal.verb, answer)
