"""The console in a real browser: the page, its forms, its answers, and what it says."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.browser import Visit
from tests.e2e.conftest import Server, Start
from tests.e2e.console import (
    LEARNING,
    answer,
    create,
    edit,
    expect_told,
    opened,
    send,
    sign_in,
    tab,
)
from tests.e2e.lessons import Learner, learn
from tests.e2e.test_console_lessons import LIBRARY

PHONE = {"viewport": {"width": 390, "height": 844}}
LAPTOP = {"viewport": {"width": 1280, "height": 900}}
DARK = {"color_scheme": "dark"}
# How the focus is shown, and on what.
FOCUSED = """() => {
  const it = document.activeElement;
  const label = it.labels?.[0]?.innerText ?? (it.matches("section, body") ? "" : it.innerText);
  return [it === document.body ? "" : getComputedStyle(it).outlineStyle, label ?? ""];
}"""


@pytest.fixture
def server(start: Start) -> Server:
    """A server for learners."""
    return start(**LEARNING)


@pytest.fixture
def library(browser: Browser, start: Start) -> Iterator[Page]:
    """The console of several collections; at its end nothing may have gone wrong."""
    server = start(**LIBRARY)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        visit = opened(context.new_page(), server.port)
        yield visit.page
        assert visit.outside == visit.faults == []


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh console; at its end nothing may have gone wrong, nor asked for anything outside."""
    how: dict[str, Any] = getattr(request, "param", LAPTOP)
    with browser.new_context(**how) as context:
        visit = opened(context.new_page(), server.port)
        yield visit
        assert visit.outside == []
        assert visit.faults == []


def test_the_first_two_lessons_are_done_in_one_view(visit: Visit) -> None:
    """Lesson, request and answer are in sight; the answer begins with the inside."""
    learner = Learner(visit.page)
    learn(learner, "Create your first")
    shown = visit.page.locator("#answer-body > *").first
    expect(shown).to_have_class("inside")
    learner.press(visit.page.locator("#lesson-next"))
    learn(learner, "Look inside")


@pytest.mark.slow
def test_the_keyboard_suffices(visit: Visit) -> None:
    """Two lessons with Tab, arrows, Enter and letters; whatever has the focus is seen to."""
    page = visit.page

    def tab_to(name: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            outline, label = page.evaluate(FOCUSED)
            assert outline != "none"
            if name in label:
                return
        raise AssertionError(f"Tab never leads to {name}")

    tab_to("data")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-done")).to_contain_text("Done.")
    page.evaluate("location.hash = '#lesson=3'")
    tab_to("data")
    page.keyboard.type("again")
    page.keyboard.press("Enter")
    answer(page, "POST", "201")
    tab_to("Read /api/datas/2")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-done")).to_contain_text("Done.")
    tab_to("Next")
    page.keyboard.press("Enter")
    expect(page.locator("#lesson-title")).to_be_focused()
    tab_to("Records")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Send anything")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Send anything")).to_be_visible()


@pytest.mark.slow
def test_the_focus_stays_where_one_works(visit: Visit) -> None:
    """After saving and cancelling on the item's row, after deleting on the form above."""
    page = visit.page
    create(page, "hello")
    edit(page, "bye")
    button = page.get_by_role("button", name="Edit item 1")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.get_by_role("button", name="Delete item 1").click()
    expect(page.get_by_role("textbox", name="data")).to_be_focused()


