"""The console, the docs, and the files that they consist of.

They change only when the server is updated.
"""

import html
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import falcon

from datas.http.content import Content
from datas.http.operation import content_operation
from datas.http.parts import Parts
from datas.http.problems import fill

WEB = Path(__file__).parent.parent / "web"

# A page loads scripts and styles, and sends requests, from and to this server alone. It has no
# inline script or style.
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
    """A file, which is read at the first request for it and then kept in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._media_type = MEDIA_TYPES[path.suffix]
        self.produces = (self._media_type,)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._content.write(req, resp)

    @cached_property
    def _content(self) -> Content:
        return Content(self._path.read_bytes(), f"{self._media_type}; charset=utf-8")


class Layout:
    """What all pages of an app share: the name of what is served, and the header.

    In their HTML files `{root}` stands for the path where the app is mounted. Relative addresses
    would break: a page is the same with and without a slash at its end.
    """

    def __init__(self, parts: Parts) -> None:
        header = (WEB / "header.html").read_text(encoding="utf-8")
        if not parts.console:
            header = header.replace('<a href="{root}/">Console</a>\n', "")
            header = header.replace('"{root}/"', '"{root}/problems"')
        self._header, self._title = header, html.escape(parts.title)

    def fill(self, text: str, path: str, root_path: str) -> str:
        """The text of a page that the header names by this path."""
        here = f'<a href="{{root}}{path}"'
        header = self._header.replace(here, f'{here} aria-current="page"')
        words = {"header": header, "title": self._title, "root": html.escape(root_path)}
        return fill(text, words)


class PageResource(FileResource):
    def __init__(
        self, layout: Layout, address: str, path: Path, operation_id: str, summary: str
    ) -> None:
        super().__init__(path)
        self._layout, self._address = layout, address
        answer = {falcon.MEDIA_HTML: {"schema": "Page"}}
        self.operations = {"GET": content_operation(operation_id, summary, answer)}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.set_header("Content-Security-Policy", POLICY)
        text = self._layout.fill(self._text, self._address, req.root_path)
        Content(text.encode(), falcon.MEDIA_HTML).write(req, resp)

    @cached_property
    def _text(self) -> str:
        return self._path.read_text(encoding="utf-8")


def page_files(page: str) -> dict[str, object]:
    """The styles, scripts and texts in a page's folder."""
    files = (path for path in (WEB / page).iterdir() if path.suffix != ".html")
    return {f"/{page}/{path.name}": FileResource(path) for path in files}


def look_routes() -> dict[str, object]:
    """The style and the icon that all pages share. Browsers ask for the icon unasked, by a name."""
    icon = FileResource(WEB / "icon.svg")
    return {"/look.css": FileResource(WEB / "look.css"), "/icon.svg": icon, "/favicon.ico": icon}


def console_routes(layout: Layout) -> dict[str, object]:
    summary = "The console: lessons, records, and every exchange as it was"
    page = PageResource(layout, "/", WEB / "console" / "index.html", "getConsole", summary)
    return {"/": page, **page_files("console")}


def docs_routes(layout: Layout) -> dict[str, object]:
    """Swagger UI and its files. All of them are installed with the server."""
    # It is always installed; an import of it would load ten megabytes of text.
    swagger = Path(find_spec("offapi").origin).parent  # type: ignore[union-attr,arg-type]
    summary = "This document as a page, to read and to try"
    return {
        "/docs": PageResource(layout, "/docs", WEB / "docs" / "index.html", "getDocs", summary),
        "/docs/swagger_bundle.js": FileResource(swagger / "swagger_bundle.js"),
        "/docs/swagger_style.css": FileResource(swagger / "swagger_style.css"),
        **page_files("docs"),
    }
