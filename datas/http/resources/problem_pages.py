"""`/problems` and `/problems/{code}`: the pages that the `type` of an error opens."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import falcon
import orjson

from datas.http.content import Content
from datas.http.errors import Refusal
from datas.http.middleware import preferred
from datas.http.operation import ANYWHERE, Operation, content_operation
from datas.http.problems import Problem
from datas.http.resources.pages import WEB

_FOLDER = WEB / "problems"
_PRODUCES = (falcon.MEDIA_HTML, falcon.MEDIA_JSON)
# Examples that write records, and that need the first record of an empty server.
_WRITES = re.compile(r"/api/(?!users|tokens)\S* .*(--json|-d) ")
_NEEDS_FIRST = re.compile(r"/api/[a-z0-9_-]+/1\b")


def _operation(operation_id: str, summary: str, schema: str) -> Operation:
    answer = {falcon.MEDIA_HTML: {"schema": "Page"}, falcon.MEDIA_JSON: {"schema": schema}}
    return replace(content_operation(operation_id, summary, answer), headers=("ETag", "Vary"))


class _Resource:
    produces = _PRODUCES

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self._problems = problems


class ProblemsResource(_Resource):
    operations = {"GET": _operation("listProblems", "The kinds of errors", "ProblemIndex")}

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        page = Page("index.html")
        index = []
        for problem in self._problems.values():
            path = _path(req, problem.code)
            index.append({"type": path, "status": problem.status, "title": problem.title})
            row = ET.SubElement(page["problems"], "li")
            row.text = f"{problem.status} "
            ET.SubElement(row, "a", href=path).text = problem.title
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
        _answer(req, resp, asdict(problem), _problem_page(problem, _path(req)))


class Page:
    """An HTML file, whose elements are found by id, filled, or removed.

    The file is well-formed XML too. What is filled in is escaped when the page is written.
    """

    def __init__(self, name: str) -> None:
        self._root = ET.fromstring((_FOLDER / name).read_bytes())  # noqa: S314 (our own file)
        self._by_id = {element.get("id", ""): element for element in self._root.iter()}
        self["style"].text = _style()

    def __getitem__(self, element_id: str) -> ET.Element:
        return self._by_id[element_id]

    def prose(self, element_id: str, text: str) -> None:
        """Fill an element with text, and show what stands in backticks as code."""
        element = self[element_id]
        element.text, *rest = text.split("`")
        for code, tail in zip(rest[::2], rest[1::2], strict=True):
            child = ET.SubElement(element, "code")
            child.text, child.tail = code, tail

    def lines(self, element_id: str, text: str) -> None:
        """Fill an element with lines for a shell. Long ones wrap, and copies have no break."""
        for line in text.splitlines():
            ET.SubElement(self[element_id], "span").text = f"{line}\n"

    def html(self) -> bytes:
        text: str = ET.tostring(self._root, "unicode", method="html")
        return f"<!doctype html>\n{text}".encode()


def _problem_page(problem: Problem, index: str) -> Page:
    page, examples = Page("problem.html"), problem.fails + problem.mended
    page["page-title"].text = f"{problem.title} - Datas"
    page["title"].text = problem.title
    page["status"].text = falcon.code_to_http_status(problem.status)
    page["code"].text = problem.code
    page.prose("meaning", problem.meaning)
    page.prose("cause", problem.cause)
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
    page["index"].set("href", index)
    return page


def _path(req: falcon.Request, code: str = "") -> str:
    """The path of a problem's page, or of the page that lists all."""
    return f"{req.root_path}/problems{'/' if code else ''}{code}"


@cache
def _style() -> str:
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """A Content-Security-Policy that allows the one style, by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def _answer(
    req: falcon.Request, resp: falcon.Response, media: Mapping[str, Any], page: Page
) -> None:
    """Send the page or the JSON, as the client's Accept prefers, or 304 if the client has it."""
    resp.set_header("Vary", "Accept")
    if preferred(req, _PRODUCES) == falcon.MEDIA_JSON:
        content = Content(orjson.dumps(media), falcon.MEDIA_JSON)
    else:
        content = Content(page.html(), falcon.MEDIA_HTML)
        resp.set_header("Content-Security-Policy", _policy())
    content.write(req, resp)
