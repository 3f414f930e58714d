"""The console's requests as curl, HTTPie and Python: each runs as pasted, and says no secret."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Server, Start, clean_environ
from tests.e2e.console import LEARNING, answer, create, opened, send, sign_in

pytestmark = pytest.mark.slow

NASTY = r"""it's "quoted" \ back\n $HOME `id` ! !! %s {x} é 🙂"""
REQUESTS = [
    ("GET", "/api/datas?limit=2", "", ""),
    ("GET", "/api/datas/1", 'If-None-Match: "1"', ""),
    ("HEAD", "/api/datas/1", "", ""),
    ("OPTIONS", "/api/datas", "", ""),
    ("GET", "/api/datas?q={[it's]}", 'X-Odd: := it\'s "odd" @x', ""),
    ("POST", "/api/datas", "Content-Type: application/json", '{\n  "data": "two\\nlines"\n}'),
    ("POST", "/api/datas", "", '{"data": "no type"}'),
    ("POST", "/api/datas", "Content-Type: text/plain", "@file"),
    ("PATCH", "/api/datas/1", 'Content-Type: application/json\nIf-Match: "1"', "{}"),
    ("DELETE", "/api/datas/1", 'If-Match: "7"', ""),
]


@pytest.fixture
def server(start: Start) -> Server:
    """A server for learners."""
    return start(**LEARNING)


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The console, which may copy."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit = opened(context.new_page(), server.port)
        yield visit.page
        assert visit.outside == visit.faults == []


def _run(language: str, snippet: str, **environ: str) -> str:
    """What a snippet prints, run as if it were pasted into a terminal."""
    command = [sys.executable] if language == "Python" else ["bash"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    plain = {"PATH": path, "NO_COLOR": "1", "HTTPIE_CONFIG_DIR": "/nonexistent"}
    # Else HTTPie would read a body from its input, and print no headers.
    ours, terminal = os.openpty()
    with subprocess.Popen(
        [*command, "-c", snippet],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=clean_environ() | plain | environ,
    ):
        os.close(terminal)
        with os.fdopen(ours, "rb", buffering=0) as screen:
            printed = b""
            # At the end of a terminal there is an error, not an empty read.
            with suppress(OSError):
                while piece := screen.read(4096):
                    printed += piece
    return re.sub(r"\x1b\[[\d;]*m", "", printed.decode()).replace("\r\n", "\n")


def _snippets(page: Page) -> Iterator[tuple[str, str]]:
    shown = page.locator("#answer")
    for language in ("curl", "HTTPie", "Python"):
        page.evaluate("navigator.clipboard.writeText('')")
        shown.get_by_role("button", name=language, exact=True).click()
        expect(shown.get_by_role("status")).to_have_text("Copied.")
        page.wait_for_function("async () => (await navigator.clipboard.readText()) !== ''")
        yield language, page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(("method", "path", "headers", "body"), REQUESTS)
def test_every_snippet_runs_as_pasted(
    page: Page, method: str, path: str, headers: str, body: str
) -> None:
    """In curl, HTTPie and Python a request has the status that it has here, whatever is in it."""
    create(page, "one")
    answer(page, "POST", "201")
    send(page, method, path, headers, body)
    expect(page.locator("#history button").first).to_be_enabled()
    status = page.locator("#answer .wire > .kind").inner_text().split()[0]
    for language, snippet in _snippets(page):
        printed = _run(language, snippet)
        assert re.search(rf"^(HTTP/1.1 )?{status} ", printed, re.MULTILINE), snippet + printed


def test_a_text_survives_every_snippet(page: Page, server: Server) -> None:
    """Quotes and letters of all kinds arrive as typed; the form's own key is left out of a copy."""
    create(page, NASTY)
    answer(page, "POST", "201")
    for language, snippet in _snippets(page):
        before = len(server.request("GET", "/api/datas").json["data"])
        printed = _run(language, snippet)
        items = server.request("GET", "/api/datas").json["data"]
        assert len(items) == before + 1, snippet + printed
        assert items[-1]["data"] == NASTY


def test_a_token_is_never_copied(page: Page, server: Server) -> None:
    """It stands in the variable TOKEN; without it the snippet says so, and sends nothing."""
    alice = {"username": "alice", "password": "correct horse"}
    server.request("POST", "/api/users", alice)
    token = server.request("POST", "/api/tokens", alice).json["data"]["token"]
    sign_in(page, "Sign in", "Ask who I am")
    answer(page, "GET /api/users/me", "200")
    for language, snippet in _snippets(page):
        assert "TOKEN" in snippet
        assert "datas_" not in snippet.replace("datas_...", "")
        assert "TOKEN" in _run(language, snippet)
        assert "alice" in _run(language, snippet, TOKEN=token), snippet
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#session-who")).to_have_text("Nobody is signed in")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_password_is_never_copied(page: Page, server: Server) -> None:
    """It stands in the variable PASSWORD; without it the snippet says so, and sends nothing."""
    server.request("POST", "/api/users", {"username": "alice", "password": "correct horse"})
    sign_in(page, "Sign in")
    answer(page, "POST /api/tokens", "201")
    for language, snippet in _snippets(page):
        assert "correct horse" not in snippet
        assert "PASSWORD" in _run(language, snippet)
        assert "successfully created" in _run(language, snippet, PASSWORD="correct horse"), snippet
