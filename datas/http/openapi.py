"""The OpenAPI 3.1 document, from the routes and the schemas that run (https://spec.openapis.org/)."""

import copy
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import EXCLUDE

from datas import __version__
from datas.domain.access import Access
from datas.domain.items import Item
from datas.http.errors import MEDIA_PROBLEM
from datas.http.operations import HEADERS, OPERATIONS, Operation
from datas.http.params import MAX_ID
from datas.http.problems import PROBLEMS
from datas.http.request import shown_route
from datas.http.resources.files import FileResource
from datas.http.schemas import (
    READ_ONLY,
    WRITABLE,
    BulkAnswerSchema,
    CredentialsSchema,
    DoneSchema,
    HealthSchema,
    ItemAnswerSchema,
    ItemPageSchema,
    ItemSchema,
    NewTokenAnswerSchema,
    PasswordChangeSchema,
    ProblemIndexSchema,
    ProblemPageSchema,
    ProblemSchema,
    RegistrationSchema,
    TokenListSchema,
    UserAnswerSchema,
    dump_item,
)
from datas.http.streams import Csv, Ndjson

_VERBS = ("get", "post", "put", "patch", "delete")
_TIME = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
EXAMPLE = dump_item(Item(7, "hello", _TIME, _TIME, version=1))


def openapi_document(
    routes: Mapping[str, object], access: Access, root_path: str = ""
) -> dict[str, Any]:
    """The document of an app with these routes (path template to resource), mounted there."""
    spec = APISpec(
        title="Datas",
        version=__version__,
        openapi_version="3.1.1",
        info={"summary": "A small HTTP API over one table of items.", "license": {"name": "MIT"}},
        tags=[
            {"name": "items", "description": "The collection and its items."},
            {"name": "users", "description": "Who is who, and the tokens that stand for them."},
            {"name": "system", "description": "What monitors and tools ask."},
        ],
        plugins=[MarshmallowPlugin()],
        **({"servers": [{"url": root_path}]} if root_path else {}),
    )
    _add_components(spec)
    for route, resource in routes.items():
        if isinstance(resource, FileResource):
            continue  # a page is made of it
        path = shown_route(route)
        described = {
            verb: OPERATIONS[path, verb.upper()]
            for verb in _VERBS
            if hasattr(resource, f"on_{verb}")
        }
        item = _path_item(path, described)
        for verb, action in getattr(resource, "actions", {}).items():
            # Without an action the operation needs no token; one that is sent is checked.
            optional = action is None or action in access.free
            if verb == "GET" and not optional:
                _vary(item["get"])
            item[verb.lower()]["security"] = [*([{}] if optional else []), {"token": []}]
        if "get" in item:
            item["head"] = _head(item["get"])
        spec.path(path, operations=item)
    return spec.to_dict()


def _add_components(spec: APISpec) -> None:
    spec.components.schema("Item", schema=ItemSchema(unknown=EXCLUDE))
    # An answer has every field; of a request `ItemDraft` says what is needed.
    item = spec.components.schemas["Item"]
    item["required"] = list(item["properties"])
    spec.components.schema("ItemDraft", schema=ItemSchema(only=WRITABLE))
    spec.components.schema("ItemPatch", schema=ItemSchema(only=WRITABLE, partial=True))
    ignored = {name: {"description": "Ignored."} for name in sorted(READ_ONLY)}
    # Not a reference into another schema, which generators of clients don't follow.
    draft = spec.components.schemas["ItemDraft"]
    spec.components.schema(
        "ItemReplacement",
        {
            "type": "object",
            "properties": draft["properties"] | ignored,
            "required": draft["required"],
            "additionalProperties": False,
        },
    )
    spec.components.schema("ItemAnswer", schema=ItemAnswerSchema)
    spec.components.schema("ItemPage", schema=ItemPageSchema)
    lines = "Items, one a line: JSON objects, or values under a header."
    spec.components.schema("ItemLines", {"type": "string", "description": lines})
    spec.components.schema("BulkAnswer", schema=BulkAnswerSchema)
    spec.components.schema("Registration", schema=RegistrationSchema)
    spec.components.schema("Credentials", schema=CredentialsSchema)
    spec.components.schema("PasswordChange", schema=PasswordChangeSchema)
    spec.components.schema("UserAnswer", schema=UserAnswerSchema)
    spec.components.schema("NewTokenAnswer", schema=NewTokenAnswerSchema)
    spec.components.schema("TokenList", schema=TokenListSchema)
    spec.components.schema("Done", schema=DoneSchema)
    spec.components.schema("Health", schema=HealthSchema)
    spec.components.schema("OpenApi", {"type": "object", "required": ["openapi", "paths"]})
    spec.components.schema("Page", {"type": "string", "description": "A page for people."})
    spec.components.schema("ProblemIndex", schema=ProblemIndexSchema)
    spec.components.schema("ProblemPage", schema=ProblemPageSchema)
    spec.components.schema("Problem", schema=ProblemSchema)
    scheme = {"type": "http", "scheme": "bearer", "description": "A token of `POST /api/tokens`."}
    spec.components.security_scheme("token", scheme)
    for name, (description, schema, required) in HEADERS.items():
        header = {"description": description, "schema": dict(schema), "required": required}
        spec.components.header(name, header)


