"""The records of any collection over HTTP: every type, unique fields, references, filters."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from falcon.testing import Result, TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from datas.domain.query import Filter, Operator
from datas.http.fields import field
from datas.http.parts import wire_faults
from datas.http.schemas import RecordSchema
from tests.every_rule import GADGETS, MAKERS
from tests.http.conftest import ITEMS_ON_THE_WIRE, World, make_world
from tests.http.gadgets import GADGETS_ON_THE_WIRE, MakerSchema
from tests.served import INVALID, NAME, NOT_FOUND, PLURAL, ROUTE

PATH = "/api/gadgets"
LEAST = {"name": "a"}
# What a client writes, and what an answer shows.
WHOLE: dict[str, Any] = {
    "name": "Lamp",
    "count": 2**63 - 1,
    "price": "19.5",
    "in_stock": False,
    "released": "2026-02-28",
    "checked": "2026-01-01T01:00:00.1234567+01:00",
    "color": "blue",
    "tags": ["old", "é"],
    "serial": "S1",
    "note": "",
    "rank": 10,
    "discount": "-0.0",
    "tested": True,
    "retired": "9999-12-31",
    "sold": "0001-01-01T00:00:00Z",
    "finish": "gloss",
    "labels": ["", "x"],
    "maker_id": 1,
    "parent_id": None,
}
SHOWN = WHOLE | {
    "price": "19.50",
    "checked": "2026-01-01T00:00:00.123456Z",
    "discount": "0.000",
    "sold": "0001-01-01T00:00:00.000000Z",
}
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(WHOLE),
    "count": 0,
    "price": "1.00",
    "in_stock": True,
    "released": "2026-01-01",
    "checked": "2026-01-01T00:00:00.000000Z",
    "color": "red",
    "tags": [],
}


@pytest.fixture
def world() -> World:
    """An empty world of gadgets and makers, in open mode."""
    return make_world(collections=GADGETS_ON_THE_WIRE)


@pytest.fixture
def client(world: World) -> TestClient:
    """A client of it."""
    return world.client


def make(client: TestClient, path: str = PATH, **fields: Any) -> dict[str, Any]:
    """A new record."""
    answer = client.simulate_post(path, json=LEAST | fields)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def fails(world: World, answer: Result, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, and return it."""
    problem = world.parts.problems[code]
    body: dict[str, Any] = answer.json
    assert (answer.status_code, body["type"]) == (problem.status, f"/problems/{code}"), body
    assert (body["title"], body["detail"]) == (problem.title, body["msg"])
    return body


def own(record: dict[str, Any]) -> dict[str, Any]:
    """The fields that a client writes."""
    return {name: record[name] for name in GADGETS.fields}


def test_every_type_is_shown_as_it_was_written(client: TestClient) -> None:
    """By POST, GET, PUT, PATCH, a page and DELETE alike, in the one form of its type."""
    make(client, "/api/makers")
    created = client.simulate_post(PATH, json=WHOLE)
    record = created.json["data"]
    assert own(record) == SHOWN
    assert list(record) == [
        *("id", *GADGETS.fields, "date_created", "date_updated", "version", "owner"),
    ]
    assert created.json["msg"] == "Gadget [1] successfully created"
    assert created.headers["Location"] == f"{PATH}/1"
    assert client.simulate_get(f"{PATH}/1").json["data"] == record
    for body in (record, WHOLE, SHOWN):
        assert client.simulate_put(f"{PATH}/1", json=body).json["data"] == record
    assert client.simulate_patch(f"{PATH}/1", json=WHOLE).json["data"] == record
    page = client.simulate_get(PATH).json
    assert (page["msg"], page["data"]) == ("Gadgets found (1)", [record])
    assert client.simulate_delete(f"{PATH}/1").json["data"] == record


def test_an_absent_field_takes_its_default_and_a_patch_leaves_it(client: TestClient) -> None:
    """A PUT replaces everything; in a PATCH null is a value."""
    make(client, "/api/makers")
    assert own(make(client)) == DEFAULTS | LEAST
    client.simulate_put(f"{PATH}/1", json=WHOLE)
    nulls = {name: None for name in GADGETS.fields if GADGETS.is_optional(name)}
    patched = client.simulate_patch(f"{PATH}/1", json=nulls).json["data"]
    assert own(patched) == SHOWN | nulls
    assert own(client.simulate_put(f"{PATH}/1", json=LEAST).json["data"]) == DEFAULTS | LEAST
    untouched = client.simulate_patch(f"{PATH}/1", json={})
    assert (untouched.status_code, own(untouched.json["data"])) == (200, DEFAULTS | LEAST)


