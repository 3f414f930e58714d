"""`/docs`: Swagger UI, from files installed with the server; nothing comes from outside."""

import html
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import falcon

from datas.http.content import Content

_OUR_SCRIPT = Path(__file__).parent.parent / "web" / "docs.js"
# All that the page loads, and the media type of each.
DOCS_FILES = {
    "swagger_style.css": "text/css",
    "swagger_bundle.js": "text/javascript",
    "init.js": "text/javascript",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Addresses are made from where the app is mounted: relative ones would break at `/docs/`.
_PAGE = """<!DOCTYPE html>
<html lang="en" data-document="{root}/openapi.json">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Datas: the API, to read and to try</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/docs/swagger_style.css">
<script defer src="{root}/docs/swagger_bundle.js"></script>
<script defer src="{root}/docs/init.js"></script>
</head>
<body>
<noscript>This page needs JavaScript. What it would show is written in
<a href="{root}/openapi.json">openapi.json</a>.</noscript>
<div id="swagger-ui"></div>
</body>
</html>
"""


class DocsResource:
    """The page."""

    produces = ("text/html",)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The same for everyone; it differs by where the app is mounted alone."""
        resp.content_type = falcon.MEDIA_HTML
        resp.text = _PAGE.format(root=html.escape(req.root_path))
        resp.set_header("Cache-Control", "no-cache")
        resp.set_header("Content-Security-Policy", _POLICY)


class DocsFileResource:
    """One of `DOCS_FILES`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.produces = (DOCS_FILES[name],)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The file, or word that it hasn't changed (304)."""
        self._content.write(req, resp)

    @cached_property
    def _content(self) -> Content:
        """Read at the first use, then kept: it can't change while the server runs."""
        path = _OUR_SCRIPT if self._name == "init.js" else _swagger_folder() / self._name
        return Content(path.read_bytes(), f"{DOCS_FILES[self._name]}; charset=utf-8")


def _swagger_folder() -> Path:
    """Where `offapi` keeps its files. Importing it would load ten megabytes of text."""
    spec = find_spec("offapi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("offapi is not installed, and /docs is made of its files.")
    return Path(spec.origin).parent
