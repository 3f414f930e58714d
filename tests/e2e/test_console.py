"""The console in a real browser: every lesson by clicking and typing, every snippet run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser import Visit
from tests.e2e.conftest import Server, Start, clean_environ

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 360, "height": 740}}
LAPTOP = {"viewport": {"width": 1280, "height": 800}}
DARK = {"color_scheme": "dark"}
# As `make run` starts it.
LEARNING = {"DATAS_ACCESS": "open", "DATAS_REGISTRATION": "open", "DATAS_EXPLAIN": "true"}
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifts += value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def server(start: Start) -> Server:
    """A server for learners."""
    return start(**LEARNING)


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh console; at its end nothing may have gone wrong, nor asked for anything outside."""
    how: dict[str, Any] = getattr(request, "param", {})
    with browser.new_context(**how) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        visit.page.add_init_script(SHIFTS)
        visit.page.goto(visit.origin)
        expect(visit.page.locator("#lesson-title")).to_have_text("Create your first item")
        expect(visit.page.locator("#items-empty")).to_have_text("No items yet: create the first.")
        yield visit
        assert visit.outside == []
        assert visit.faults == []


def _create(page: Page, data: str) -> None:
    page.get_by_label("New item").fill(data)
    page.get_by_role("button", name="Create", exact=True).click()


def _edit(page: Page, data: str) -> None:
    page.get_by_role("button", name="Edit item").first.click()
    page.get_by_role("textbox", name="New data of item").fill(data)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def _send(page: Page, method: str, path: str, headers: str = "", body: str = "") -> None:
    form = page.locator("#request")
    for name, value in {"Verb": method, "Path": path, "Headers": headers, "Body": body}.items():
        form.get_by_label(name).fill(value)
    form.get_by_role("button", name="Send").click()


def _exchange(page: Page, summary: str) -> Locator:
    """The exchange that is open, once it is this one."""
    entry = page.locator(".exchange[open]").filter(has_not_text="by the table")
    expect(entry.locator("> summary")).to_contain_text(summary)
    return entry


def _create_the_first(page: Page) -> None:
    _create(page, "hello")


def _read_the_location(page: Page) -> None:
    _create(page, "hello")
    # An earlier exchange may still be open.
    expect(page.locator("#lesson-steps .done")).to_have_count(1)
    _exchange(page, "201POST").get_by_role("button", name="Read /api/datas/").click()


def _read_about_a_problem(page: Page) -> None:
    _create(page, "")
    with page.expect_popup() as popup:
        _exchange(page, "400").get_by_role("link", name="Read about this problem").click()
    expect(popup.value.get_by_role("heading", level=1)).to_have_text("The item is invalid")
    popup.value.close()


def _replace_twice(page: Page) -> None:
    _edit(page, "once")
    expect(page.locator("td.data").first).to_have_text("once")
    _edit(page, "twice")


def _ask_for_the_impossible(page: Page) -> None:
    page.locator("#lesson-hint summary").click()
    page.get_by_role("button", name="Write this into the editor").click()
    page.locator("#request").get_by_role("button", name="Send").click()
    _exchange(page, "405DELETE /api/datas")
    _send(page, "OPTIONS", "/api/datas")


def _page_to_the_end(page: Page) -> None:
    for number in range(5):
        _create(page, f"item {number}")
        expect(page.get_by_label("New item")).to_have_value("")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("button", name="Next page", exact=True).click()


def _ask_again_for_free(page: Page) -> None:
    page.get_by_role("button", name="Read item").first.click()
    entry = _exchange(page, "200GET /api/datas/")
    [tag] = re.findall(r'etag: ("\d+")', entry.inner_text())
    entry.get_by_role("button", name="Edit", exact=True).click()
    page.locator("#request").get_by_label("Headers").fill(f"If-None-Match: {tag}")
    page.locator("#request").get_by_role("button", name="Send").click()


def _lose_a_race(page: Page) -> None:
    _edit(page, "mine")
    entry = _exchange(page, "200PUT")
    entry.get_by_role("button", name="Send again").click()
    _exchange(page, "412PUT")


def _order_twice(page: Page) -> None:
    page.locator("#lesson-hint summary").click()
    page.get_by_role("button", name="Write this into the editor").click()
    page.locator("#request").get_by_role("button", name="Send").click()
    _exchange(page, "201POST").get_by_role("button", name="Send again").click()


def _look_for_the_deleted(page: Page) -> None:
    page.get_by_role("button", name="Delete item").first.click()
    entry = _exchange(page, "200DELETE")
    [path] = re.findall(r"/api/datas/\d+", entry.locator("> summary").inner_text())
    _send(page, "GET", path)