NUMBERS = ["1e400", "-1e400", "18446744073709551616", "9" * 400, "1.5", "1E2", "-0.0"]
WRONG: dict[str, list[str]] = {
    "name": ["1", "true", "[]", "{}", '""', '"  "', '"a\\u0000"', f'"{"a" * 51}"', "null"],
    "count": ['"1"', "true", "[1]", "null", "9223372036854775808", "-9223372036854775809"],
    "price": ["1", "1.5", "null", '"1.005"', '"10000.00"', '"1e3"', '"NaN"', '"-Infinity"'],
    "in_stock": ['"true"', "1", "null", "[]"],
    "released": ["20260101", '"2026-02-29"', '"2026-1-1"', '"2026-01-01T00:00:00Z"', "null"],
    "checked": ["0", '"2026-01-01"', '"2026-01-01T24:00:00Z"', '"0001-01-01T00:00:00+01:00"'],
    "color": ['"green"', '"RED"', "1", "null", '["red"]'],
    "tags": [
        *('"a"', "{}", "null", "[1]", "[null]", '[["x"]]', '[{"a": 1}]', "[true]", '[""]'),
        *('["a","b","c","d"]', '["12345678901"]', "[1e400]"),
    ],
    "serial": ['"1"', "1", "[]"],
    "note": ["1", f'"{"a" * 101}"'],
    "rank": ["0", "11", '"1"', "1.0"],
    "discount": ["0.5", '"1.1"', '"-0.1"', '"0.0001"'],
    "labels": ['"a"', "[null]", "[[]]"],
    "maker_id": ["0", "-1", "9223372036854775808", '"1"', "true"],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_value_of_a_wrong_type_is_a_fault_of_its_field(world: World, field: str) -> None:
    """By POST, PUT, PATCH and in a line: 400, and never 500."""
    client = world.client
    make(client)
    numbers = NUMBERS if field in ("count", "rank", "maker_id", "price", "tags", "note") else []
    for value in WRONG[field] + numbers:
        body = f'{{"{field}": {value}}}'
        if field != "name":
            body = f'{{"name": "a", {body[1:]}'
        headers = {"Content-Type": "application/json"}
        for method, path in (("POST", PATH), ("PUT", f"{PATH}/1"), ("PATCH", f"{PATH}/1")):
            answer = client.simulate_request(method, path, body=body, headers=headers)
            if answer.json["type"] != "/problems/malformed-json":  # 1e400 is none
                errors = fails(world, answer, "invalid-gadget")["errors"]
                assert list(errors) == [field], body
        headers = {"Content-Type": "application/x-ndjson"}
        answer = client.simulate_post(f"{PATH}/bulk", body=body, headers=headers)
        [line] = fails(world, answer, "invalid-lines")["line_errors"]
        assert list(line["errors"]) in ([field], ["line"])


@pytest.fixture
def crowd(client: TestClient) -> TestClient:
    """Makers 1 and 2, and gadgets whose fields differ in all ways."""
    for name in ("ann", "bo"):
        make(client, "/api/makers", name=name)
    bounds: dict[str, Any] = {"count": -(2**63), "price": "-9999.99", "released": "0001-01-01"}
    for fields in (
        bounds | {"checked": "9999-12-31T23:59:59.999999Z", "rank": 3},
        {"count": 2**63 - 1, "price": "9999.99", "color": "blue", "maker_id": 1},
        {"count": 2**63 - 2, "price": "0.01", "in_stock": False, "maker_id": 2},
        {"name": "B", "released": "9999-12-31", "price": "0.01", "maker_id": 1},
        {"name": "é", "checked": "2026-01-01T00:00:00.000001Z", "count": 5},
        {"name": "b", "price": "10.00", "count": 5},
    ):
        make(client, **fields)
    return client


def walk(client: TestClient, path: str) -> Iterator[dict[str, Any]]:
    """Every record, by following `next`."""
    while path:
        answer = client.simulate_get(path)
        assert answer.status_code == 200, answer.text
        yield from answer.json["data"]
        path = answer.json["next"]


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in GADGETS.sorts for sign in ("", "-")])
def test_every_sort_is_walked_to_its_end(crowd: TestClient, sort: str) -> None:
    """A page at a time, whatever the type of the field; ties break by id."""
    [whole] = [crowd.simulate_get(f"{PATH}?sort={sort}").json["data"]]
    assert len(whole) == 6
    name, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1

    def key(record: dict[str, Any]) -> tuple[Any, int]:
        value = record[name]
        return float(value) if name == "price" else value, record["id"]

    assert whole == sorted(whole, key=key)[::sign]
    for limit in (1, 2, 5):
        assert [*walk(crowd, f"{PATH}?sort={sort}&limit={limit}")] == whole
    streamed = crowd.simulate_get(f"{PATH}/bulk?sort={sort}").text
    assert [json.loads(line) for line in streamed.splitlines()] == whole


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("color=blue", [2]),
        ("in_stock=false", [3]),
        ("rank=3", [1]),
        ("maker_id=1", [2, 4]),
        ("maker_id=7", []),
        ("count_from=5", [2, 3, 5, 6]),
        ("count_from=9223372036854775807", [2]),
        ("count_to=-9223372036854775808", []),
        ("count_from=5&count_to=9223372036854775807", [3, 5, 6]),
        ("price_from=0.01&price_to=10", [3, 4, 5]),
        ("price_to=10000", [1, 2, 3, 4, 5, 6]),
        ("released_from=9999-12-31", [4]),
        ("released_to=0001-01-02", [1]),
        ("checked_from=2026-01-01T00:00:00.000001Z&q=%C3%89", [5]),
        ("checked_from=2026-01-01T01:00:00.000001%2B01:00", [1, 5]),
        ("q=B&maker_id=1", [4]),
    ],
)
def test_a_filter_finds_what_it_says(crowd: TestClient, query: str, found: list[int]) -> None:
    """From a value, which is among them, to one that isn't; in pages and in streams."""
    assert [it["id"] for it in walk(crowd, f"{PATH}?{query}&limit=1")] == found
    answer = crowd.simulate_get(f"{PATH}?{query}&count=true").json
    assert (answer["total"], len(answer["data"])) == (len(found), len(found))
    streamed = crowd.simulate_get(f"{PATH}/bulk?{query}").text.splitlines()
    assert [json.loads(line)["id"] for line in streamed] == found