@pytest.mark.slow
@pytest.mark.parametrize(
    "visit", [LAPTOP, LAPTOP | DARK, PHONE, PHONE | DARK], ids=str, indirect=True
)
def test_the_page_is_accessible(visit: Visit) -> None:
    """Axe finds nothing in any panel, with an error shown, a row being edited, and a list open."""
    page = visit.page
    page.emulate_media(reduced_motion="reduce")

    def look() -> None:
        found = Axe().run(page).response["violations"]
        assert [(it["id"], it["nodes"][0]["html"], it["nodes"][0]["any"]) for it in found] == []

    create(page, "")
    answer(page, "POST", "400")
    page.locator("#answer").get_by_role("button", name="Python").click()
    for summary in page.locator("#answer summary").all():
        summary.click()
    look()
    create(page, "hello")
    answer(page, "POST", "201")
    page.get_by_role("button", name="Edit item").first.click()
    look()
    page.keyboard.press("Escape")
    for name in ("Send anything", "Sign in", "Other clients"):
        tab(page, name)
        look()
    page.evaluate("location.hash = '#lesson=17'")
    expect(page.locator("#end pre")).to_be_visible()
    look()
    page.locator("#lesson-count").click()
    look()


@pytest.mark.slow
@pytest.mark.parametrize("visit", [LAPTOP, PHONE], ids=["laptop", "phone"], indirect=True)
def test_the_page_is_quick_and_still(visit: Visit) -> None:
    """Something is painted within a second, little is loaded, and nothing jumps about."""
    page = visit.page
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 1000
    loaded = page.evaluate(
        "performance.getEntries().filter(({ name }) => !name.endsWith('/openapi.json'))"
        ".reduce((sum, it) => sum + (it.transferSize ?? 0), 0)"
    )
    assert 10_000 < loaded < 100_000
    create(page, "hello")
    answer(page, "POST", "201")
    assert page.evaluate("shifts") < 0.1


@pytest.mark.slow
def test_motion_is_short_and_only_for_those_who_want_it(visit: Visit) -> None:
    """The way is drawn once, in less than a second; with less motion wanted, at once."""
    page = visit.page
    durations = "document.getAnimations().map((it) => it.effect.getTiming().duration)"
    create(page, "hello")
    page.locator("#answer .way").wait_for()
    assert all(0 < duration < 1000 for duration in page.evaluate(durations))
    assert page.evaluate(durations)
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Read item 1").click()
    answer(page, "GET /api/datas/1", "200")
    assert page.evaluate(durations) == []


@pytest.mark.slow
def test_an_error_of_the_page_is_shown(visit: Visit) -> None:
    """In words, on the page: an exception, and a promise that was broken."""
    page = visit.page
    page.evaluate("setTimeout(() => { throw Error('thrown') })")
    page.evaluate("setTimeout(() => Promise.reject('broken'))")
    expect(page.locator("#faults")).to_contain_text("thrown")
    expect(page.locator("#faults")).to_contain_text("broken")
    assert len(visit.faults) == 2
    visit.faults.clear()


@pytest.mark.slow
def test_items_are_searched_and_sorted(visit: Visit) -> None:
    """By what the OpenAPI document offers; the newest is first at the beginning."""
    page = visit.page
    rows = page.locator("#list tbody .data div:first-child")
    for count, data in enumerate(("pear", "Apple", "plum"), 1):
        create(page, data)
        expect(rows).to_have_count(count)
    expect(rows).to_have_text(["plum", "Apple", "pear"])
    page.locator("select[name=sort]").select_option("data")
    expect(rows).to_have_text(["Apple", "pear", "plum"])
    page.get_by_role("searchbox").fill("PL")
    page.keyboard.press("Enter")
    expect(rows).to_have_text(["Apple", "plum"])
    create(page, "cherry")
    expect(rows.first).to_have_text("cherry")
    expect(page.locator("#list-said")).to_contain_text("item 4 stands on top")


@pytest.mark.slow
def test_a_fault_is_gone_after_a_success(visit: Visit) -> None:
    """What was wrong with a new item isn't said any more once any change worked."""
    page = visit.page
    create(page, "")
    expect(page.locator("#record-fault")).to_contain_text("1 to 255")
    expect(page.get_by_role("textbox", name="data")).to_have_attribute("aria-invalid", "true")
    create(page, "new")
    answer(page, "POST", "201")
    expect(page.locator("#record-fault")).to_be_empty()


