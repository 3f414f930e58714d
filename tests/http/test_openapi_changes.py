"""The document may grow; it may take nothing from those who use the API already."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from datas.bootstrap import openapi_document
from datas.domain.items import ITEMS
from datas.settings import Settings
from tests.http.openapi_changes import Json, breaking_changes
from tests.served import MANY, ONE, ROUTE, SCHEMA

SNAPSHOT = Path(__file__).with_name("openapi.json")
GONE = object()
SORTS = [f"{sign}{name}" for name in ITEMS.sorts for sign in ("", "-")]
ITEM = ("paths", ONE)
LIST = ("paths", ROUTE, "get")
CREATE = ("paths", ROUTE, "post")
SCHEMAS = ("components", "schemas")
DATA = (*SCHEMAS, f"{SCHEMA}Draft", "properties", "data")
LIMIT = (*LIST, "parameters", "limit", "schema")
HEADER: Json = {"name": "X-New", "in": "header", "schema": {"type": "string"}}
KEY = "Idempotency-Key"

Mutation = tuple[tuple[str, ...], Any]

BREAKING: dict[str, Mutation] = {
    "GET /healthz: is there no more.": (("paths", "/healthz"), GONE),
    f"DELETE {ONE}: is there no more.": ((*ITEM, "delete"), GONE),
    f"GET {ROUTE}: generated clients call it 'list{MANY}' no more.": (
        (*LIST, "operationId"),
        "getAll",
    ),
    f"GET {ROUTE}: one has to sign in for it now.": ((*LIST, "security"), [{"token": []}]),
    f"GET {ROUTE}: the query parameter `after` is gone.": ((*LIST, "parameters", "after"), GONE),
    f"GET {ROUTE}: the query parameter `limit` is required now.": (
        (*LIST, "parameters", "limit", "required"),
        True,
    ),
    f"POST {ROUTE}: the header parameter `X-New` is required now.": (
        (*CREATE, "parameters", "X-New"),
        HEADER | {"required": True},
    ),
    f"GET {ROUTE}: the query parameter `sort` may be '-id' no more.": (
        (*LIST, "parameters", "sort", "schema", "enum"),
        ["id"],
    ),
    f"GET {ROUTE}: the query parameter `limit` has a tighter maximum, 999.": (
        (*LIMIT, "maximum"),
        999,
    ),
    f"POST {ROUTE}: the header parameter `Idempotency-Key` has another pattern.": (
        (*CREATE, "parameters", KEY, "schema", "pattern"),
        "^[a-z]+$",
    ),
    f"POST {ROUTE}: it takes no body any more.": ((*CREATE, "requestBody"), GONE),
    f"PATCH {ONE}: it takes no application/merge-patch+json any more.": (
        (*ITEM, "patch", "requestBody", "content", "application/merge-patch+json"),
        GONE,
    ),
    f"POST {ROUTE}: the body at data is gone.": (DATA, GONE),
    f"POST {ROUTE}: the body at title is required now.": (
        (*SCHEMAS, f"{SCHEMA}Draft", "required"),
        ["data", "title"],
    ),
    f"POST {ROUTE}: the body at data has a tighter minLength, 2.": (
        (*DATA, "minLength"),
        2,
    ),
    f"PUT {ONE}: the body at id may be no string any more.": (
        (*SCHEMAS, f"{SCHEMA}Replacement", "properties", "id", "type"),
        "integer",
    ),
    f"GET {ONE}: it answers 304 no more.": ((*ITEM, "get", "responses", "304"), GONE),
    "GET /problems: the 200 answer is no text/html; charset=utf-8 any more.": (
        ("paths", "/problems", "get", "responses", "200", "content", "text/html; charset=utf-8"),
        GONE,
    ),
    f"POST {ROUTE}: the 201 answer has no header Location any more.": (
        (*CREATE, "responses", "201", "headers", "Location"),
        GONE,
    ),
    f"GET {ROUTE}: the 200 answer at data[].version is gone.": (
        (*SCHEMAS, SCHEMA, "properties", "version"),
        GONE,
    ),
    f"POST {ROUTE}: the 201 answer at msg may be absent now.": (
        (*SCHEMAS, f"{SCHEMA}Answer", "required"),
        ["data", "success"],
    ),
    f"POST {ROUTE}: the 400 answer at detail may be null now.": (
        (*SCHEMAS, "Problem", "properties", "detail", "type"),
        ["string", "null"],
    ),
}

HARMLESS: dict[str, Mutation] = {
    "a new route": (("paths", "/new"), {"get": {"responses": {}}}),
    "a new verb": ((*ITEM, "post"), {"responses": {}}),
    "a new optional parameter": ((*LIST, "parameters", "X-New"), HEADER),
    "a new order": ((*LIST, "parameters", "sort", "schema", "enum"), [*SORTS, "owner"]),
    "a looser bound": ((*LIMIT, "maximum"), 5000),
    "no bound": ((*DATA, "maxLength"), GONE),
    "a wider type": ((*DATA, "type"), ["string", "number"]),
    "a new optional field": (
        (*SCHEMAS, f"{SCHEMA}Draft", "properties", "title"),
        {"type": "string"},
    ),
    "a body that may be absent": ((*CREATE, "requestBody", "required"), False),
    "further fields allowed": ((*SCHEMAS, f"{SCHEMA}Patch", "additionalProperties"), GONE),
    "a new media type": ((*CREATE, "requestBody", "content", "text/csv"), {}),
    "a new problem": ((*LIST, "responses", "429"), {"description": "Too many"}),
    "a new field in answers": ((*SCHEMAS, SCHEMA, "properties", "title"), {"type": "string"}),
    "a narrower answer": ((*SCHEMAS, SCHEMA, "properties", "owner", "type"), "null"),
    "free for all": ((*CREATE, "security"), [{}, {"token": []}]),
    "other words": ((*LIST, "summary"), "A page of them"),
}


@pytest.fixture(scope="module")
def document() -> Json:
    """The document of the app as it is now, in its default mode."""
    described: Json = json.loads(openapi_document(Settings()))
    return described


def mutated(document: Json, mutation: Mutation) -> Json:
    """A copy of the document with another value, or none, at a path; lists are walked by name."""
    (*path, last), value = mutation
    changed = copy.deepcopy(document)
    node: Any = changed
    for name in path:
        node = node[name] if isinstance(node, dict) else _named(node)[name]
    if isinstance(node, list):
        node[:] = [it for it in node if it["name"] != last] + [value] * (value is not GONE)
    elif value is GONE:
        del node[last]
    else:
        node[last] = value
    return changed


def _named(nodes: list[Json]) -> Json:
    return {node["name"]: node for node in nodes}


@pytest.mark.parametrize("sentence", BREAKING)
def test_what_breaks_clients_is_told(document: Json, sentence: str) -> None:
    """One sentence for each operation that loses something."""
    assert sentence in breaking_changes(document, mutated(document, BREAKING[sentence]))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_adds_breaks_nothing(document: Json, name: str) -> None:
    """Clients send what they sent, and read what they read."""
    assert breaking_changes(document, mutated(document, HARMLESS[name])) == []


@pytest.mark.parametrize(
    "name", ["a new order", "no bound", "a wider type", "a body that may be absent", "free for all"]
)
def test_what_can_be_added_can_not_be_taken_back(document: Json, name: str) -> None:
    """The same change the other way round breaks those who have come to use it."""
    assert breaking_changes(mutated(document, HARMLESS[name]), document) != []


def test_a_document_breaks_nothing_of_itself(document: Json) -> None:
    """No news is no change."""
    assert breaking_changes(document, document) == []


def test_the_document_takes_nothing_from_clients(document: Json) -> None:
    """Against the snapshot: what is broken fails, and what is new wants to be written down."""
    snapshot = json.loads(SNAPSHOT.read_text())
    changes = breaking_changes(snapshot, document)
    assert not changes, "\n".join(["This breaks clients that exist:", *changes])
    assert document == snapshot, (
        "The OpenAPI document has changed and breaks no client: "
        "renew its snapshot with `make openapi-snapshot`."
    )
