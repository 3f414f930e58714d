"""`/problems` and `/problems/{code}`: the pages that the `type` of an error opens."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from xml.etree import ElementTree as ET

import falcon
import orjson

from datas.http.content import Content
from datas.http.errors import Refusal
from datas.http.middleware import preferred
from datas.http.operation import ANYWHERE, Operation, content_operation
from datas.http.problems import Problem
from datas.http.resources.pages import POLICY, WEB, FileResource, Layout

_FOLDER = WEB / "problems"
_PRODUCES = (falcon.MEDIA_HTML, falcon.MEDIA_JSON)
# Examples that write records, and that need the first record of an empty server.
_WRITES = re.compile(r"/api/(?!users|tokens)\S* .*(--json|-d) ")
_NEEDS_FIRST = re.compile(r"/api/[a-z0-9_-]+/1\b")


def _operation(operation_id: str, summary: str, schema: str) -> Operation:
    answer = {falcon.MEDIA_HTML: {"schema": "Page"}, falcon.MEDIA_JSON: {"schema": schema}}
    return replace(content_operation(operation_id, summary, answer), headers=("ETag", "Vary"))


# What a problem is about, by its status; other statuses are about what was sent.
_GROUPS = {
    "What the request says": (),
    "Who may do it": (401, 403, 429),
    "What is stored": (404, 409, 410, 412),
    "The server": (500, 502, 503, 504),
}


def _group(status: int) -> str:
    groups = (name for name, statuses in _GROUPS.items() if status in statuses)
    return next(groups, next(iter(_GROUPS)))


class _Resource:
    produces = _PRODUCES

    def __init__(self, layout: Layout, problems: Mapping[str, Problem]) -> None:
        self._layout = layout
        self._problems = problems

    def _page(self, req: falcon.Request, name: str) -> "Page":
        text = (_FOLDER / name).read_text(encoding="utf-8")
        return Page(self._layout.fill(text, "/problems", req.root_path))


class ProblemsResource(_Resource):
    operations = {"GET": _operation("listProblems", "The kinds of errors", "ProblemIndex")}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        page, index, lists = self._page(req, "index.html"), [], {}
        for name in _GROUPS:
            section = ET.SubElement(page["groups"], "section")
            ET.SubElement(section, "h2").text = name
            lists[name] = ET.SubElement(section, "ul")
        for problem in self._problems.values():
            path = _path(req, problem.code)
            index.append({"type": path, "status": problem.status, "title": problem.title})
            row = ET.SubElement(lists[_group(problem.status)], "li")
            row.text = f"{problem.status} "
            link = ET.SubElement(row, "a", href=path)
            link.text, link.tail = problem.title, " "
            ET.SubElement(row, "code", {"class": "soft"}).text = problem.code
            _fill_prose(ET.SubElement(row, "p", {"class": "soft"}), problem.meaning)
        _answer(req, resp, {"problems": index}, page)


class ProblemResource(_Resource):
    """One problem: what happened, why, a request that fails, and the same request mended."""

    _summary = "A kind of error: what happened, why, and the request mended"
    operations = {
        "GET": replace(
            _operation("getProblem", _summary, "ProblemPage"),
            problems=(*ANYWHERE, "route-not-found"),
        )
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response, code: str) -> None:
        """Raises: Refusal (`route-not-found`)."""
        if code not in self._problems:
            detail = f"No problem has the code {code[:80]!r}. {_path(req)} lists all."
            raise Refusal("route-not-found", detail)
        problem = self._problems[code].at(req.prefix)
        page = self._page(req, "problem.html")
        _fill(page, problem)
        _answer(req, resp, asdict(problem), page)


def problem_routes(layout: Layout, problems: Mapping[str, Problem]) -> dict[str, object]:
    files = {
        f"/problems/{name}": FileResource(_FOLDER / name) for name in ("style.css", "search.js")
    }
    return files | {
        "/problems": ProblemsResource(layout, problems),
        "/problems/{code}": ProblemResource(layout, problems),
    }


class Page:
    """An HTML page, whose elements are found by id, filled, or removed.

    It is well-formed XML too. What is filled in is escaped when the page is written.
    """

    def __init__(self, text: str) -> None:
        self._root = ET.fromstring(text)  # noqa: S314 (our own file)
        self._by_id = {element.get("id", ""): element for element in self._root.iter()}

    def __getitem__(self, element_id: str) -> ET.Element:
        return self._by_id[element_id]

    def lines(self, element_id: str, text: str) -> None:
        """Fill an element with lines for a shell. Long ones wrap, and copies have no break."""
        for line in text.splitlines():
            ET.SubElement(self[element_id], "span").text = f"{line}\n"

    def html(self) -> bytes:
        text: str = ET.tostring(self._root, "unicode", method="html")
        return f"<!doctype html>\n{text}".encode()


def _fill(page: Page, problem: Problem) -> None:
    examples = problem.fails + problem.mended
    page["page-title"].text = f"{problem.title} - {page['page-title'].text}"
    page["description"].set("content", problem.meaning.replace("`", ""))
    page["title"].text = problem.title
    page["status"].text = falcon.code_to_http_status(problem.status)
    page["code"].text = problem.code
    _fill_prose(page["meaning"], problem.meaning)
    _fill_prose(page["cause"], problem.cause)
    for name in ("server", "fails", "mended"):
        page.lines(name, getattr(problem, name))
    conditions = {
        "with-server": problem.server,
        "with-fails": problem.fails,
        "without-fails": not problem.fails,
        "on-server-side": not problem.fails,
        "with-writes": not problem.server and _WRITES.search(examples),
        "with-record": _NEEDS_FIRST.search(problem.mended),
        "with-json": "--json" in examples,
    }
    for element_id, is_shown in conditions.items():
        if not is_shown:
            page["main"].remove(page[element_id])
    page["reference"].text = problem.reference["title"]
    page["reference"].set("href", problem.reference["url"])


def _fill_prose(element: ET.Element, text: str) -> None:
    """Fill an element with text, and show what stands in backticks as code."""
    element.text, *rest = text.split("`")
    for code, tail in zip(rest[::2], rest[1::2], strict=True):
        child = ET.SubElement(element, "code")
        child.text, child.tail = code, tail


def _path(req: falcon.Request, code: str = "") -> str:
    """The path of a problem's page, or of the page that lists all."""
    return f"{req.root_path}/problems{'/' if code else ''}{code}"


def _answer(
    req: falcon.Request, resp: falcon.Response, media: Mapping[str, Any], page: Page
) -> None:
    """Send the page or the JSON, as the client's Accept prefers, or 304 if the client has it."""
    resp.set_header("Vary", "Accept")
    if preferred(req, _PRODUCES) == falcon.MEDIA_JSON:
        content = Content(orjson.dumps(media), falcon.MEDIA_JSON)
    else:
        content = Content(page.html(), falcon.MEDIA_HTML)
        resp.set_header("Content-Security-Policy", POLICY)
    content.write(req, resp)