def _path_item(path: str, operations: Mapping[str, Operation]) -> dict[str, Any]:
    item = {verb: _operation(path, operation) for verb, operation in operations.items()}
    item["options"] = _options(path, next(iter(operations.values())))
    return item


def _options(path: str, operation: Operation) -> dict[str, Any]:
    """What OPTIONS says of an address, whether there is something at it or not."""
    problems = ["misdirected-request", "invalid-header"]
    parameters = _path_parameters(path)
    for parameter in parameters:
        if parameter["name"] == "code":
            parameter["schema"] = {"type": "string", "minLength": 1}
        else:
            problems.append("route-not-found")
    return {
        "operationId": f"{operation.id}Options",
        "summary": "Which methods are possible here",
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": {"204": _answer("The methods, in Allow", ("Allow",))} | _problems(problems),
    }


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    success = _answer(operation.status.phrase, operation.headers)
    success["content"] = {
        media_type: _content(operation.id, name) for media_type, name in operation.content.items()
    }
    if operation.links:
        success["links"] = _links()
    responses = {str(operation.status.value): success}
    if operation.dry_run:
        checked = _answer("Every line is good; none was stored", ())
        responses["200"] = checked | {"content": success["content"]}
    if operation.not_modified:
        responses["304"] = _answer("The client has this version already", ("ETag",))
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _path_parameters(path) + [dict(it) for it in operation.parameters],
        "responses": responses | _problems(operation.problems),
    }
    if operation.body:
        described["requestBody"] = {
            "required": True,
            "content": {
                media_type: {
                    "schema": {"$ref": f"#/components/schemas/{name}"},
                    "example": LINES.get(media_type) or BODIES[name],
                }
                for media_type, name in operation.body.items()
            },
        }
    return described


def _content(operation_id: str, name: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    if operation_id in MESSAGES:
        content["example"] = {"success": True, "msg": MESSAGES[operation_id], "data": EXAMPLE}
    if name == "ItemPage":
        content["example"] |= {"data": [EXAMPLE], "next": None}
    return content


def _vary(operation: dict[str, Any]) -> None:
    """Say that its answers depend on who asks."""
    for status, answer in operation["responses"].items():
        if int(status) < HTTPStatus.BAD_REQUEST:
            answer["headers"]["Vary"] = {"$ref": "#/components/headers/Vary"}


BODIES = {
    "ItemDraft": {"data": "hello"},
    "ItemReplacement": {"data": "hello"},
    "ItemPatch": {"data": "hello"},
    "Registration": {"username": "alice", "password": "correct horse"},
    "Credentials": {"username": "alice", "password": "correct horse", "label": "laptop"},
    "PasswordChange": {"password": "correct horse", "new_password": "battery staple"},
}

LINES = {
    Ndjson.media_type: '{"data": "tea"}\n{"data": "milk"}\n',
    Csv.media_type: "data\r\ntea\r\nmilk\r\n",
}

MESSAGES = {
    "listItems": "Items found (1)",
    "createItem": "Item [7] successfully created",
    "getItem": "Item [7] found",
    "replaceItem": "Item [7] successfully updated",
    "changeItem": "Item [7] successfully updated",
    "deleteItem": "Item [7] successfully deleted",
}


def _head(get: dict[str, Any]) -> dict[str, Any]:
    """GET without bodies."""
    responses = {
        status: {name: value for name, value in response.items() if name != "content"}
        for status, response in get["responses"].items()
    }
    name = get["operationId"]
    return copy.deepcopy(get) | {
        "operationId": f"{name}Head",
        "summary": f"{get['summary']}: the headers alone",
        "responses": responses,
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    code = {"schema": {"type": "string", "enum": list(PROBLEMS)}}
    number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}
    return [
        {"name": name, "in": "path", "required": True}
        | (code if name == "code" else {"schema": number, "example": 7})
        for name in re.findall(r"{(\w+)}", path)
    ]


def _answer(description: str, headers: tuple[str, ...]) -> dict[str, Any]:
    names = ("X-Request-Id", *headers)
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": description, "headers": references}


_PROBLEM_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    """A response for each status, which names its problems."""
    problems = sorted((PROBLEMS[code] for code in set(codes)), key=lambda it: (it.status, it.code))
    responses = {}
    for status, group in groupby(problems, key=lambda it: it.status):
        kinds = list(group)
        headers = _PROBLEM_HEADERS.get(status, ())
        answer = _answer("; ".join(f"{kind.title} (`{kind.code}`)" for kind in kinds), headers)
        codes_here = "|".join(kind.code for kind in kinds)
        schema = {
            "allOf": [{"$ref": "#/components/schemas/Problem"}],
            "properties": {
                "status": {"const": status},
                "type": {"pattern": f"/problems/({codes_here})$"},
            },
        }
        answer["content"] = {MEDIA_PROBLEM: {"schema": schema}}
        responses[str(status)] = answer
    return responses


def _links() -> dict[str, Any]:
    """What can be done with what was created."""
    return {
        operation: {"operationId": operation, "parameters": {"item_id": "$response.body#/data/id"}}
        for operation in ("getItem", "replaceItem", "changeItem", "deleteItem")
    }
