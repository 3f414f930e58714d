"""What every repository finds of items: by search, among many, and while others write."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datas.domain.errors import InvalidRecord, Unauthenticated
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import BY_ID, Condition, Conditions, Operator, Query, Sort
from tests.contract.conftest import Store
from tests.contract.test_lists import ordered, scan, walk
from tests.served import PLURAL

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(
    lambda text: not ITEMS.rules["data"](text)
)


def _search(part: str) -> Conditions:
    return (Condition("data", Operator.CONTAINS, part),)


def test_a_name_that_no_user_has_owns_nothing(store: Store) -> None:
    """Not even what has no owner."""
    store.items.add(ItemDraft("nobody's"), NOW)
    for name in ("", "carol"):
        where = (Condition("owner", Operator.EQUAL, name),)
        assert not store.items.find(Query(where=where))
        assert store.items.count(where) == 0


@given(texts=st.lists(words, min_size=1, max_size=5), part=words)
@example(["100%", "100", "%"], "%")
@example(["a_b", "ab", "_"], "_")
@example(["it's", 'a "quote"', "back\\slash", "*?[a]"], "'")
@example(["*?[a]", "a"], "[A]")
@example(["Straße", "STRASSE", "strasse"], "SS")
@example(["İstanbul", "ISTANBUL", "\u0131stanbul", "istanbul"], "İ")
@example(["ISTANBUL", "\u0131stanbul"], "i")
@example(["👩‍👩‍👧", "👩", "👧"], "👧")
@example(["ΌΣΟΣ", "όσος"], "ΣΟΣ")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_finds_a_part_whatever_its_case(store: Store, texts: list[str], part: str) -> None:
    """No character is a wildcard, and case is Unicode's, in every store alike."""
    first = store.items.add(ItemDraft("first"), NOW)
    store.items.add_many(map(ItemDraft, texts), NOW)
    expected = [text for text in texts if part.casefold() in text.casefold()]
    found = store.items.find(Query(1000, where=_search(part)))
    assert [item.draft.data for item in found if item.id > first.id] == expected


def test_a_change_is_found_by_its_new_text(store: Store) -> None:
    """And no more by its old one."""
    item = store.items.add(ItemDraft("Before"), NOW)
    changed = item._replace(draft=ItemDraft("Behind"), version=2)
    store.items.swap(changed, 1)
    assert list(store.items.find(Query(where=_search("HIND")))) == [changed]
    assert store.items.count(_search("before")) == 0


def test_many_items_are_added_in_order(store: Store) -> None:
    """As if one after the other."""
    store.users.add("alice", "hash", NOW)
    first = store.items.add(ItemDraft("first"), NOW)
    drafts = (ItemDraft(f"text {n}") for n in range(2500))
    assert store.items.add_many(drafts, NOW, "alice") == 2500
    found = list(walk(store, PLURAL, BY_ID, 1000))
    assert found[0] == first
    assert [item.draft.data for item in found[1:]] == [f"text {n}" for n in range(2500)]
    assert {item[2:] for item in found[1:]} == {(NOW, NOW, 1, "alice")}


def test_none_of_many_is_added_if_one_fails(store: Store) -> None:
    """Whether the source of them breaks, or the store refuses one."""

    def broken() -> Iterator[ItemDraft]:
        yield ItemDraft("one")
        ITEMS.check(ItemDraft(""))

    with pytest.raises(InvalidRecord):
        store.items.add_many(broken(), NOW)
    with pytest.raises(Unauthenticated):
        store.items.add_many([ItemDraft("two")], NOW, "nobody")
    assert not store.items.find(Query())
    assert store.items.add_many([], NOW) == 0


@pytest.mark.parametrize("sort", [BY_ID, Sort("data", descending=True)], ids=str)
def test_what_stays_is_visited_once_while_others_come_and_go(store: Store, sort: Sort) -> None:
    """However two threads create and delete meanwhile."""
    staying = [store.items.add(ItemDraft(f"{n % 50:02} stays"), NOW) for n in range(150)]
    stopped = threading.Event()

    def come_and_go(start: int) -> None:
        n = start
        while not stopped.is_set():
            passing = store.items.add(ItemDraft(f"{n % 50:02} goes"), NOW)
            store.items.remove(passing.id, 1)
            n += 7

    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        # What never goes away could be walked after for ever: new ids are always beyond.
        for visit in (walk, scan):
            seen = list(visit(store, PLURAL, sort, 7, _search("stays")))
            assert seen == ordered(staying, sort)
    stopped.set()
    for thread in threads:
        thread.join(10)
