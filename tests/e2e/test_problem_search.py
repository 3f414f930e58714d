"""Problem pages in a real browser: readable in light and dark, wide and narrow; searched."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import Visit, violations
from tests.e2e.conftest import Server, Start

pytestmark = pytest.mark.slow

PHONE = {"viewport": {"width": 390, "height": 844}}
SCHEMES = [{"color_scheme": "light"}, {"color_scheme": "dark"}]


@pytest.fixture
def server(start: Start) -> Server:
    """A server for learners."""
    return start("--workers", "1", DATAS_EXPLAIN="true")


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh page; at its end nothing may have gone wrong, nor asked for anything outside."""
    with browser.new_context(**getattr(request, "param", {})) as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{server.port}")
        yield visit
        assert visit.outside == []
        assert visit.faults == []


@pytest.mark.parametrize("visit", SCHEMES, ids=["light", "dark"], indirect=True)
def test_axe_finds_nothing_on_problem_pages(visit: Visit) -> None:
    """The list, and pages with and without examples."""
    for path in ("", "/unauthenticated", "/injected-fault", "/internal-error"):
        visit.page.goto(f"{visit.origin}/problems{path}")
        assert violations(visit.page) == []


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_a_phone_shows_every_page_in_its_width(visit: Visit) -> None:
    """Nothing makes the page scroll sideways."""
    for path in ("/problems", "/problems/unauthenticated"):
        visit.page.goto(f"{visit.origin}{path}")
        expect(visit.page.get_by_role("navigation", name="Pages")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390


def test_problems_are_searched_as_one_types(visit: Visit) -> None:
    """By status, by a word of the text or by code; groups without a match are left out."""
    page = visit.page
    page.goto(f"{visit.origin}/problems")
    rows, search = page.locator("#groups li:visible"), page.get_by_role("searchbox")
    every = rows.count()
    search.fill("412")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("1 problem")
    expect(page.get_by_role("heading", level=2)).to_have_text("What is stored")
    search.fill("version-mism")
    expect(rows).to_have_count(1)
    search.fill("json nonsense")
    expect(rows).to_have_count(0)
    search.fill("")
    expect(rows).to_have_count(every)
    rows.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The body is not JSON")
    page.get_by_role("link", name="All problems").click()
    expect(rows).to_have_count(every)


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_javascript_the_list_is_whole(visit: Visit) -> None:
    """And has no search that would do nothing."""
    visit.page.goto(f"{visit.origin}/problems")
    expect(visit.page.get_by_role("searchbox")).to_have_count(0)
    assert visit.page.locator("#groups li:visible").count() > 20