@pytest.mark.parametrize(
    "query",
    [
        *("color=green", "color=", "in_stock=1", "rank=11", "rank=x", "maker_id=0"),
        *("count_from=9223372036854775808", "count_from=1.5", "count_to=%201"),
        *("price_from=1e3", "price_to=NaN", "price_from=0.001", "price_to=99999999"),
        *("released_from=2026-13-01", "released_from=2026-01-01T00:00:00Z", "checked_to=now"),
        *("checked_from=2026-01-01T00:00:00+00:00", "name=a", "tags=a", "count=5"),
    ],
)
def test_a_bad_filter_is_named(world: World, query: str) -> None:
    """Of a wrong type, out of bounds, or none at all."""
    errors = fails(world, world.client.simulate_get(f"{PATH}?{query}"), "invalid-parameter")
    assert list(errors["errors"]) == [query.partition("=")[0]]


def test_a_cursor_belongs_to_its_collection(world: World) -> None:
    """Even where order, filters and place are the same."""
    client = world.client
    for path in (PATH, "/api/makers"):
        for name in ("a", "b"):
            make(client, path, name=name)
    following = client.simulate_get(f"{PATH}?limit=1").json["next"]
    assert client.simulate_get(following).status_code == 200
    for other in (following.replace("gadgets", "makers"), f"{following}&color=red"):
        fails(world, client.simulate_get(other), "invalid-parameter")


def test_without_a_field_to_search_q_is_unknown() -> None:
    """As any other parameter that isn't there."""
    world = make_world(collections=[(replace(MAKERS, search=None), MakerSchema, {})])
    errors = fails(world, world.client.simulate_get("/api/makers?q=a"), "invalid-parameter")
    assert "no parameter" in errors["errors"]["q"][0]


