"""`/healthz`, `/readyz` and `/openapi.json`: what monitors and tools ask."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import falcon
import orjson

from datas.http.content import Content
from datas.http.errors import RETRY_AFTER, Refusal
from datas.http.operation import Operation, content_operation
from datas.http.parts import Parts

_ALIVE = ("not-acceptable", "invalid-header")
_READY = ("storage-unavailable", "server-stopping", *_ALIVE)


class HealthResource:
    """Alive: the process answers, whatever the database does."""

    operations = {"GET": Operation("getHealth", "Is the process alive?", "Health", problems=_ALIVE)}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok"}


class ReadinessResource:
    """Ready: the database is reachable, its schema is current, and the server isn't stopping."""

    operations = {
        "GET": Operation(
            "getReadiness",
            "Is the database reachable, and its schema current?",
            "Health",
            problems=_READY,
        )
    }

    def __init__(self, check: Callable[[], None], is_draining: Callable[[], bool]) -> None:
        self._check = check
        self._is_draining = is_draining

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raises: StorageUnavailable, Refusal (`server-stopping`)."""
        if self._is_draining():
            detail = (
                "This server was asked to stop, and takes no more requests in a moment. "
                "Send yours to another, or to the next one."
            )
            raise Refusal("server-stopping", detail, headers={"Retry-After": RETRY_AFTER})
        self._check()
        resp.media = {"status": "ok"}


class OpenApiResource:
    """The document of the routes that run, made at the first request for it."""

    operations = {"GET": content_operation("getOpenApi", "This document", "OpenApi")}

    def __init__(self, parts: Parts, routes: Mapping[str, object]) -> None:
        self._parts = parts
        self._routes = routes
        # An app is mounted in one place: there is one content to keep.
        self._content = lru_cache(1)(lambda root: Content(self.document(root), falcon.MEDIA_JSON))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._content(req.root_path).write(req, resp)

    def document(self, root_path: str = "") -> bytes:
        # apispec takes a tenth of a second to load, and few workers are asked for the document.
        from datas.http.openapi import openapi_document  # noqa: PLC0415

        return orjson.dumps(openapi_document(self._parts, self._routes, root_path))