@pytest.mark.slow
def test_every_header_is_true(visit: Visit) -> None:
    """What the page shows of a request and its answer is what went over the wire."""
    page = visit.page
    with page.expect_response("**/api/datas") as caught:
        create(page, "hello")
    shown = answer(page, "POST", "201")
    for summary in shown.locator("summary").all():
        summary.click()
    came, sent = (box.inner_text().splitlines() for box in shown.locator("div.wire").all())
    request = caught.value.request
    assert sent[0] == "POST /api/datas HTTP/1.1"
    headers = {
        line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in sent if ": " in line
    }
    assert {name: headers[name] for name in request.all_headers()} == request.all_headers()
    assert request.post_data in sent
    for name, value in caught.value.all_headers().items():
        assert f"{name}: {value}" in came
    body = shown.locator(".body").first.inner_text()
    assert json.loads(body) == caught.value.json()


@pytest.mark.slow
def test_the_form_is_safe_to_repeat(visit: Visit) -> None:
    """A browser may send a lost request again by itself: each new record has a key of its own."""
    keys = set()
    for data in ("one", "two"):
        with visit.page.expect_request("**/api/datas") as sent:
            create(visit.page, data)
        answer(visit.page, "POST", "201")
        keys.add(sent.value.headers["idempotency-key"])
    assert len(keys) == 2


@pytest.mark.slow
def test_a_changed_text_is_another_request(visit: Visit) -> None:
    """A lost answer's key is sent again with the same text alone: with another it would be 422."""
    page, keys = visit.page, list[str]()

    def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    page.route("**/api/datas", lose)
    for data in ("one", "one", "two"):
        create(page, data)
        expect(page.locator("#record-fault")).to_contain_text("No answer came")
    page.unroute("**/api/datas")
    create(page, "two")
    answer(page, "POST", "201")
    assert keys[0] == keys[1] != keys[2]
    visit.faults.clear()


@pytest.mark.slow
def test_a_late_answer_does_not_take_the_table(visit: Visit) -> None:
    """Else Delete and Edit would stand beside records that nobody asked for any more."""
    page, held = visit.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    for count, data in enumerate(("pear", "plum"), 1):
        create(page, data)
        expect(page.locator("#list tbody tr")).to_have_count(count)
    page.route("**/api/datas?*q=pear*", hold)
    for data in ("pear", "plum"):
        with page.expect_request(f"**/api/datas?*q={data}*"):
            page.get_by_role("searchbox").fill(data)
            page.keyboard.press("Enter")
    answer(page, "q=plum", "200")
    held[0].continue_()
    answer(page, "q=pear", "200")
    expect(page.locator("#list tbody .data div:first-child")).to_have_text(["plum"])


@pytest.mark.slow
def test_a_long_list_is_read_whole(visit: Visit, server: Server) -> None:
    """Of its text only the beginning is shown, and its next page is offered all the same."""
    page = visit.page
    lines = b'{"data": "%s"}\n' % (b"x" * 255) * 301
    headers = {"Content-Type": "application/x-ndjson"}
    assert server.request("POST", "/api/datas/bulk", lines, headers).status == 201
    page.evaluate("location.hash = '#lesson=7'")
    send(page, "GET", "/api/datas?limit=300")
    answer(page, "limit=300", "200")
    expect(page.locator("#answer .body").first).to_contain_text("… (the beginning of ")
    expect(page.locator("#lesson-steps .done")).to_have_count(1)
    page.get_by_role("button", name="Read the next page").click()
    answer(page, "after=", "200")


@pytest.mark.slow
def test_numbers_keep_their_digits(visit: Visit) -> None:
    """Integers above 2^53 become texts; what is behind a point is no integer."""
    written = (
        '[0.30000000000000004, -0.1e-00000000000000001, "1234567890123456789", -9007199254740993]'
    )
    read = visit.page.evaluate(
        "async (text) => (await import('/console/json.js')).parse(text)", written
    )
    assert read == [*json.loads(written)[:3], "-9007199254740993"]


