"""The pages of `docs/`, done to a copy of the project as they say, step by step."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.copies import ROOT, Copy, Use, do_the_first_lesson, use_over_http
from tests.pages import patched

DOCS = ROOT / "docs"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The project as it stands in the working tree."""
    return Copy(tmp_path)


@pytest.mark.slow
def test_a_field_is_added_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """In four product files; the changed project passes its tests, and the field is served."""
    page = (DOCS / "add-a-field.md").read_text()
    files = set(re.findall(r"^(?:In|Make) `(datas/.+)`:$", page, re.MULTILINE))
    assert len(files) <= 4
    assert len(page.splitlines()) <= 150
    copy.follow(page)
    copy.test()
    rated = {"data": "tea", "stars": 4}
    copy.use(Use("/api/datas", "items", rated, "stars_from=4&stars_to=5", "ItemDraft"), browser)
    unrated = {"data": "no tea", "stars": None}
    copy.use(Use("/api/datas", "items", unrated, "q=no", "ItemDraft"), browser)


@pytest.mark.parametrize("text", ["other\n", "place\nplace\n", "a place\n"])
def test_a_block_needs_its_place_once(text: str) -> None:
    """A page whose place is gone, or isn't the only one, is wrong."""
    with pytest.raises(AssertionError, match="places, not one, that read:\nplace"):
        patched(text, " place\n+more\n")


def test_a_block_changes_what_it_shows_and_nothing_else() -> None:
    """It adds, removes and replaces whole lines, at several places."""
    text = "one\ntwo\n\nthree\nfour"
    assert patched(f"{text}\n", "-one\n@@\n two\n \n-three\n+3\n") == "two\n\n3\nfour\n"
    assert patched(f"{text}\n", " four\n+five\n") == f"{text}\nfive\n"


@pytest.mark.slow
def test_an_adapter_is_swapped_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """The new store keeps the contract of all stores; a server with it keeps items when it ends."""
    adapter, use = (DOCS / "swap-an-adapter.md").read_text().split("\n## 3. ")
    copy.follow(adapter)
    copy.test("tests/unit/test_json_file.py", "tests/contract", "-k", "json")
    copy.follow(use)
    items = Use("/api/datas", "items", {"data": "tea"}, "q=tea", "ItemDraft")
    with copy.served(items) as server:
        use_over_http(server, items)
        do_the_first_lesson(server, browser, items)
    with copy.served(items) as server:
        [item] = server.request("GET", "/api/datas").json["data"]
    assert item["data"] == "tea"
    assert "tea" in (copy.folder / "items.json").read_text()


def section(heading: str) -> str:
    """One part of the page on making it yours."""
    return (DOCS / "make-it-yours.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.slow
def test_a_package_of_ones_own_is_served_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """By every command, with the lines of the page alone."""
    copy.follow(section("A package of your own"))
    product = {"name": "tea", "price": "2.50", "code": "T1"}
    package = {"DATAS_COLLECTIONS": "shop:COLLECTIONS"}
    question = "price_to=3&sort=-price"
    copy.use(Use("/api/products", "products", product, question, "ProductDraft", package), browser)


@pytest.mark.slow
def test_a_second_collection_is_added_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """It is served beside items, whose tests still pass."""
    page = section("A second collection")
    assert len(re.findall(r"^(?:In|Make) `(.+)`:$", page, re.MULTILINE)) <= 5
    copy.follow(page)
    copy.test()
    comment = {"body": "good", "code": "C1", "item_id": None}
    copy.use(Use("/api/comments", "comments", comment, "q=good", "CommentDraft"))
    copy.use(Use("/api/datas", "items", {"data": "tea"}, "q=tea", "ItemDraft"), browser)


@pytest.mark.slow
def test_a_part_is_removed_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """Everything else is as it was."""
    copy.follow(section("Remove an optional part"))
    copy.test()
    copy.use(Use("/api/datas", "items", {"data": "tea"}, "q=tea", "ItemDraft"), browser)


@pytest.mark.slow
def test_items_are_renamed_as_the_page_says(copy: Copy, browser: Browser) -> None:
    """One file, and the whole server has the new words; the table and what is in it stay."""
    items = Use("/api/datas", "items", {"data": "tea"}, "q=tea", "ItemDraft")
    copy.datas(items, "import", "-", stdin=b'{"data": "from before"}\n')
    copy.follow(section("Rename items"))
    copy.test()
    notes = items._replace(path="/api/notes", plural="notes", schema="NoteDraft")
    copy.use(notes, browser)
    assert "from before" in (copy.folder / "out.csv").read_text()
