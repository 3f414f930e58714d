"""Every lesson of the console in a real browser, at three sizes, with several collections too."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Start
from tests.e2e.console import LEARNING, answer, opened, tab
from tests.e2e.lessons import LESSONS, SIZES, Learner, learn
from tests.served import ROUTE

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
LIBRARY = LEARNING | {"DATAS_COLLECTIONS": "library:COLLECTIONS", "PYTHONPATH": str(EXAMPLES)}
# The lesson about a lost response makes the browser say that it got none.
LOST = (ROUTE, "/api/books", "net::ERR_EMPTY_RESPONSE")


@pytest.mark.parametrize("settings", [LEARNING, LIBRARY], ids=["items", "library"])
@pytest.mark.parametrize("size", SIZES)
def test_every_lesson_is_done_in_one_view(
    browser: Browser, start: Start, size: str, settings: dict[str, str]
) -> None:
    """What a step needs is in sight, whatever was done before, and the page never scrolls."""
    server = start(**settings)
    width, height = SIZES[size]
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        visit = opened(page := context.new_page(), server.port)
        learner = Learner(page)
        for title in LESSONS:
            learn(learner, title)
            learner.press(page.locator("#lesson-next"))
        _finish(page, len(LESSONS))
        assert visit.outside == []
        assert [fault for fault in visit.faults if not fault.endswith(LOST)] == []


def _finish(page: Page, count: int) -> None:
    """After the last lesson: the terminal, the code; and all of it again, if one says so twice."""
    expect(page.locator("#lesson-count")).to_contain_text(f"{count} of {count} lessons done")
    expect(page.locator("#end")).to_contain_text("curl -i -X POST")
    expect(page.locator("#end")).to_contain_text("RecordService.create")
    expect(page.locator("#end")).to_contain_text("docs/add-a-field.md")
    page.reload()
    expect(page.locator("#lesson-count")).to_contain_text(f"{count} of {count} lessons done")
    for answer_given in ("Keep my progress", "Start over"):
        expect(page.locator("#lesson-count")).to_contain_text(f"{count} of {count} lessons done")
        page.locator("#lesson-count").click()
        page.locator("#lesson-reset").click()
        page.get_by_role("dialog").get_by_role("button", name=answer_given).click()
    expect(page.locator("#lesson-count")).to_contain_text("Lesson 1 of")
    expect(page.locator("#lesson-list .done")).to_have_count(0)


def test_a_collection_of_ones_own_has_a_working_console(browser: Browser, start: Start) -> None:
    """Books, with every kind of field, and authors: without a line for them on the page."""
    server = start(**LIBRARY)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        visit = opened(page := context.new_page(), server.port)
        expect(page.locator(".brand")).to_have_text("Library")
        _create_an_author(page)
        _create_a_book(page)
        book = server.request("GET", "/api/books/1").json["data"]
        told = ("title", "pages", "price", "isbn", "status", "published", "in_print", "author_id")
        assert {name: book[name] for name in (*told, "tags")} == {
            "title": "Solaris",
            "pages": 204,
            "price": "9.50",
            "isbn": None,
            "status": "reference",
            "published": "1961-06-01",
            "in_print": False,
            "tags": ["science, fiction", "sea"],
            "author_id": 1,
        }
        _change_the_book(page)
        book = server.request("GET", "/api/books/1").json["data"]
        assert (book["pages"], book["tags"], book["version"]) == (None, ["sea"], 2)
        _filter_books(page)
        _send_a_large_integer(page)
        assert visit.outside == visit.faults == []


def _create_an_author(page: Page) -> None:
    page.get_by_label("Collection").select_option("authors")
    page.locator("#record [name=name]").fill("Stanisław Lem")
    page.locator("#record [name=born]").fill("1921")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#list tbody")).to_contain_text("Stanisław Lem")
    expect(page.locator("#list tbody")).to_contain_text("1921")
    page.get_by_label("Collection").select_option("books")


def _create_a_book(page: Page) -> None:
    texts = {"title": "Solaris", "pages": "204", "price": "9.50", "published": "1961-06-01"}
    for name, text in (texts | {"author_id": "1", "tags": "science, fiction\nsea"}).items():
        page.locator(f"#record [name={name}]").fill(text)
    page.locator("#record [name=status]").select_option("reference")
    page.get_by_role("switch", name="in_print").uncheck()
    page.get_by_role("button", name="Create", exact=True).click()
    answer(page, "POST", "201")
    expect(page.locator("#list tbody")).to_contain_text("price 9.50")


def _change_the_book(page: Page) -> None:
    page.get_by_role("button", name="Edit book 1").click()
    page.get_by_role("checkbox", name="pages is null").check()
    page.locator("#record [name=tags]").fill("sea")
    page.get_by_role("button", name="Save").click()
    answer(page, "PUT", "200")


def _filter_books(page: Page) -> None:
    page.get_by_text("Filters").click()
    page.locator("#filters [name=status]").select_option("on-shelf")
    expect(page.locator("#list-empty")).to_contain_text("No book matches.")
    page.locator("#filters [name=status]").select_option("reference")
    page.locator("#filters [name=price_to]").fill("20.00")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list tbody")).to_contain_text("Solaris")


def _send_a_large_integer(page: Page) -> None:
    """JavaScript's numbers would make another one of it."""
    tab(page, "Records")
    page.locator("#record [name=title]").fill("Large")
    page.locator("#record [name=author_id]").fill("9007199254740993")
    with page.expect_request("**/api/books") as sent:
        page.get_by_role("button", name="Create", exact=True).click()
    assert '"author_id": 9007199254740993' in (sent.value.post_data or "")
    expect(page.locator("#record-fault")).to_contain_text("author_id")