@pytest.mark.slow
def test_starting_over_takes_one_answer_each_time(visit: Visit) -> None:
    """A dialog keeps its last answer: some browsers give it again after Escape, as close() does."""
    page = visit.page
    done = page.locator("#lesson-list .done")
    dialog = page.get_by_role("dialog")
    for count in (0, 1):
        page.evaluate("location.hash = '#lesson=1'")
        create(page, "hello")
        expect(done).to_have_count(1)
        page.locator("#lesson-count").click()
        page.locator("#lesson-reset").click()
        if count:
            dialog.evaluate("(it) => new Promise((end) => { it.onclose = end; it.close(); })")
        else:
            dialog.get_by_role("button", name="Start over").click()
        expect(done).to_have_count(count)


@pytest.mark.slow
def test_an_empty_text_is_not_null(library: Page) -> None:
    """Null is left out of a new record; an empty text is sent if one says that it is no null."""
    library.locator("#record [name=title]").fill("Solaris")
    library.get_by_role("checkbox", name="isbn is null").uncheck()
    with library.expect_request("**/api/books") as sent:
        library.get_by_role("button", name="Create", exact=True).click()
    assert '"isbn": ""' in (sent.value.post_data or "")
    answer(library, "POST", "400")


@pytest.mark.slow
def test_a_lesson_is_about_one_collection(library: Page) -> None:
    """It shows that one; and if the form is closed, the other person has nothing to change."""
    page, steps = library, library.locator("#lesson-steps .done")
    page.locator("#record [name=title]").fill("Solaris")
    page.get_by_role("button", name="Create", exact=True).click()
    answer(page, "POST", "201")
    page.get_by_label("Collection").select_option("authors")
    expect(page.locator("#list tbody tr")).to_have_count(0)
    page.evaluate("location.hash = '#lesson=9'")
    for count in (1, 0, 1):
        page.get_by_role("button", name="Edit book 1").click() if count else page.keyboard.press(
            "Escape"
        )
        expect(steps).to_have_count(count)
    page.get_by_role("button", name="Be the other person").click()
    answer(page, "PATCH /api/books/1", "200")
    expect(steps).to_have_count(2)


@pytest.mark.slow
def test_what_happened_inside_is_drawn(visit: Visit) -> None:
    """The parts that a request went through, its SQL, and the part where an error stopped it."""
    page = visit.page
    create(page, "hello")
    answer(page, "POST", "201")
    expect_told(page, r"through http .* service .* adapters .* database [\d.]+ ms\.$")
    page.locator("#answer").get_by_role("button", name="database").click()
    expect(page.locator(".about")).to_contain_text('INSERT INTO "datas"')
    assert "hello" not in page.locator(".about").inner_text()
    for path, part in (("/api/datas/x", "http"), ("/api/datas/99", "adapters")):
        send(page, "GET", path)
        answer(page, path, "404")
        expect_told(page, rf"It stopped in {part}\.$")
    headers = 'If-Match: "9"\nContent-Type: application/json'
    send(page, "PUT", "/api/datas/1", headers, '{"data": "x"}')
    answer(page, "PUT", "412")
    expect_told(page, r"It stopped in service\.$")


