"""Swagger UI in a real browser, with no way out to anywhere but the server."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.browser import Visit, violations
from tests.e2e.conftest import Server, Start

pytestmark = pytest.mark.slow


@pytest.fixture
def server(start: Start) -> Server:
    """A server on which anyone may write."""
    return start(DATAS_ACCESS="open")


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """A fresh page; at its end nothing may have gone wrong, nor asked for anything outside."""
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        yield visit
        assert visit.outside == []
        assert visit.faults == []


def _unfold(page: Page, method: str, path: str) -> Locator:
    summary = page.locator(f'[data-path="{path}"]')
    operation = page.locator(f".opblock-{method}").filter(has=summary)
    operation.locator(".opblock-summary-control").click()
    return operation


def _execute(operation: Locator, body: str = "", item_id: str = "") -> int:
    """Fill in what is given, leave the rest as the page has it; the status that was answered."""
    if item_id:
        operation.get_by_placeholder("item_id").fill(item_id)
    if body:
        operation.locator("textarea.body-param__text").fill(body)
    with operation.page.expect_response("**/api/datas**") as answer:
        operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table tbody .response-col_status").first
    expect(live).to_contain_text(str(answer.value.status))
    return answer.value.status


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_an_item_is_created_from_the_docs(visit: Visit, server: Server, path: str) -> None:
    """Open, unfold, type, execute: the live response is 201, and the item is there."""
    visit.page.goto(visit.origin + path)
    create = _unfold(visit.page, "post", "/api/datas")
    assert _execute(create, '{"data": "from the docs"}') == 201
    live = create.locator(".live-responses-table tbody .response-col_description")
    expect(live.first).to_contain_text("from the docs")
    items = server.request("GET", "/api/datas").json["data"]
    assert [item["data"] for item in items] == ["from the docs"]


def test_a_newcomer_needs_no_optional_field(visit: Visit) -> None:
    """None is filled in with an example: it would make every second try a 304, 412 or 422."""
    visit.page.goto(f"{visit.origin}/docs")
    create = _unfold(visit.page, "post", "/api/datas")
    assert _execute(create, '{"data": "one"}') == 201
    assert _execute(create, '{"data": "two"}') == 201
    one = "/api/datas/{item_id}"
    replace = _unfold(visit.page, "put", one)
    assert _execute(replace, '{"data": "ONE"}', item_id="1") == 200
    assert _execute(replace, '{"data": "one"}', item_id="1") == 200
    assert _execute(_unfold(visit.page, "get", one), item_id="2") == 200
    assert _execute(_unfold(visit.page, "delete", one), item_id="2") == 200


@pytest.mark.parametrize("access", ["authenticated", "open"])
def test_authorize_sends_the_token(browser: Browser, start: Start, access: str) -> None:
    """Sign in by hand, give the token to the page, and write as oneself, needed or not."""
    server = start(DATAS_ACCESS=access, DATAS_REGISTRATION="open")
    alice = {"username": "alice", "password": "correct horse"}
    server.request("POST", "/api/users", alice)
    token = server.request("POST", "/api/tokens", alice).json["data"]["token"]
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        visit.page.goto(f"{visit.origin}/docs")
        visit.page.get_by_role("button", name="Authorize").click()
        dialog = visit.page.locator(".modal-ux")
        dialog.get_by_role("textbox").fill(token)
        dialog.get_by_role("button", name="Apply credentials").click()
        dialog.get_by_role("button", name="Close").click()
        create = _unfold(visit.page, "post", "/api/datas")
        assert _execute(create, '{"data": "hers"}') == 201
        assert visit.outside == visit.faults == []
    assert server.request("GET", "/api/datas/1").json["data"]["owner"] == "alice"


@pytest.mark.parametrize(("access", "locks"), [("open", 0), ("authenticated", 1)])
def test_padlocks_stand_where_a_token_is_needed(
    browser: Browser, start: Start, access: str, locks: int
) -> None:
    """And are open until there is one: what anybody may do has none."""
    server = start(DATAS_ACCESS=access)
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        visit.page.goto(f"{visit.origin}/docs")
        operations = visit.page.locator(".opblock")
        here = operations.filter(has=visit.page.locator('[data-path="/api/datas"]'))
        expect(here.locator(".opblock-summary-control")).to_have_count(2)
        assert here.locator(".authorization__btn").count() == locks
        assert visit.page.get_by_label("authorization button locked").count() == 0
        assert visit.page.get_by_label("authorization button unlocked").count() > 0


def test_every_part_of_the_docs_keeps_the_policy(visit: Visit) -> None:
    """Operations and schemas all unfold, without a style or script that the policy forbids."""
    visit.page.goto(f"{visit.origin}/docs")
    expect(visit.page.locator(".opblock").first).to_be_visible()
    # By the page itself: to find each of them under a pointer takes two minutes.
    unfold = "selector => document.querySelectorAll(selector).forEach(it => it.click())"
    visit.page.locator(".models-control").click()
    expect(visit.page.locator(".models .json-schema-2020-12-accordion").first).to_be_visible()
    visit.page.evaluate(unfold, ".models .json-schema-2020-12-accordion")
    visit.page.evaluate(unfold, ".opblock-summary-control")
    unfolded = visit.page.locator(".opblock.is-open")
    expect(unfolded).to_have_count(visit.page.locator(".opblock").count())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_docs_can_be_read_and_what_is_ours_has_no_fault(
    visit: Visit, scheme: Literal["light", "dark"]
) -> None:
    """With operations open, one of them executed, and with the schemas."""
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{visit.origin}/docs")
    assert _execute(_unfold(page, "post", "/api/datas"), '{"data": "x"}') == 201
    _unfold(page, "put", "/api/datas/{item_id}")
    _unfold(page, "delete", "/api/datas/{item_id}")
    page.locator(".models-control").click()
    expect(page.locator(".models .json-schema-2020-12-accordion").first).to_be_visible()
    found = violations(page)
    assert [target for rule, target in found if rule == "color-contrast"] == []
    inside = "target => Boolean(document.querySelector(target).closest('#swagger-ui *'))"
    assert [each for each in found if not page.evaluate(inside, each[1])] == []


def test_the_guard_sees_what_a_page_does_wrong(browser: Browser, server: Server) -> None:
    """A request elsewhere, an inline script, an error: the tests above would not miss them."""
    with browser.new_context() as context:
        visit = Visit(page := context.new_page(), f"http://127.0.0.1:{server.port}")
        page.goto(f"{visit.origin}/docs")
        page.evaluate("fetch('http://192.0.2.1/a').catch(() => {})")
        page.evaluate(
            "document.head.append(Object.assign(document.createElement('script'), {text: 'x'}))"
        )
        with page.expect_event("pageerror"):
            page.evaluate("setTimeout(() => { throw Error('thrown') }, 100)")
        with page.expect_event("requestfailed"):
            page.evaluate("location = 'http://192.0.2.1/b'")
        told = " ".join(visit.faults)
        assert "connect-src http://192.0.2.1/a" in told
        assert "script-src-elem inline" in told
        assert "thrown" in told
        assert visit.outside == ["http://192.0.2.1/b"]
