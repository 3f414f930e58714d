"""`/openapi.json`: the document that describes this API to programs."""

from collections.abc import Mapping

import falcon
import orjson

from datas.domain.access import Access
from datas.http.content import Content


class OpenApiResource:
    """The document of the routes that run, made at the first request for it."""

    def __init__(self, routes: Mapping[str, object], access: Access) -> None:
        self._routes = routes
        self._access = access
        self._contents: dict[str, Content] = {}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The document, or word that it hasn't changed (304)."""
        content = self._contents.get(req.root_path)
        if content is None:
            # An app is mounted in one place: this dictionary has one entry.
            content = Content(self.document(req.root_path), falcon.MEDIA_JSON)
            self._contents = {req.root_path: content}
        content.write(req, resp)

    def document(self, root_path: str = "") -> bytes:
        """The document as JSON."""
        # apispec takes a tenth of a second to load, and most workers are never asked.
        from datas.http.openapi import openapi_document  # noqa: PLC0415

        return orjson.dumps(openapi_document(self._routes, self._access, root_path))