def _use_a_token(page: Page) -> None:
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Register").click()
    _exchange(page, "201POST /api/users")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Ask who I am").click()
    _exchange(page, "200GET /api/users/me")


def _stream(page: Page) -> None:
    _send(page, "GET", "/api/datas/bulk")
    _exchange(page, "200GET /api/datas/bulk")
    _send(page, "GET", "/api/datas/bulk", "Accept: text/csv")


LESSONS: dict[str, Callable[[Page], None]] = {
    "Create your first item": _create_the_first,
    "Read the address that you were given": _read_the_location,
    "Make a mistake, and read what it was": _read_about_a_problem,
    "Change an item, and change it again": _replace_twice,
    "Ask for the impossible": _ask_for_the_impossible,
    "Page through a list": _page_to_the_end,
    "Ask again for free": _ask_again_for_free,
    "Change it only if nobody else did": _lose_a_race,
    "Send the same order twice, get one item": _order_twice,
    "Delete it, and look for it": _look_for_the_deleted,
    "Sign in, and use a token": _use_a_token,
    "Stream everything": _stream,
}


def _learn(page: Page, title: str) -> None:
    expect(page.locator("#lesson-title")).to_have_text(title)
    assert page.locator("#lesson-done").inner_text() == ""
    LESSONS[title](page)
    expect(page.locator("#lesson-done")).to_contain_text("Done.")


def test_every_lesson_is_done_by_clicking_and_typing(visit: Visit) -> None:
    """One after the other, as they come; what is done stays done when the page is loaded again."""
    page = visit.page
    for number, title in enumerate(LESSONS, 1):
        _learn(page, title)
        expect(page.locator("#lesson-count")).to_contain_text(f"{number} done")
        if number < len(LESSONS):
            page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#lesson-done")).to_contain_text("the last one")
    page.reload()
    expect(page.locator("#lesson-count")).to_contain_text(f"{len(LESSONS)} done")
    expect(page.locator("#session-who")).to_have_text("signed in as alice")
    page.get_by_role("button", name="Start all lessons over").click()
    expect(page.locator("#lesson-count")).to_contain_text("0 done")


@pytest.mark.parametrize("visit", [PHONE, DARK], ids=["phone", "dark"], indirect=True)
def test_three_lessons_elsewhere(visit: Visit) -> None:
    """On a phone, where nothing is wider than the screen, and in dark."""
    page = visit.page
    for title in list(LESSONS)[:3]:
        _learn(page, title)
        page.get_by_role("button", name="Next", exact=True).click()
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_the_keyboard_suffices(visit: Visit) -> None:
    """The first two lessons with Tab, Enter and letters; whatever has the focus is seen to."""
    page = visit.page

    def tab_to(name: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if focused.count():
                assert focused.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
                if name in focused.evaluate("e => e.labels?.[0]?.innerText ?? e.innerText"):
                    return
        raise AssertionError(f"Tab never leads to {name}")

    tab_to("New item")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-done")).to_contain_text("Done.")
    tab_to("Next")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-title")).to_be_focused()
    tab_to("New item")
    page.keyboard.type("again")
    page.keyboard.press("Enter")
    _exchange(page, "201POST")
    tab_to("Read /api/datas/2")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-done")).to_contain_text("Done.")


def test_the_focus_stays_where_one_works(visit: Visit) -> None:
    """After saving and cancelling on the item's row, after deleting on the form above."""
    page = visit.page
    _create(page, "hello")
    _edit(page, "bye")
    edit = page.get_by_role("button", name="Edit item 1")
    expect(edit).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(edit).to_be_focused()
    page.get_by_role("button", name="Delete item 1").click()
    expect(page.get_by_label("New item")).to_be_focused()


@pytest.mark.parametrize("visit", [LAPTOP], ids=["laptop"], indirect=True)
def test_a_new_exchange_comes_into_sight(visit: Visit) -> None:
    """However far the older ones were scrolled; the focus stays in the form."""
    page = visit.page
    for count in range(20):
        expect(page.locator(".exchange")).to_have_count(count + 1)
        page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".exchange")).to_have_count(21)
    scrolled = page.locator("#exchanges").evaluate("e => { e.scrollTop = 1e6; return e.scrollTop }")
    assert scrolled > 100
    page.get_by_label("New item").fill("hello")
    page.keyboard.press("Enter")
    expect(page.locator("td.data")).to_have_text(["hello"])
    expect(_exchange(page, "201POST").locator("> summary")).to_be_in_viewport()
    assert page.locator("#exchanges").evaluate("e => e.scrollTop") == 0
    expect(page.get_by_label("New item")).to_be_focused()