@pytest.mark.slow
def test_a_server_that_lacks_what_lessons_need_says_so_at_once(
    browser: Browser, start: Start
) -> None:
    """No explain mode, no anonymous writers: with the way there, and a warning."""
    server = start(DATAS_ACCESS="authenticated")
    with browser.new_context() as context:
        visit = opened(context.new_page(), server.port)
        notice = visit.page.locator("#lesson-notice")
        expect(notice).to_contain_text("sign in before the first lesson")
        expect(notice).to_contain_text("not in explain mode")
        notice.get_by_role("button", name="How to get there").click()
        expect(visit.page.locator("#lesson-how")).to_contain_text("make run")
        expect(visit.page.locator("#lesson-how")).to_contain_text("not for production")
        visit.page.keyboard.press("Escape")
        send(visit.page, "GET", "/api/datas")
        shown = answer(visit.page, "GET", "200")
        expect(shown).to_contain_text("DATAS_EXPLAIN=true")
        shown.get_by_text("The request as it was sent").click()
        expect(shown).to_contain_text("headers that no page can see")
        tab(visit.page, "Other clients")
        expect(visit.page.locator("#clients-said")).to_contain_text("not in explain mode")
        assert visit.outside == []
        assert [it for it in visit.faults if "404" not in it] == []


@pytest.mark.slow
def test_no_other_server_is_talked_to(visit: Visit) -> None:
    """Whatever path is typed: a token must not go elsewhere."""
    for path in ("https://192.0.2.1/", "//192.0.2.1/api/datas"):
        send(visit.page, "GET", path)
        expect(visit.page.locator("#free-fault")).to_contain_text("its own server alone")


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


@pytest.mark.slow
@pytest.mark.parametrize("path", ["http://[", "http://user@127.0.0.1:{port}/"])
def test_what_is_no_path_is_told(visit: Visit, server: Server, path: str) -> None:
    """Nothing is sent, and the browser's own words aren't shown."""
    send(visit.page, "GET", path.format(port=server.port))
    expect(visit.page.locator("#free-fault")).to_have_text(
        re.compile(r"This is no path|no password in an address")
    )


@pytest.mark.slow
def test_what_a_browser_refuses_is_told(visit: Visit) -> None:
    """In words that say what to do, beside the form; they go with the next request."""
    page = visit.page
    fault = page.locator("#free-fault")
    for text, (method, headers, *body) in MISTAKES.items():
        send(page, method, "/api/datas", headers, *body)
        expect(fault).to_contain_text(text)
    send(page, "get", "/api/datas?limit=1")
    answer(page, "GET /api/datas?limit=1", "200")
    expect(fault).to_be_empty()


@pytest.mark.slow
def test_a_body_without_a_type_is_explained_afterwards(visit: Visit) -> None:
    """Not before: the mistake is allowed, and its 415 shows what the header is for."""
    page = visit.page
    send(page, "POST", "/api/datas", "", '{"data": "hello"}')
    answer(page, "POST", "415")
    expect(page.locator("#free-fault")).to_contain_text("Content-Type: application/json")
    send(page, "POST", "/api/datas", "Content-Type: application/json", '{"data": "hello"}')
    answer(page, "POST", "201")
    expect(page.locator("#free-fault")).to_be_empty()


@pytest.mark.slow
def test_when_the_server_is_gone_the_page_says_so(visit: Visit, server: Server) -> None:
    """And what to do, beside the form and in the answer."""
    page = visit.page
    send(page, "GET", "/api/datas/1")
    answer(page, "GET /api/datas/1", "404")
    server.stop()
    page.locator("#free").get_by_role("button", name="Send").click()
    expect(page.locator("#free-fault")).to_contain_text("Is the server running?")
    expect(page.locator("#answer")).to_contain_text("Is the server running?")
    assert visit.faults
    visit.faults.clear()


