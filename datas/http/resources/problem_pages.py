"""`/problems` and `/problems/{code}`: the pages that the `type` of an error opens."""

import html
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import falcon
import orjson

from datas.http.content import Content
from datas.http.errors import Refusal
from datas.http.middleware import preferred
from datas.http.operation import ANYWHERE, content_operation
from datas.http.problems import Problem, fill
from datas.http.resources.pages import POLICY, WEB, Layout, page_files

_HEADERS = ("ETag", "Vary")
# What a problem is about, by its status; other statuses are about what was sent.
_ABOUT = {
    **dict.fromkeys((401, 403, 429), "about-actor"),
    **dict.fromkeys((404, 409, 410, 412), "about-stored"),
    **dict.fromkeys((500, 502, 503, 504), "about-server"),
}
# Examples that write records, and that need the first record of an empty server.
_WRITES = re.compile(r"/api/(?!users|tokens)\S* .*(--json|-d) ")
_NEEDS_FIRST = re.compile(r"/api/[a-z0-9_-]+/1\b")


def _answers(schema: str) -> Mapping[str, Any]:
    return {falcon.MEDIA_HTML: {"schema": "Page"}, falcon.MEDIA_JSON: {"schema": schema}}


class _Resource:
    produces = (falcon.MEDIA_HTML, falcon.MEDIA_JSON)

    def __init__(self, layout: Layout, problems: Mapping[str, Problem]) -> None:
        self._layout = layout
        self._problems = problems

    def _answer(
        self, req: falcon.Request, resp: falcon.Response, media: Mapping[str, Any], page: str
    ) -> None:
        """Send the page or the JSON, as the client prefers, or 304 if the client has it."""
        resp.set_header("Vary", "Accept")
        if preferred(req, self.produces) == falcon.MEDIA_JSON:
            content = Content(orjson.dumps(media), falcon.MEDIA_JSON)
        else:
            text = self._layout.fill(page, "/problems", req.root_path)
            content = Content(text.encode(), falcon.MEDIA_HTML)
            resp.set_header("Content-Security-Policy", POLICY)
        content.write(req, resp)


class ProblemsResource(_Resource):
    operations = {
        "GET": content_operation(
            "listProblems", "The kinds of errors", _answers("ProblemIndex"), headers=_HEADERS
        )
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        row, index = _read("row.html"), []
        rows = dict.fromkeys(("about-request", *_ABOUT.values()), "")
        for each in self._problems.values():
            path = f"{req.root_path}/problems/{each.code}"
            index.append({"type": path, "status": each.status, "title": each.title})
            rows[_ABOUT.get(each.status, "about-request")] += fill(row, _words(each))
        self._answer(req, resp, {"problems": index}, fill(_read("index.html"), rows))


class ProblemResource(_Resource):
    """One problem: what happened, why, a request that fails, and the same request mended."""

    operations = {
        "GET": content_operation(
            "getProblem",
            "A kind of error: what happened, why, and the request mended",
            _answers("ProblemPage"),
            headers=_HEADERS,
            problems=(*ANYWHERE, "route-not-found"),
        )
    }

    def on_get(self, req: falcon.Request, resp: falcon.Response, code: str) -> None:
        """Raises: Refusal (`route-not-found`)."""
        if code not in self._problems:
            detail = f"No problem has the code {code[:80]!r}. {req.root_path}/problems lists all."
            raise Refusal("route-not-found", detail)
        problem = self._problems[code].at(req.prefix)
        text = _without_absent(_read("problem.html"), problem)
        page = fill(text, _words(problem))
        self._answer(req, resp, asdict(problem), page)


def problem_routes(layout: Layout, problems: Mapping[str, Problem]) -> dict[str, object]:
    return {
        **page_files("problems"),
        "/problems": ProblemsResource(layout, problems),
        "/problems/{code}": ProblemResource(layout, problems),
    }


def _read(name: str) -> str:
    return (WEB / "problems" / name).read_text(encoding="utf-8")


def _words(problem: Problem) -> dict[str, str]:
    """What the words of the HTML files stand for."""
    texts = {
        **asdict(problem),
        **{f"reference.{name}": text for name, text in problem.reference.items()},
        "status-line": falcon.code_to_http_status(problem.status),
        "description": problem.meaning.replace("`", ""),
    }
    words = {name: html.escape(str(text)) for name, text in texts.items()}
    for name in ("meaning", "cause"):
        words[name] = re.sub("`(.*?)`", r"<code>\1</code>", words[name])
    for name in ("server", "fails", "mended"):
        # Lines for a shell. Long ones wrap, and copies have no break.
        words[name] = re.sub("(.+\n?)", r"<span>\1</span>", words[name])
    return {f"problem.{name}": word for name, word in words.items()}


def _without_absent(page: str, problem: Problem) -> str:
    """A problem's page without the elements, by their id, that are not about this problem."""
    examples = problem.fails + problem.mended
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
            page = re.sub(rf'<(\w+) id="{element_id}".*?</\1>\n', "", page, flags=re.DOTALL)
    return page
