"""The console in a real browser, for its tests: how to open it, and its forms."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Visit

# As `make run` starts it.
LEARNING = {"DATAS_ACCESS": "open", "DATAS_REGISTRATION": "open", "DATAS_EXPLAIN": "true"}
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifts += value;
}).observe({ type: "layout-shift", buffered: true });
"""


def opened(page: Page, port: int) -> Visit:
    """A visit of the console, when it is ready."""
    visit = Visit(page, f"http://127.0.0.1:{port}")
    page.add_init_script(SHIFTS)
    page.goto(visit.origin)
    expect(page.locator("body:not([aria-busy])")).to_be_attached()
    return visit


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def create(page: Page, data: str) -> None:
    page.get_by_role("textbox", name="data").fill(data)
    page.get_by_role("button", name="Create", exact=True).click()


def edit(page: Page, data: str) -> None:
    page.get_by_role("button", name="Edit item").first.click()
    page.get_by_role("textbox", name="data").fill(data)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def send(page: Page, method: str, path: str, headers: str = "", body: str = "") -> None:
    tab(page, "Send anything")
    form = page.locator("#free")
    for name, value in {"Verb": method, "Path": path, "Headers": headers, "Body": body}.items():
        form.get_by_label(name).fill(value)
    form.get_by_role("button", name="Send").click()


def sign_in(page: Page, *buttons: str) -> None:
    """Type who alice is, and press these buttons."""
    tab(page, "Sign in")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("correct horse")
    for name in buttons:
        with page.expect_response("**/api/**"):
            page.locator("#session").get_by_role("button", name=name, exact=True).click()


def answer(page: Page, title: str, status: str) -> Locator:
    """The answer that is shown, once it is this one."""
    expect(page.locator("#answer-title")).to_contain_text(title)
    expect(page.locator("#answer .wire > .kind").first).to_contain_text(status)
    return page.locator("#answer")


def expect_told(page: Page, text: str) -> None:
    """The picture of the inside says this, a regular expression, to those who hear the page.

    It is drawn shortly after the title of its answer.
    """
    picture = page.locator("#answer").get_by_role("img")
    expect(picture).to_have_attribute("aria-label", re.compile(text))