@pytest.mark.parametrize("visit", [{}, DARK, PHONE], ids=["light", "dark", "phone"], indirect=True)
def test_the_page_is_accessible(visit: Visit) -> None:
    """Axe finds nothing serious, with exchanges open, an error shown, and a row being edited."""
    page = visit.page
    _learn(page, "Create your first item")
    page.locator("#lesson-more summary").click()
    _create(page, "")
    entry = _exchange(page, "400POST")
    entry.get_by_role("button", name="Python").click()
    for summary in entry.locator(".wire summary").all():
        summary.click()
    page.get_by_role("button", name="Edit item").first.click()
    found = Axe().run(page).response["violations"]
    serious = [it for it in found if it["impact"] in ("serious", "critical")]
    assert [(it["id"], it["nodes"][0]["html"]) for it in serious] == []


@pytest.mark.parametrize("visit", [{}, PHONE], ids=["desk", "phone"], indirect=True)
def test_the_page_is_quick_and_still(visit: Visit) -> None:
    """Something is painted within a second, little is loaded, and nothing jumps about."""
    page = visit.page
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1000
    loaded = page.evaluate(
        "performance.getEntries().reduce((sum, it) => sum + (it.transferSize ?? 0), 0)"
    )
    assert 10_000 < loaded < 100_000
    _create(page, "hello")
    _exchange(page, "201POST")
    assert page.evaluate("shifts") < 0.1


def test_an_error_of_the_page_is_shown(visit: Visit) -> None:
    """In words, on the page: an exception, and a promise that was broken."""
    page = visit.page
    page.evaluate("setTimeout(() => { throw Error('thrown') })")
    page.evaluate("setTimeout(() => Promise.reject('broken'))")
    expect(page.get_by_role("alert").first).to_contain_text("thrown")
    expect(page.get_by_role("alert").first).to_contain_text("broken")
    assert len(visit.faults) == 2
    visit.faults.clear()


def test_items_are_searched_and_sorted(visit: Visit) -> None:
    """By what the form above the table says."""
    page = visit.page
    for data in ("pear", "Apple", "plum"):
        _create(page, data)
        expect(page.get_by_label("New item")).to_have_value("")
    page.get_by_label("Sort").select_option("text, A to Z")
    expect(page.locator("td.data")).to_have_text(["Apple", "pear", "plum"])
    page.get_by_label("Search").fill("P")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("td.data")).to_have_text(["Apple", "pear", "plum"])
    page.get_by_label("Search").fill("PL")
    page.keyboard.press("Enter")
    expect(page.locator("td.data")).to_have_text(["Apple", "plum"])


def test_a_fault_is_gone_after_a_success(visit: Visit) -> None:
    """What was wrong with a new item isn't said any more once any change worked."""
    page = visit.page
    for succeed, shown in ((_create, ["new"]), (_edit, ["newer"])):
        _create(page, "")
        expect(page.locator("#create-fault")).not_to_be_empty()
        succeed(page, *shown)
        expect(page.locator("td.data")).to_have_text(shown)
        expect(page.locator("#create-fault")).to_be_empty()


def test_who_creates_an_item_out_of_sight_is_told(visit: Visit) -> None:
    """It may be on another page of the table; once one sees it there, no more is said."""
    page = visit.page
    for number in range(1, 6):
        _create(page, f"item {number}")
        expect(page.locator("td.data")).to_have_count(number)
    expect(page.locator("#create-said")).to_be_empty()
    _create(page, "one more")
    said = page.locator("#items").get_by_role("status")
    expect(said).to_have_text("Item 6 created; it is not on this page.")
    page.get_by_role("button", name="Next page", exact=True).click()
    expect(page.locator("td.data")).to_have_text(["one more"])
    expect(said).to_be_empty()


def test_every_header_is_true(visit: Visit) -> None:
    """What the page shows of a request and its response is what went over the wire."""
    page = visit.page
    with page.expect_response("**/api/datas") as caught:
        _create(page, "hello")
    entry = _exchange(page, "201POST")
    for summary in entry.locator(".wire summary").all():
        summary.click()
    sent, came = (box.inner_text().splitlines() for box in entry.locator(".wire").all()[:2])
    request = caught.value.request
    assert sent[0] == "POST /api/datas HTTP/1.1"
    shown = {
        line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in sent if ": " in line
    }
    assert {name: shown[name] for name in request.all_headers()} == request.all_headers()
    assert request.post_data in sent
    for name, value in caught.value.all_headers().items():
        assert f"{name}: {value}" in came
    entry.get_by_role("button", name="Show it as it came").click()
    assert caught.value.text() in entry.locator(".wire").nth(1).inner_text()


