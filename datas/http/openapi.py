"""The OpenAPI 3.1 document, from the routes and the schemas that run (https://spec.openapis.org/)."""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from datas import __version__
from datas.domain.rules import MAX_INTEGER
from datas.http.errors import MAX_FAULTS, MEDIA_PROBLEM
from datas.http.operation import About, Operation
from datas.http.problems import Problem
from datas.http.request import shown_route
from datas.http.schemas import INT64, OpenSchema

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


class LineErrorSchema(OpenSchema):
    """A line at fault."""

    line = fields.Integer(required=True, metadata=INT64)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class ProblemSchema(OpenSchema):
    """An error (RFC 9457), with the envelope's `success` and `msg`."""

    type = fields.String(required=True, metadata={"description": "What kind it is: a page."})
    title = fields.String(required=True)
    status = fields.Integer(required=True, metadata=INT64)
    detail = fields.String(required=True, metadata={"description": "What happened; what to do."})
    success = fields.Boolean(required=True, metadata={"description": "Always false."})
    msg = fields.String(required=True, metadata={"description": "The same text as `detail`."})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={
            "description": f"The texts for each field, parameter or header at fault; {MAX_FAULTS} "
            "of them at most."
        },
    )
    line_errors = fields.List(
        fields.Nested(LineErrorSchema),
        metadata={"description": "The first hundred lines at fault, of a bulk body."},
    )
    line_error_count = fields.Integer(
        metadata={**INT64, "description": "How many lines are at fault."}
    )
    request_id = fields.String(required=True)


def openapi_document(
    about: About, routes: Mapping[str, object], root_path: str = ""
) -> dict[str, Any]:
    """The document of an app with these routes (path template to resource), mounted there.

    Every schema that an operation names becomes a component. Files that a page consists of have
    no operations, and are left out.
    """
    tables = "one table" if len(about.plurals) == 1 else "tables"
    summary = f"A small HTTP API over {tables} of {' and '.join(about.plurals)}."
    description = (
        "JSON in and out. A success is an envelope of `success`, `msg` and `data`; an error is a "
        "problem (RFC 9457), whose `detail` says what to do. Lists come in pages: follow `next`. "
        "ETags and If-Match keep two writers apart; an Idempotency-Key makes a retry safe."
    )
    tags = {each: f"The collection and its {each}." for each in about.plurals} | {
        "users": "Who is who, and the tokens that stand for them.",
        "system": "What monitors and tools ask.",
    }
    spec = APISpec(
        title=about.title,
        version=__version__,
        openapi_version="3.1.1",
        info={
            "summary": summary,
            "description": description,
            "contact": {"name": "The Datas authors"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        servers=[{"url": root_path or "/"}],
        tags=[{"name": name, "description": text} for name, text in tags.items()],
        plugins=[MarshmallowPlugin()],
    )
    _add_components(spec, routes.values())
    for route, resource in routes.items():
        if operations := getattr(resource, "operations", {}):
            path = _Path(shown_route(route), about, spec)
            spec.path(path.template, operations=path.item(operations, resource))
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


class _Path:
    """Describes the methods of one path."""

    def __init__(self, template: str, about: About, spec: APISpec) -> None:
        self.template = template
        self._access, self._problems = about.access, about.problems
        self._components = spec.components

    def item(self, operations: Mapping[str, Operation], resource: object) -> dict[str, Any]:
        """https://spec.openapis.org/oas/v3.1.1#path-item-object"""
        item = {verb.lower(): self._operation(each) for verb, each in operations.items()}
        for verb, action in getattr(resource, "actions", {}).items():
            optional = action is None or action in self._access.free
            if verb == "GET" and not optional:
                _vary(item["get"])
            choices: list[dict[str, list[str]]] = [*([{}] if optional else []), {"token": []}]
            # Without an action no token is needed: one that is sent is only checked.
            item[verb.lower()]["security"] = choices if action else []
        if "get" in item:
            item["head"] = self._head(item["get"], operations["GET"].problems)
        item["options"] = self._options(next(iter(operations.values())))
        return item

    def _options(self, operation: Operation) -> dict[str, Any]:
        """What OPTIONS says of an address, whether there is something at it or not."""
        problems = ["misdirected-request", "invalid-header"]
        parameters = self._parameters()
        for parameter in parameters:
            if parameter["name"] == "code":
                parameter |= {"schema": {"type": "string", "minLength": 1}, "example": "forbidden"}
            else:
                problems.append("route-not-found")
        return {
            "operationId": f"{operation.id}Options",
            "summary": "Which methods are possible here",
            "tags": [operation.tag],
            "parameters": parameters,
            "responses": {"204": _answer("The methods, in Allow", ("Allow",))}
            | self._refusals(problems),
        }

    def _operation(self, operation: Operation) -> dict[str, Any]:
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
            "parameters": self._parameters() + [dict(it) for it in operation.parameters],
            "responses": responses | self._refusals(operation.problems),
        }
        if operation.body:
            described["requestBody"] = {"required": True, "content": dict(operation.body)}
        return copy.deepcopy(described)

    def _parameters(self) -> list[dict[str, Any]]:
        code = {"schema": {"type": "string", "enum": list(self._problems)}}
        number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_INTEGER}
        return [
            {"name": name, "in": "path", "required": True}
            | (code if name == "code" else {"schema": number, "example": 7})
            for name in re.findall(r"{(\w+)}", self.template)
        ]

    def _head(self, get: dict[str, Any], problems: Iterable[str]) -> dict[str, Any]:
        """GET without bodies."""
        successes = {
            status: {name: value for name, value in answer.items() if name != "content"}
            for status, answer in get["responses"].items()
            if "$ref" not in answer
        }
        name = get["operationId"]
        return copy.deepcopy(get) | {
            "operationId": f"{name}Head",
            "summary": f"{get['summary']}: the headers alone",
            "responses": successes | self._refusals(problems, suffix="Head"),
        }

    def _refusals(self, codes: Iterable[str], *, suffix: str = "") -> dict[str, Any]:
        """A response for each status, which names its problems; many operations share it."""
        found = [self._problems[code] for code in set(codes)]
        found.sort(key=lambda it: (it.status, it.code))
        responses = {}
        for status, group in groupby(found, key=lambda it: it.status):
            kinds = list(group)
            name = "Or".join(kind.code.title().replace("-", "") for kind in kinds) + suffix
            if name not in self._components.responses:
                self._components.response(name, _refusal(status, kinds, with_body=not suffix))
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
        return responses


def _refusal(status: int, kinds: Sequence[Problem], *, with_body: bool) -> dict[str, Any]:
    """Generated clients get one class for all problems, so the codes stand beside its schema."""
    description = "; ".join(f"{kind.title} (`{kind.code}`)" for kind in kinds)
    answer = _answer(description, _PROBLEM_HEADERS.get(status, ()))
    answer["x-problems"] = [kind.code for kind in kinds]
    if with_body:
        schema = {"$ref": "#/components/schemas/Problem"}
        answer["content"] = {MEDIA_PROBLEM: {"schema": schema}}
    return answer


def _vary(operation: dict[str, Any]) -> None:
    """Say that its answers depend on who asks."""
    for status, answer in operation["responses"].items():
        if int(status) < HTTPStatus.BAD_REQUEST:
            answer["headers"]["Vary"] = {"$ref": "#/components/headers/Vary"}


def _answer(description: str, headers: tuple[str, ...]) -> dict[str, Any]:
    names = ("X-Request-Id", *headers)
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": description, "headers": references}


_PROBLEM_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
