"""Pages and the files that they are made of, which change only with the server itself."""

import html
from functools import cached_property
from pathlib import Path

import falcon

from datas.http.content import Content

# Scripts, styles and requests are this server's alone, and none stands inside the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class FileResource:
    """A file, read at its first use and then kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._media_type = MEDIA_TYPES[path.suffix]
        self.produces = (self._media_type,)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The file, or word that it hasn't changed (304)."""
        self._content.write(req, resp)

    @cached_property
    def _content(self) -> Content:
        return Content(self._path.read_bytes(), f"{self._media_type}; charset=utf-8")


class PageResource:
    """An HTML file in which `{root}` stands for where the app is mounted.

    Relative addresses would break: a page is the same with and without a slash at its end.
    """

    produces = ("text/html",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The page, or word that it hasn't changed (304)."""
        resp.set_header("Content-Security-Policy", POLICY)
        text = self._text.replace("{root}", html.escape(req.root_path))
        Content(text.encode(), falcon.MEDIA_HTML).write(req, resp)

    @cached_property
    def _text(self) -> str:
        return self._path.read_text(encoding="utf-8")