def test_what_happened_inside_is_drawn(visit: Visit) -> None:
    """The rooms that a request went through, its SQL, and the room where an error stopped it."""
    page = visit.page
    _create(page, "hello")
    inside = _exchange(page, "201POST")
    expect(inside.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"through http .* service .* adapters .* sql [\d.]+ ms\.$")
    )
    expect(inside.locator(".statements")).to_contain_text('INSERT INTO "datas"')
    assert "hello" not in inside.locator(".statements").inner_text()
    for path, room in (("/api/datas/x", "http"), ("/api/datas/99", "adapters")):
        _send(page, "GET", path)
        told = _exchange(page, path).get_by_role("img").get_attribute("aria-label")
        assert told
        assert told.endswith(f"It stopped in {room}.")
    _send(
        page,
        "PUT",
        "/api/datas/1",
        'If-Match: "9"\nContent-Type: application/json',
        '{"data": "x"}',
    )
    told = _exchange(page, "412").get_by_role("img").get_attribute("aria-label")
    assert told
    assert told.endswith("It stopped in service.")


def test_without_explain_mode_the_page_says_how_to_get_it(browser: Browser, start: Start) -> None:
    """And what it can't know of the request."""
    server = start()
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        visit.page.goto(visit.origin)
        entry = visit.page.locator(".exchange[open]")
        expect(entry).to_contain_text("DATAS_EXPLAIN=true")
        expect(entry).to_contain_text("headers that no page can see")
        assert visit.outside == visit.faults == []


def test_no_other_server_is_talked_to(visit: Visit) -> None:
    """Whatever path is typed: a token must not go elsewhere."""
    page = visit.page
    for path in ("https://192.0.2.1/", "//192.0.2.1/api/datas"):
        _send(page, "GET", path)
        expect(page.locator("#request-fault")).to_contain_text("its own server alone")


MISTAKES = {
    "Browsers don't send TRACE.": ("TRACE", ""),
    "Browsers don't send connect.": ("connect", ""),
    "A request needs a verb": ("", ""),
    "“GET IT” is no verb": ("GET IT", ""),
    "Browsers send no body with GET and HEAD": ("get", "", "{}"),
    "“Content-Type text/plain” has no colon": ("GET", "Content-Type text/plain"),
    "“Content Type” can't be a name": ("GET", "Content Type: text/plain"),
    "The header X has a letter that no header can have": ("GET", "X: 🙂"),
}


@pytest.mark.parametrize("path", ["http://[", "http://user@127.0.0.1:{port}/"])
def test_what_is_no_path_is_told(visit: Visit, server: Server, path: str) -> None:
    """Nothing is sent, and the browser's own words aren't shown."""
    _send(visit.page, "GET", path.format(port=server.port))
    expect(visit.page.locator("#request-fault")).to_have_text(
        re.compile(r"This is no path|no password in an address")
    )


def test_what_a_browser_refuses_is_told(visit: Visit) -> None:
    """In words that say what to do, beside the form; they go with the next request."""
    page = visit.page
    fault = page.locator("#request-fault")
    for told, (method, headers, *body) in MISTAKES.items():
        _send(page, method, "/api/datas", headers, *body)
        expect(fault).to_contain_text(told)
        expect(page.locator("#exchange-list")).not_to_contain_text("Failed to")
    _send(page, "get", "/api/datas?limit=1")
    _exchange(page, "200GET /api/datas?limit=1")
    expect(fault).to_be_empty()


def test_a_body_without_a_type_is_explained_afterwards(visit: Visit) -> None:
    """Not before: the mistake is allowed, and its 415 shows what the header is for."""
    page = visit.page
    _send(page, "POST", "/api/datas", "", '{"data": "hello"}')
    _exchange(page, "415POST")
    expect(page.locator("#request-fault")).to_contain_text("Content-Type: application/json")
    _send(page, "POST", "/api/datas", "Content-Type: application/json", '{"data": "hello"}')
    _exchange(page, "201POST")
    expect(page.locator("#request-fault")).to_be_empty()


def test_when_the_server_is_gone_the_page_says_so(visit: Visit, server: Server) -> None:
    """And what to do, beside the form and in the exchange."""
    page = visit.page
    server.stop()
    _send(page, "GET", "/api/datas/1")
    expect(page.locator("#request-fault")).to_contain_text("Is the server running?")
    expect(_exchange(page, "GET /api/datas/1")).to_contain_text("Is the server running?")
    assert visit.faults
    visit.faults.clear()


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


