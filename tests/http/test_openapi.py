"""The OpenAPI document: well-formed, complete, and the same wherever it comes from."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from falcon.testing import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from datas.__main__ import main
from datas.http.app import routes
from datas.http.parts import Parts
from datas.http.resources.pages import FileResource
from tests.http.conftest import ITEMS_ON_THE_WIRE, PROBLEMS, Wire, make_world
from tests.http.gadgets import GADGETS_ON_THE_WIRE
from tests.http.openapi_changes import Json, referred

# Nobody's answers: they are given where there is no operation.
OF_NO_OPERATION = {"method-not-allowed", "method-unknown", "injected-fault"}


@pytest.fixture
def document(client: TestClient) -> Json:
    """The document that the app serves."""
    served: Json = client.simulate_get("/openapi.json").json
    return served


def operations(document: Json) -> Iterator[Json]:
    """All operations."""
    for item in document["paths"].values():
        yield from item.values()


def test_the_document_is_openapi_3_1(document: Json) -> None:
    """In every detail that the specification's own schema knows."""
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described_and_nothing_else(document: Json, parts: Parts) -> None:
    """But for the files that pages are made of."""
    described = {
        re.sub(r":\w+}", "}", route)
        for route, resource in routes(parts).items()
        if type(resource) is not FileResource
    }
    assert set(document["paths"]) == described


def test_every_verb_is_described_and_nothing_else(document: Json, client: TestClient) -> None:
    """What OPTIONS allows is what is documented, OPTIONS itself included, and HEAD beside GET."""
    for path, item in document["paths"].items():
        answer = client.simulate_options(re.sub(r"{\w+}", "1", path))
        assert sorted(item) == sorted(answer.headers["Allow"].lower().split(", ")), path
        assert "options" in item
        assert ("head" in item) is ("get" in item)


def test_every_operation_has_a_name_of_its_own(document: Json) -> None:
    """Generated clients call their functions so."""
    names = [it["operationId"] for item in document["paths"].values() for it in item.values()]
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)
    assert len(set(names)) == len(names)


def test_head_is_described_as_get_without_bodies(document: Json) -> None:
    """The same statuses, parameters and headers, and as much of a token."""
    for item in document["paths"].values():
        if "get" not in item:
            continue
        head, get = item["head"], item["get"]
        without_bodies = {
            status: {
                name: it for name, it in referred(document, answer).items() if name != "content"
            }
            for status, answer in get["responses"].items()
        }
        assert without_bodies == {
            status: referred(document, answer) for status, answer in head["responses"].items()
        }
        assert head["parameters"] == get["parameters"]
        assert head.get("security") == get.get("security")


def test_every_problem_is_described(document: Json) -> None:
    """Each code belongs to an operation's answer, and all are listed at the address of pages."""
    answers = document["components"]["responses"].values()
    described = {code for answer in answers for code in answer["x-problems"]}
    assert described == PROBLEMS.keys() - OF_NO_OPERATION
    [code] = document["paths"]["/problems/{code}"]["get"]["parameters"][:1]
    assert code["schema"]["enum"] == list(PROBLEMS)


def test_no_header_has_an_example(document: Json) -> None:
    """Pages that try an API would send it unasked: a fixed key, a version that isn't the item's."""
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "header":
                    assert not {"example", "examples"} & {*parameter, *parameter["schema"]}


def test_the_document_is_sent_once(client: TestClient) -> None:
    """Whoever has it is told so."""
    first = client.simulate_get("/openapi.json")
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    tag = first.headers["ETag"]
    again = client.simulate_get("/openapi.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = client.simulate_get("/openapi.json", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_the_document_names_where_it_is_mounted(client: TestClient, document: Json) -> None:
    """As its one server, with an ETag of its own."""
    assert document["servers"] == [{"url": "/"}]
    mounted = client.simulate_get("/openapi.json", root_path="/v1")
    assert mounted.json == document | {"servers": [{"url": "/v1"}]}
    assert mounted.headers["ETag"] != client.simulate_get("/openapi.json").headers["ETag"]


def walk(node: Any) -> Iterator[Json]:
    """All objects of a document."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(each)


@pytest.mark.parametrize("collections", [[ITEMS_ON_THE_WIRE], GADGETS_ON_THE_WIRE])
def test_generators_of_clients_can_read_the_document(collections: list[Wire]) -> None:
    """What they were seen to refuse, to crash on or to misread, in any collection's schemas."""
    document = json.loads(
        routes(make_world(collections=collections).parts)["/openapi.json"].document()
    )
    assert document["info"]["license"]["identifier"] == "MIT"
    assert document["info"]["contact"] == {"name": "The Datas authors"}
    assert document["info"]["description"]
    assert all(operation.get("summary") for operation in operations(document))
    for schema in walk(document["components"]["schemas"]):
        assert schema.get("type") not in ("null", ["null"]), "a crash of openapi-generator"
        assert True not in schema.get("enum", ()), "compared with the text 'true'"
        assert "default" not in schema, "a property that openapi-typescript requires"
        if "integer" in (schema.get("type") or ()):
            assert schema["format"] == "int64", "32 bits in Java"


def test_parameters_that_can_not_be_guessed_have_an_example(document: Json) -> None:
    """Times, and paths. Pages that try an API send an example: it must leave nothing out."""
    examples = {}
    for operation in operations(document):
        for each in operation["parameters"]:
            if each["in"] == "path" or each["schema"].get("format") == "date-time":
                known = each["schema"].get("enum", [None])[0]
                examples[each["name"]] = each.get("example") or each["schema"].get("example", known)
                assert examples[each["name"]], (operation["operationId"], each["name"])
    assert examples["created_from"] < "2026"
    assert examples["created_to"] > "2099"


def test_the_document_is_small(client: TestClient) -> None:
    """Clients load it whole. What many operations answer stands in it once."""
    assert len(client.simulate_get("/openapi.json").content) < 80_000


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["open", "authenticated", "owner", "private"])
def test_the_command_line_prints_the_same_document(mode: str) -> None:
    """Without a server, to the byte; who may do what is in it."""
    served = make_world(mode).client.simulate_get("/openapi.json").content
    environ = {name: None for name in os.environ if name.startswith("DATAS_")}
    printed = CliRunner().invoke(main, ["openapi"], env=environ | {"DATAS_ACCESS": mode})
    assert (printed.exit_code, printed.stdout_bytes) == (0, served + b"\n")