@pytest.mark.slow
def test_secrets_are_blanked_wherever_they_are_shown(visit: Visit, server: Server) -> None:
    """A password and a token, in the answers, among other clients' requests, and as curl."""
    page = visit.page
    sign_in(page, "Register", "Sign in", "Ask who I am")
    token = page.evaluate("JSON.parse(sessionStorage['datas-session']).token")
    seen = ""
    for _ in range(3):
        for summary in page.locator("#answer summary").all():
            summary.click()
        for language in ("curl", "HTTPie", "Python"):
            page.locator("#answer").get_by_role("button", name=language, exact=True).click()
            expect(page.locator("#answer pre")).not_to_be_empty()
            seen += page.locator("#answer").inner_text()
        page.locator("#older").click(force=True)
    tab(page, "Other clients")
    entries = page.locator("#client-list button")
    expect(entries.filter(has_text="POST /api/tokens")).to_have_count(1)
    for entry in entries.all():
        entry.click()
        seen += page.locator("#answer").inner_text()
    assert "POST /api/tokens" in seen
    assert "correct horse" not in seen
    assert token[12:] not in seen


@pytest.mark.slow
def test_other_clients_requests_come_in_within_two_seconds(visit: Visit, server: Server) -> None:
    """Whichever worker answered, with their way through the server; and the table shows the new."""
    page = visit.page
    expect(page.locator("#list-empty")).to_be_visible()
    tab(page, "Other clients")
    expect(page.locator("#client-list li").first).to_be_visible()
    for number in range(6):
        headers = {"User-Agent": f"tester{number}/1.0"}
        assert server.request("POST", "/api/datas", {"data": "theirs"}, headers).status == 201
        expect(page.locator("#client-list li").first).to_contain_text(
            f"tester{number}", timeout=2_000
        )
        answer(page, "POST /api/datas", "201")
        expect_told(page, "database")
    tab(page, "Records")
    expect(page.locator("#list tbody tr").first).to_contain_text("theirs")


@pytest.mark.slow
def test_only_what_is_known_whole_can_be_copied(visit: Visit, server: Server) -> None:
    """Of another client's request; what browsers load isn't told, and a monitor takes no answer."""
    page = visit.page
    tab(page, "Other clients")
    entries = page.locator("#client-list li")
    expect(entries.first).to_be_visible()
    curl = page.locator("#answer").get_by_role("button", name="curl", exact=True)
    server.request("POST", "/api/datas", {"data": "theirs"})
    answer(page, "POST /api/datas", "201")
    curl.click()
    copied = page.locator("#answer pre")
    expect(copied).to_contain_text("-H 'Content-Type: application/json' --data-raw '{")
    assert not re.search("host:|content-length:|accept-encoding:", copied.inner_text().lower())
    lines = b'{"data": "theirs"}\n' * 200
    headers = {"Content-Type": "application/x-ndjson"}
    assert server.request("POST", "/api/datas/bulk", lines, headers).status == 201
    answer(page, "POST /api/datas/bulk", "201")
    expect(curl).to_have_count(0)
    server.request("GET", "/healthz")
    expect(entries.first).to_contain_text("/healthz")
    answer(page, "POST /api/datas/bulk", "201")
    assert ".json" not in page.locator("#client-list").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("target", ["//evil.example/x", "//a:99999/", "http://evil.example/x"])
