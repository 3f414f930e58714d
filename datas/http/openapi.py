"""The OpenAPI 3.1 document, from the routes and the schemas that run (https://spec.openapis.org/).

`openapi.json` beside this file has the parts that no code needs.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from falcon import MEDIA_JSON

from datas import __version__
from datas.domain.rules import MAX_INTEGER
from datas.http.errors import MEDIA_PROBLEM
from datas.http.operation import IF_NONE_MATCH, Operation
from datas.http.parts import Parts
from datas.http.problems import Problem
from datas.http.request import shown_route
from datas.http.resources.records_openapi import components

_SKELETON = Path(__file__).with_name("openapi.json")
_PROBLEM_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def openapi_document(
    parts: Parts, routes: Mapping[str, object], root_path: str = ""
) -> dict[str, Any]:
    """The document of an app with these routes (path template to resource), mounted there.

    Files that a page consists of have no operations, and are left out.
    """
    plurals = [each.collection.plural for each in parts.collections]
    skeleton = json.loads(_SKELETON.read_text(encoding="utf-8"))
    info, schemas = skeleton["info"], skeleton["components"]["schemas"]
    info["summary"] = f"A small HTTP API for {' and '.join(plurals)}."
    if parts.requests:
        info["description"] += (
            " Explain mode is on: the request header `Fault: delay=2000` (milliseconds), "
            "`Fault: status=503` or `Fault: lose-response` makes any request slow, failed or lost."
        )
    else:
        del schemas["Requests"], schemas["Request"]
    own_tags = [{"name": it, "description": f"The collection and its {it}."} for it in plurals]
    skeleton |= {"servers": [{"url": root_path or "/"}], "tags": own_tags + skeleton["tags"]}
    spec = APISpec(parts.title, __version__, "3.1.1", [MarshmallowPlugin()], **skeleton)
    for each in parts.collections:
        for name, schema in components(each).items():
            given = {"component": schema} if isinstance(schema, dict) else {"schema": schema}
            spec.components.schema(name, **given)
    for route, resource in routes.items():
        if operations := getattr(resource, "operations", None):
            path = _Path(shown_route(route), parts, spec)
            actions = getattr(resource, "actions", {})
            spec.path(path.template, operations=path.item(operations, actions))
    return spec.to_dict()


class _Path:
    def __init__(self, template: str, parts: Parts, spec: APISpec) -> None:
        self.template = template
        self._access, self._problems = parts.access, parts.problems
        self._components = spec.components

    def item(self, operations: Mapping[str, Operation], actions: Mapping[str, Any]) -> Any:
        """https://spec.openapis.org/oas/v3.1.1#path-item-object"""
        item = {verb.lower(): self._operation(each) for verb, each in operations.items()}
        item["options"] = self._options(next(iter(operations.values())))
        if get := operations.get("GET"):
            summary = f"{get.summary}: the headers alone"
            head = replace(get, id=f"{get.id}Head", summary=summary, answer="")
            item["head"] = self._operation(head)
        for verb, action in actions.items():
            optional = action is None or action in self._access.free
            security: list[Any] = [*([{}] if optional else []), {"token": []}]
            for each in ("get", "head") if verb == "GET" else (verb.lower(),):
                item[each]["security"] = security
        return item

    def _options(self, operation: Operation) -> dict[str, Any]:
        """OPTIONS answers at every address of this template, whether or not a record is there."""
        problems = ["misdirected-request", "invalid-header"]
        parameters = self._parameters()
        for parameter in parameters:
            if parameter["name"] == "code":
                parameter |= {"schema": {"type": "string", "minLength": 1}, "example": "forbidden"}
            else:
                problems.append("route-not-found")
        success = {"204": _answer("The methods, in Allow", ("Allow",))}
        return {
            "operationId": f"{operation.id}Options",
            "summary": "Which methods are possible here",
            "tags": [operation.tag],
            "parameters": parameters,
            "responses": success | self._refusals(problems),
        }

    def _operation(self, operation: Operation) -> dict[str, Any]:
        """An operation whose answer is empty, which is HEAD, answers without bodies."""
        content = {}
        if operation.answer:
            content = {"content": _content(operation.answer, operation.answer_example)}
        success = _answer(operation.status.phrase, operation.headers)
        links = {"links": operation.links} if operation.links else {}
        responses = {str(operation.status.value): success | content | links}
        if operation.dry_run:
            responses["200"] = _answer("Every line is good; none was stored", ()) | content
        if IF_NONE_MATCH in operation.parameters:
            responses["304"] = _answer("The client has this version already", ("ETag",))
        refusals = self._refusals(operation.problems, suffix="" if operation.answer else "Head")
        described: dict[str, Any] = {
            "operationId": operation.id,
            "summary": operation.summary,
            "tags": [operation.tag],
            "parameters": [*self._parameters(), *map(dict, operation.parameters)],
            "responses": responses | refusals,
        }
        if operation.body:
            content = _content(operation.body, operation.example)
            described["requestBody"] = {"required": True, "content": content}
        return described

    def _parameters(self) -> list[dict[str, Any]]:
        code = {"schema": {"type": "string", "enum": list(self._problems)}}
        number = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_INTEGER}
        return [
            {"name": name, "in": "path", "required": True}
            | (code if name == "code" else {"schema": number, "example": 7})
            for name in re.findall(r"{(\w+)}", self.template)
        ]

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
    titles = "; ".join(f"{kind.title} (`{kind.code}`)" for kind in kinds)
    answer = _answer(titles, _PROBLEM_HEADERS.get(status, ()))
    answer["x-problems"] = [kind.code for kind in kinds]
    if with_body:
        answer["content"] = {MEDIA_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return answer


def _content(described: Any, example: object) -> dict[str, Any]:
    if isinstance(described, dict):
        return described
    return {MEDIA_JSON: {"schema": described} | ({} if example is None else {"example": example})}


def _answer(description: str, headers: tuple[str, ...]) -> dict[str, Any]:
    names = ("X-Request-Id", *headers)  # apispec makes references of them
    return {"description": description, "headers": dict(zip(names, names, strict=True))}
