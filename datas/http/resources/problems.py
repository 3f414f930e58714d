"""`/problems` and `/problems/{code}`: the pages that the `type` of an error opens."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from html import escape
from string import Template
from typing import Any

import falcon
import orjson

from datas.http.content import Content
from datas.http.errors import Refusal
from datas.http.middleware import preferred
from datas.http.problems import PROBLEMS

_PRODUCES = ("text/html", falcon.MEDIA_JSON)

_STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --paper: #fff; --soft: #5a6068;
  --panel: #f3f4f6; --link: #0b57d0; --bad: #b3261e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e6ea; --paper: #15171b; --soft: #a3a9b2; --panel: #22262c;
    --link: #8ab4f8; --bad: #f2857d; --good: #6fcf87; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 2.5rem; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 1.5rem 0 .35rem; font-size: 1.05rem; }
p { margin: 0; }
a { color: var(--link); }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: .6rem .8rem; background: var(--panel); border-radius: .25rem;
  border-left: .25rem solid var(--soft); white-space: pre-wrap; line-height: 1.4; }
pre.fails { border-color: var(--bad); }
pre.mended { border-color: var(--good); }
pre span { display: block; padding-left: 2ch; text-indent: -2ch; }
.soft { margin-top: .35rem; color: var(--soft); }
ul { margin: 1rem 0 0; padding: 0; list-style: none; }
li { padding: .45rem 0; border-top: 1px solid var(--panel); }
nav { margin-top: 2rem; }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Datas</title>
<style>$style</style>
</head>
<body>
<main>
$main</main>
</body>
</html>
""")

_PROBLEM = Template("""\
<h1>$title</h1>
<p class="soft">$status · <code>$code</code></p>
<h2>What happened</h2>
<p>$meaning</p>
<h2>Why, and what to do</h2>
<p>$cause</p>
$examples
<h2>Where it is written</h2>
<p><a href="$link">$reference</a></p>
<nav><a href="$index">All problems</a></nav>
""")

_INDEX = Template("""\
<h1>Problems</h1>
<p class="soft">Every error that this server can answer with. An error's <code>type</code> is the
address of its page.</p>
<ul>
$rows</ul>
""")

_NO_FAILS = "No request provokes this problem: its cause lies on the server's side."
_ITEM_ONE = (
    "Item 1 is the first of an empty server. On one that has items, the answer that says "
    "`created` tells another id: put that in the place of 1."
)
_SERVER = "The examples are for a server that is started in an empty folder like this."
_OPEN = (
    "The examples are for a server in open mode, as `make run` starts it. On another, sign in as "
    'the page of `unauthenticated` shows, and add `-H "Authorization: Bearer $TOKEN"` to each '
    "line that writes items."
)
_WRITES_ITEMS = re.compile(r"/api/datas\S* .*(--json|-d) ")
_OLD_CURL = "`--json` needs curl 7.82 or newer."


class ProblemsResource:
    """All problems, with links."""

    produces = _PRODUCES

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A page, or JSON."""
        index = [
            {"type": _path(req, problem.code), "status": problem.status, "title": problem.title}
            for problem in PROBLEMS.values()
        ]
        rows = "".join(
            f'<li>{problem.status} <a href="{escape(_path(req, problem.code))}">'
            f"{escape(problem.title)}</a></li>\n"
            for problem in PROBLEMS.values()
        )
        _answer(req, resp, {"problems": index}, _page("Problems", _INDEX.substitute(rows=rows)))


class ProblemResource:
    """One problem: what happened, why, a request that fails, and the same request mended."""

    produces = _PRODUCES

    def on_get(self, req: falcon.Request, resp: falcon.Response, code: str) -> None:
        """A page, or JSON. Raises: Refusal (`route-not-found`)."""
        if code not in PROBLEMS:
            detail = f"No problem has the code {code[:80]!r}. {_path(req)} lists all."
            raise Refusal("route-not-found", detail)
        problem = asdict(PROBLEMS[code])
        for example in ("server", "fails", "mended"):
            problem[example] = problem[example].replace("{url}", req.prefix)
        _answer(req, resp, problem, _page(problem["title"], _main(problem, index=_path(req))))


def _path(req: falcon.Request, code: str = "") -> str:
    """The path of a problem's page, or of the page that lists all."""
    return f"{req.root_path}/problems{'/' if code else ''}{code}"


def _main(problem: Mapping[str, Any], index: str) -> str:
    """The HTML of one problem."""
    return _PROBLEM.substitute(
        title=escape(problem["title"]),
        status=escape(falcon.code_to_http_status(problem["status"])),
        code=escape(problem["code"]),
        meaning=_prose(problem["meaning"]),
        cause=_prose(problem["cause"]),
        examples="\n".join(_examples(problem["server"], problem["fails"], problem["mended"])),
        link=escape(problem["reference"]["url"]),
        reference=escape(problem["reference"]["title"]),
        index=escape(index),
    )


def _examples(server: str, fails: str, mended: str) -> Iterator[str]:
    """The HTML of the examples, and of what must be known to run them."""
    if server:
        yield f"<h2>A server to try it on</h2>\n{_shell(server, 'server')}"
        yield f'<p class="soft">{_prose(_SERVER)}</p>'
    if fails:
        yield f"<h2>A request that fails</h2>\n{_shell(fails, 'fails')}"
        yield f"<h2>The same request, mended</h2>\n{_shell(mended, 'mended')}"
    else:
        yield f"<h2>What to send</h2>\n{_shell(mended, 'mended')}"
        yield f'<p class="soft">{_prose(_NO_FAILS)}</p>'
    if not server and _WRITES_ITEMS.search(fails + mended):
        yield f'<p class="soft">{_prose(_OPEN)}</p>'
    if "/api/datas/1" in mended:
        yield f'<p class="soft">{_prose(_ITEM_ONE)}</p>'
    if "--json" in fails + mended:
        yield f'<p class="soft">{_prose(_OLD_CURL)}</p>'


def _shell(lines: str, kind: str) -> str:
    """Lines for a shell. Long ones wrap, and what is copied has no break."""
    spans = "".join(f"<span>{escape(line)}\n</span>" for line in lines.splitlines())
    return f'<pre class="{kind}"><code>{spans}</code></pre>'


def _prose(text: str) -> str:
    """Text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _page(title: str, main: str) -> str:
    return _PAGE.substitute(title=escape(title), style=_STYLE, main=main)


def _answer(
    req: falcon.Request, resp: falcon.Response, media: Mapping[str, Any], page: str
) -> None:
    """Send the page or the JSON, whichever the client likes better, or say that it has it (304)."""
    resp.set_header("Vary", "Accept")
    if preferred(req, _PRODUCES) == falcon.MEDIA_JSON:
        content = Content(orjson.dumps(media), falcon.MEDIA_JSON)
    else:
        content = Content(page.encode(), falcon.MEDIA_HTML)
        resp.set_header("Content-Security-Policy", _POLICY)
    content.write(req, resp)