CHANGES = [("POST", PATH), ("PUT", f"{PATH}/2"), ("PATCH", f"{PATH}/2")]
LINES = {
    "application/x-ndjson": '{{"name": "x"}}\n\n{{"name": "y", "{0}": {1}}}\n',
    "text/csv": 'name,{0}\n"x\ny",\nz,{1}\n',
}


@pytest.mark.parametrize(("field", "value"), [("serial", "S1"), ("rank", 7)])
def test_a_value_that_is_taken_is_a_conflict(world: World, field: str, value: Any) -> None:
    """The field is named, and in bulk the line; null is not compared."""
    client = world.client
    make(client, **{field: value})
    make(client)
    for method, path in CHANGES:
        answer = client.simulate_request(method, path, json=LEAST | {field: value})
        assert list(fails(world, answer, "value-taken")["errors"]) == [field]
    for kind, lines in LINES.items():
        shown = value if kind == "text/csv" else json.dumps(value)
        answer = client.simulate_post(
            f"{PATH}/bulk", body=lines.format(field, shown), headers={"Content-Type": kind}
        )
        body = fails(world, answer, "value-taken")
        assert list(body["errors"]) == [field]
        [line] = body["line_errors"]
        assert (line["line"], list(line["errors"])) == (3 if kind != "text/csv" else 4, [field])
        assert "Line" in body["detail"]
    assert len([*walk(client, PATH)]) == 2
    assert client.simulate_put(f"{PATH}/1", json=LEAST | {field: value}).status_code == 200


@pytest.mark.parametrize("field", ["maker_id", "parent_id"])
def test_a_reference_to_nothing_is_a_fault_of_its_field(world: World, field: str) -> None:
    """400, as a value that breaks a rule."""
    client = world.client
    make(client)
    make(client)
    for method, path in CHANGES:
        answer = client.simulate_request(method, path, json=LEAST | {field: 99})
        assert list(fails(world, answer, "invalid-gadget")["errors"]) == [field]
    for kind, lines in LINES.items():
        answer = client.simulate_post(
            f"{PATH}/bulk", body=lines.format(field, 99), headers={"Content-Type": kind}
        )
        [line] = fails(world, answer, "invalid-lines")["line_errors"]
        assert (line["line"], list(line["errors"])) == (3 if kind != "text/csv" else 4, [field])
    assert len([*walk(client, PATH)]) == 2


def test_a_record_in_use_stays(world: World) -> None:
    """Until the record that refers to it is changed; one that refers to itself may go."""
    client = world.client
    make(client, "/api/makers")
    make(client, maker_id=1)
    detail = fails(world, client.simulate_delete("/api/makers/1"), "record-in-use")["detail"]
    assert "gadgets refer to it" in detail
    client.simulate_patch(f"{PATH}/1", json={"maker_id": None, "parent_id": 1})
    assert client.simulate_delete("/api/makers/1").status_code == 200
    assert client.simulate_delete(f"{PATH}/1").status_code == 200


def test_another_users_private_record_is_as_good_as_none() -> None:
    """A reference to it tells nothing."""
    world = make_world("private", collections=GADGETS_ON_THE_WIRE)
    alice, bob = world.as_user("alice"), world.as_user("bob")
    make(alice, "/api/makers")
    answers = [bob.simulate_post(PATH, json=LEAST | {"maker_id": each}) for each in (1, 99)]
    for answer in answers:
        fails(world, answer, "invalid-gadget")
    assert answers[0].json["errors"]["maker_id"][0].replace("1", "99") in answers[1].text
    make(alice, maker_id=1)


def test_codes_and_sentences_have_the_collections_name(world: World) -> None:
    """Also those that are about no field."""
    client = world.client
    detail = fails(world, client.simulate_get("/api/makers/7"), "maker-not-found")["detail"]
    assert detail.startswith("There is no maker 7.")
    fails(world, client.simulate_put("/api/makers/7", json={}), "invalid-maker")
    nowhere = fails(world, client.simulate_get(ROUTE), "route-not-found")["detail"]
    assert "Gadgets are at /api/gadgets, Makers are at /api/makers" in nowhere
    empty = client.simulate_post(PATH, headers={"Content-Type": "application/json"})
    assert 'such as {"name": "hello"}' in fails(world, empty, "malformed-json")["detail"]
    unknown = client.simulate_post(PATH, json={"name": "a", "colour": 1})
    assert unknown.json["errors"] == {"colour": ["is no field of a gadget; leave it out."]}


