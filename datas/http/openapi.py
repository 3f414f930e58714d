"""The OpenAPI 3.1 document, from the routes and the schemas that run (https://spec.openapis.org/)."""

import copy
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from datas import __version__
from datas.domain.access import Access
from datas.http.errors import MEDIA_PROBLEM
from datas.http.operation import Operation
from datas.http.params import MAX_ID
from datas.http.problems import PROBLEMS
from datas.http.request import shown_route
from datas.http.schemas import ProblemSchema

# The headers of answers: what each says, its schema, and whether it is always there.
HEADERS: dict[str, tuple[str, Mapping[str, Any], bool]] = {
    "X-Request-Id": (
        "The request's id: the client's, or a new one. Logs have it too.",
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        True,
    ),
    "ETag": (
        "The version of what is answered, for If-Match and If-None-Match.",
        {"type": "string", "pattern": '^"[!#-~]+"$'},
        True,
    ),
    "Location": (
        "The path of what was created.",
        {"type": "string", "format": "uri-reference"},
        True,
    ),
    "Link": (
        'The next page, `rel="next"`; absent on the last one.',
        {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
        False,
    ),
    "Vary": ("The request's headers on which the answer depends.", {"type": "string"}, True),
    "Allow": (
        "The methods that are possible here.",
        {"type": "string", "pattern": "^[A-Z]+(, [A-Z]+)*$"},
        True,
    ),
    "WWW-Authenticate": (
        "How to say who one is, and whether it was a token that was no good.",
        {"type": "string", "pattern": "^Bearer "},
        True,
    ),
    "Retry-After": (
        "Seconds to wait before the next try.",
        {"type": "integer", "minimum": 1},
        True,
    ),
    "Idempotency-Replayed": (
        "`true` if this is the answer to an earlier request with this key.",
        {"type": "string", "const": "true"},
        False,
    ),
}


def openapi_document(
    routes: Mapping[str, object], access: Access, root_path: str = ""
) -> dict[str, Any]:
    """The document of an app with these routes (path template to resource), mounted there.

    Every schema that an operation names becomes a component. Files that a page consists of have
    no operations, and are left out.
    """
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
    _add_components(spec, routes.values())
    for route, resource in routes.items():
        if operations := getattr(resource, "operations", {}):
            path = shown_route(route)
            spec.path(path, operations=_path_item(path, operations, resource, access))
    return spec.to_dict()


def _add_components(spec: APISpec, resources: Iterable[object]) -> None:
    page = {"type": "string", "description": "A page for people."}
    components = {"Page": page, "Problem": ProblemSchema}
    for resource in resources:
        components |= getattr(resource, "components", {})
    for name, schema in components.items():
        given = {"component": schema} if isinstance(schema, dict) else {"schema": schema}
        spec.components.schema(name, **given)
    scheme = {"type": "http", "scheme": "bearer", "description": "A token of `POST /api/tokens`."}
    spec.components.security_scheme("token", scheme)
    for name, (description, schema, required) in HEADERS.items():
        header = {"description": description, "schema": dict(schema), "required": required}
        spec.components.header(name, header)


def _path_item(
    path: str, operations: Mapping[str, Operation], resource: object, access: Access
) -> dict[str, Any]:
    item = {verb.lower(): _operation(path, each) for verb, each in operations.items()}
    for verb, action in getattr(resource, "actions", {}).items():
        # Without an action the operation needs no token; one that is sent is checked.
        optional = action is None or action in access.free
        if verb == "GET" and not optional:
            _vary(item["get"])
        item[verb.lower()]["security"] = [*([{}] if optional else []), {"token": []}]
    if "get" in item:
        item["head"] = _head(item["get"])
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
    success["content"] = dict(operation.content)
    if operation.links:
        success["links"] = operation.links
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
        described["requestBody"] = {"required": True, "content": dict(operation.body)}
    return copy.deepcopy(described)


def _vary(operation: dict[str, Any]) -> None:
    """Say that its answers depend on who asks."""
    for status, answer in operation["responses"].items():
        if int(status) < HTTPStatus.BAD_REQUEST:
            answer["headers"]["Vary"] = {"$ref": "#/components/headers/Vary"}


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