def test_a_request_that_names_another_host_is_shown_and_never_copied(
    visit: Visit, server: Server, target: str
) -> None:
    """A copy would send the token there; and what is no address keeps no other request out."""
    page = visit.page
    tab(page, "Other clients")
    expect(page.locator("#client-list li").first).to_be_visible()
    raw = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(raw.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
    entry = page.locator("#client-list button").filter(has_text=target)
    entry.first.click()
    expect(page.locator("#answer")).to_contain_text(target)
    expect(page.locator("#answer").get_by_role("button", name="curl", exact=True)).to_have_count(0)


@pytest.mark.slow
def test_what_another_client_sent_is_copied_without_control_characters(
    visit: Visit, server: Server
) -> None:
    """A terminal would obey Ctrl+C in what is pasted, and run the rest as a command."""
    page = visit.page
    tab(page, "Other clients")
    expect(page.locator("#client-list li").first).to_be_visible()
    body = b"{'data': 'x\x03\ntouch it\n\x1b[201~\\n'"
    headers = {"Content-Type": "application/json"}
    assert server.request("POST", "/api/datas", body, headers).status == 400
    answer(page, "POST /api/datas", "400")
    page.locator("#answer").get_by_role("button", name="curl", exact=True).click()
    expect(page.locator("#answer pre").last).to_contain_text("--data-raw")
    copied = page.locator("#answer pre").last.inner_text()
    assert copied.isprintable(), repr(copied)
    word = copied.partition("--data-raw ")[2]
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == body


@pytest.mark.slow
def test_who_registers_is_told_what_comes_next(visit: Visit) -> None:
    """In the form itself; a refusal takes its place, and so does signing in."""
    page = visit.page
    said = page.locator("#session-said")
    sign_in(page, "Register")
    expect(said).to_have_text("alice is registered: now sign in.")
    sign_in(page, "Register")
    expect(page.locator("#session-fault")).not_to_be_empty()
    expect(said).to_be_empty()
    sign_in(page, "Sign in")
    expect(page.locator("#session-who")).to_have_text("Signed in as alice")
    expect(page.locator("#session-fault")).to_be_empty()


@pytest.mark.slow
def test_who_must_sign_in_is_told(browser: Browser, start: Start) -> None:
    """Where only users write, a refusal says what to do; signed in, the same form works."""
    server = start(DATAS_ACCESS="authenticated", DATAS_REGISTRATION="open")
    alice = {"username": "alice", "password": "correct horse"}
    server.request("POST", "/api/users", alice)
    with browser.new_context() as context:
        visit = opened(page := context.new_page(), server.port)
        create(page, "hers")
        expect(page.locator("#record-fault")).to_contain_text("token")
        sign_in(page, "Sign in")
        expect(page.locator("#session-who")).to_have_text("Signed in as alice")
        tab(page, "Records")
        page.get_by_role("button", name="Create", exact=True).click()
        expect(page.locator("#list .data div").first).to_have_text("hers")
        # A token that was revoked elsewhere is forgotten, and the page is of use again.
        token = page.evaluate("JSON.parse(sessionStorage['datas-session']).token")
        bearer = {"Authorization": f"Bearer {token}"}
        assert server.request("GET", "/api/datas/1").json["data"]["owner"] == "alice"
        assert server.request("DELETE", "/api/tokens/current", headers=bearer).status == 200
        page.get_by_role("button", name="Read item 1").click()
        answer(page, "GET", "401")
        page.get_by_role("button", name="Read item 1").click()
        answer(page, "GET", "200")
        tab(page, "Sign in")
        expect(page.locator("#session-who")).to_contain_text("sign in")
        assert visit.outside == visit.faults == []


@pytest.mark.slow
def test_another_language_is_another_file(browser: Browser, server: Server) -> None:
    """Every text that a visitor sees is in it: here each one is in brackets."""

    def marked(value: Any) -> Any:
        if isinstance(value, str):
            return f"«{value}»"
        if isinstance(value, list):
            return [marked(each) for each in value]
        return {key: marked(each) for key, each in value.items()}

    def translate(route: Route) -> None:
        english = server.request("GET", "/console/texts.en.json").json
        route.fulfill(json=marked(english))

    def announce(route: Route) -> None:
        page = server.request("GET", "/").content.decode()
        route.fulfill(
            body=page.replace('languages="en"', 'languages="en eo"'), content_type="text/html"
        )

    with browser.new_context(locale="eo") as context:
        page: Page = context.new_page()
        page.route("**/console/texts.eo.json", translate)
        page.route(f"http://127.0.0.1:{server.port}/", announce)
        page.goto(f"http://127.0.0.1:{server.port}/")
        expect(page.locator("#lesson-title")).to_have_text("«Create your first item»")
        assert page.evaluate("document.documentElement.lang") == "eo"
        buttons = page.locator("main button, #lesson button").all_inner_texts()
        assert buttons
        assert [text for text in buttons if text and "«" not in text] == []
