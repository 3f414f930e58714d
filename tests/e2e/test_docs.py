"""Swagger UI in a real browser, with no way out to anywhere but the server."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from tests.e2e.conftest import Server, Start

pytestmark = pytest.mark.slow

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What the page's policy forbids is told to the document alone; the console may leave some out.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    executable = shutil.which("chromium")
    if executable is None:
        assert os.environ.get("CI") != "true", "chromium is not installed"
        pytest.skip("chromium is not installed (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page that can reach one server, and what went wrong on it."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(REPORT_VIOLATIONS)
        self.page.route("**/*", self._guard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("requestfailed", lambda request: self.faults.append(request.url))
        self.page.on(
            "console",
            lambda message: (
                self.faults.append(message.text) if message.type in ("error", "warning") else None
            ),
        )

    def _guard(self, route: Route) -> None:
        if route.request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


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


def _operation(page: Page, method: str, path: str) -> Locator:
    summary = page.locator(f'[data-path="{path}"]')
    return page.locator(f".opblock-{method}").filter(has=summary)


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_an_item_is_created_from_the_docs(visit: Visit, server: Server, path: str) -> None:
    """Open, expand, type, execute: the live response is 201, and the item is there."""
    visit.page.goto(visit.origin + path)
    create = _operation(visit.page, "post", "/api/datas")
    create.locator(".opblock-summary-control").click()
    create.locator("textarea.body-param__text").fill('{"data": "from the docs"}')
    create.get_by_role("button", name="Execute").click()
    live = create.locator(".live-responses-table tbody .response").first
    expect(live.locator(".response-col_status")).to_contain_text("201")
    expect(live.locator(".response-col_description")).to_contain_text("from the docs")
    items = server.request("GET", "/api/datas").json["data"]
    assert [item["data"] for item in items] == ["from the docs"]


def test_every_part_of_the_docs_keeps_the_policy(visit: Visit) -> None:
    """Operations and schemas all unfold, without a style or script that the policy forbids."""
    visit.page.goto(f"{visit.origin}/docs")
    closed = visit.page.locator(".opblock:not(.is-open) .opblock-summary-control")
    expect(closed.first).to_be_visible()
    while closed.count():
        closed.first.click()
    for unfold in visit.page.locator(".models .json-schema-2020-12-accordion").all():
        unfold.click()
    expect(visit.page.locator(".opblock.is-open .opblock-body").last).to_be_visible()


def test_the_guard_sees_what_a_page_does_wrong(browser: Browser, server: Server) -> None:
    """A request elsewhere, an inline script, an error: the tests above would not miss them."""
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        visit.page.goto(f"{visit.origin}/docs")
        visit.page.evaluate("fetch('http://192.0.2.1/').catch(() => {})")
        visit.page.evaluate(
            "document.head.append(Object.assign(document.createElement('script'), {text: 'x'}))"
        )
        visit.page.evaluate("setTimeout(() => { throw Error('thrown') })")
        visit.page.wait_for_timeout(200)
        told = " ".join(visit.faults)
        assert "connect-src http://192.0.2.1/" in told
        assert "script-src-elem inline" in told
        assert "thrown" in told