def test_an_idempotency_key_is_one_for_all_collections(world: World) -> None:
    """The same key on another path is another request."""
    headers = {"Idempotency-Key": "one"}
    first = world.client.simulate_post(PATH, json=LEAST, headers=headers)
    again = world.client.simulate_post(PATH, json=LEAST, headers=headers)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    other = world.client.simulate_post("/api/makers", json=LEAST, headers=headers)
    fails(world, other, "idempotency-key-reused")


def test_the_document_describes_every_collection(world: World) -> None:
    """With names of its own, the bounds of its rules, and examples that are correct."""
    document = world.client.simulate_get("/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    operations = {
        operation["operationId"]
        for path in (PATH, f"{PATH}/{{gadget_id}}", f"{PATH}/bulk")
        for operation in document["paths"][path].values()
    }
    assert {"listGadgets", "createGadget", "getGadget", "exportGadgets"} <= operations
    draft = document["components"]["schemas"]["GadgetDraft"]
    assert draft["required"] == ["name"]
    properties = draft["properties"]
    assert properties["rank"]["type"] == ["integer", "null"]
    assert (properties["rank"]["minimum"], properties["rank"]["maximum"]) == (1, 10)
    assert properties["price"] == {
        "type": "string",
        "format": "decimal",
        "pattern": r"^-?[0-9]+\.[0-9]{2}$",
        "x-default": "1.00",
    }
    assert properties["finish"]["enum"] == ["matt", "gloss", None]
    assert properties["color"]["enum"] == ["red", "blue"]
    assert properties["tags"]["maxItems"] == 3
    patch = document["components"]["schemas"]["GadgetPatch"]
    assert "required" not in patch
    assert not any("x-default" in field for field in patch["properties"].values())
    example = document["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    for _ in range(7):  # the records that the example refers to
        make(world.client, "/api/makers", name=f"maker {_}")
        make(world.client)
    created = world.client.simulate_post(PATH, json=example["example"])
    assert created.status_code == 201, created.text


def test_problem_pages_are_about_the_collections_that_are_served() -> None:
    """Of several, a page that is about none in particular speaks of records."""
    items, both = make_world().parts.problems, make_world(collections=GADGETS_ON_THE_WIRE)
    problems = both.parts.problems
    assert "value-taken" not in items
    assert "record-in-use" not in items
    assert {"invalid-gadget", "maker-not-found", "value-taken", "record-in-use"} <= {*problems}
    assert not {INVALID, NOT_FOUND} & {*problems}
    assert problems["version-mismatch"].title == "The record has changed meanwhile"
    assert items["version-mismatch"].title == f"The {NAME} has changed meanwhile"
    for problem in problems.values():
        text = problem.fails + problem.mended + problem.meaning + problem.cause
        assert ROUTE not in text
        assert set(re.findall(r"{\w+}", text)) <= {"{url}"}


def test_a_filter_named_like_a_parameter_is_a_fault() -> None:
    """A sentence names the collection and the filter."""
    faults = [*wire_faults(MAKERS, MakerSchema, {"limit": Filter("name"), "x": Filter("y")})]
    assert len(faults) == 2
    assert all("makers" in fault for fault in faults)
    assert ITEMS_ON_THE_WIRE[0].plural == PLURAL


def test_a_filter_cannot_search_another_field_than_q_does() -> None:
    """A database would look through the one column that it has for searches."""
    schema = type("Other", (RecordSchema,), {n: field(GADGETS, n) for n in GADGETS.fields})
    [fault] = wire_faults(GADGETS, schema, {"noted": Filter("note", Operator.CONTAINS)})
    assert fault.endswith("has a filter noted that searches note, not its search field.")
    named = {"named": Filter(GADGETS.search or "", Operator.CONTAINS)}
    assert list(wire_faults(GADGETS, schema, named)) == []