def _snippets(page: Page, entry: Locator) -> Iterator[tuple[str, str]]:
    for language in ("curl", "HTTPie", "Python"):
        entry.get_by_role("button", name=language, exact=True).click()
        expect(entry.get_by_role("status")).to_have_text("Copied.")
        yield language, page.evaluate("navigator.clipboard.readText()")


def test_every_snippet_runs_as_pasted(visit: Visit, server: Server) -> None:
    """In curl, HTTPie and Python a request has the status that it has here, whatever is in it."""
    page = visit.page
    _create(page, "one")
    for method, path, headers, body in REQUESTS:
        page.get_by_role("button", name="Clear").click()
        _send(page, method, path, headers, body)
        entry = _exchange(page, f"{method} /api/datas")
        status = entry.locator(".pill").inner_text()
        for language, snippet in _snippets(page, entry):
            printed = _run(language, snippet)
            assert re.search(rf"^(HTTP/1.1 )?{status} ", printed, re.MULTILINE), snippet + printed


def test_a_text_survives_every_snippet(visit: Visit, server: Server) -> None:
    """Quotes, backslashes, exclamation marks and letters of all kinds arrive as typed."""
    page = visit.page
    _create(page, NASTY)
    for language, snippet in _snippets(page, _exchange(page, "201POST")):
        before = len(server.request("GET", "/api/datas").json["data"])
        printed = _run(language, snippet)
        items = server.request("GET", "/api/datas").json["data"]
        assert len(items) == before + 1, snippet + printed
        assert items[-1]["data"] == NASTY


def test_a_token_is_never_copied(visit: Visit, server: Server) -> None:
    """It stands in the variable TOKEN; whoever hasn't set it is told, and nothing is sent."""
    page = visit.page
    alice = {"username": "alice", "password": "correct horse"}
    server.request("POST", "/api/users", alice)
    token = server.request("POST", "/api/tokens", alice).json["data"]["token"]
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Ask who I am").click()
    entry = _exchange(page, "200GET /api/users/me")
    assert (
        page.evaluate("JSON.parse(sessionStorage['datas-session']).token") not in entry.inner_text()
    )
    for language, snippet in _snippets(page, entry):
        assert "TOKEN" in snippet
        assert "datas_" not in snippet.replace("datas_...", "")
        assert "TOKEN" in _run(language, snippet)
        assert "alice" in _run(language, snippet, TOKEN=token), snippet
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#session-who")).to_have_text("nobody in particular")
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_who_registers_is_told_what_comes_next(visit: Visit) -> None:
    """In the form itself; a refusal takes its place, and so does signing in."""
    page = visit.page
    said = page.locator("#session").get_by_role("status")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Register").click()
    expect(said).to_have_text("alice is registered: now sign in.")
    page.get_by_role("button", name="Register").click()
    expect(page.locator("#session-fault")).not_to_be_empty()
    expect(said).to_be_empty()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("#session-who")).to_have_text("signed in as alice")
    expect(page.locator("#session-fault")).to_be_empty()


def test_who_must_sign_in_is_told(browser: Browser, start: Start) -> None:
    """Where only users write, a refusal says what to do; signed in, the same form works."""
    server = start(DATAS_ACCESS="authenticated", DATAS_REGISTRATION="open")
    alice = {"username": "alice", "password": "correct horse"}
    server.request("POST", "/api/users", alice)
    with browser.new_context() as context:
        visit = Visit(page := context.new_page(), f"http://127.0.0.1:{server.port}")
        page.goto(visit.origin)
        _create(page, "hers")
        expect(page.locator("#create-fault")).to_contain_text("token")
        expect(page.locator("#session-who")).to_contain_text("sign in")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("correct horse")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator("#session-who")).to_have_text("signed in as alice")
        page.get_by_role("button", name="Create", exact=True).click()
        expect(page.locator("td.data")).to_have_text("hers")
        # A token that was revoked elsewhere is forgotten, and the page is of use again.
        token = page.evaluate("JSON.parse(sessionStorage['datas-session']).token")
        bearer = {"Authorization": f"Bearer {token}"}
        assert server.request("GET", "/api/datas/1").json["data"]["owner"] == "alice"
        assert server.request("DELETE", "/api/tokens/current", headers=bearer).status == 200
        page.get_by_role("button", name="Read item 1").click()
        expect(page.locator("#session-who")).to_contain_text("sign in")
        page.get_by_role("button", name="Read item 1").click()
        _exchange(page, "200GET /api/datas/1")
        assert visit.outside == visit.faults == []
