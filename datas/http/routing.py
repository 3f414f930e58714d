"""Falcon's router, with HEAD wherever GET is, OPTIONS everywhere, and ids of 63 bits."""

import re
from typing import Any

import falcon
from falcon.routing import BaseConverter, CompiledRouter

from datas.domain.rules import MAX_INTEGER

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class IdConverter(BaseConverter):
    """An id in a path: plain digits, no sign, no leading zero, at most 2^63-1."""

    def convert(self, value: str) -> int | None:
        if _ID.fullmatch(value) and (record_id := int(value)) <= MAX_INTEGER:
            return record_id
        return None


def answer_options(req: falcon.Request, resp: falcon.Response, **_: object) -> None:
    """`OPTIONS *`, which is about the server as a whole (RFC 9110 §9.3.7)."""
    if req.method not in falcon.COMBINED_METHODS:
        raise falcon.HTTPBadRequest  # as Falcon does at every route
    if req.method != "OPTIONS":
        raise falcon.HTTPMethodNotAllowed(["OPTIONS"])
    resp.status = falcon.HTTP_204
    resp.set_header("Allow", "OPTIONS")


class Router(CompiledRouter):
    def __init__(self) -> None:
        super().__init__()
        self.options.converters["id"] = IdConverter

    def map_http_methods(self, resource: object, **kwargs: Any) -> Any:
        methods: dict[str, Any] = dict(super().map_http_methods(resource, **kwargs))
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
        allow = ", ".join(sorted({*methods, "OPTIONS"}))

        def on_options(req: falcon.Request, resp: falcon.Response, **_: object) -> None:
            resp.status = falcon.HTTP_204
            resp.set_header("Allow", allow)

        methods["OPTIONS"] = on_options
        return methods
