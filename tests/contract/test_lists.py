"""What every `Items` adapter finds: orders, places in them, filters, counts."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datas.domain.errors import InvalidItem, Unauthenticated
from datas.domain.items import Draft, Item, check_data, data_faults
from datas.domain.query import ALL, BY_ID, SORTS, Filter, Query, Sort, position
from tests.contract.conftest import Store

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)

# Orders that a database's language, or a comparison of UTF-16, would get wrong.
TEXTS = (*"bBaAäzé9", "e\u0301", "\uffff", "\U0001f600", "10", " a", "a ")

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(
    lambda text: not data_faults(text)
)


def walk(store: Store, sort: Sort, limit: int, which: Filter = ALL) -> Iterator[Item]:
    """Every item from the first page to the last."""
    after = None
    while page := store.items.find(Query(limit, sort, after, which)):
        assert len(page) <= limit
        yield from page
        after = position(page[-1], sort)


def fill(store: Store) -> Sequence[Item]:
    """Items of three owners, with ties in every field, some changed and one deleted."""
    for username in ("alice", "bob"):
        store.users.add(username, "hash", NOW)
    owners = ("alice", "bob", None)
    for n, text in enumerate(TEXTS * 2):
        item = store.items.add(text, NOW + n // 5 * TICK, owners[n % 3])
        if n % 4 == 0:
            changed = item._replace(version=2, date_updated=NOW + (40 - n) * TICK)
            store.items.swap(changed, 1)
    store.items.remove(7, 1)
    return list(walk(store, BY_ID, 1000))


def ordered(items: Sequence[Item], sort: Sort) -> list[Item]:
    """As Python sorts, which compares texts by code point."""
    return sorted(items, key=attrgetter(sort.field, "id"), reverse=sort.descending)


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_pages_lead_to_the_end_in_every_order(store: Store, sort: Sort) -> None:
    """Following places visits each item once, in order, whatever the page's length."""
    items = fill(store)
    for limit in (1, 2, 3, 7, 27, 28):
        assert list(walk(store, sort, limit)) == ordered(items, sort)


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_every_filter_means_the_same_in_every_order(store: Store, sort: Sort) -> None:
    """Each permutation of filters, in pages and counted, is what its words say."""
    items = fill(store)
    permutations = product((None, "a"), (None, NOW + TICK), (None, NOW + 4 * TICK), (None, "alice"))
    for search, since, until, owner in permutations:
        which = Filter(search, since, until, owner)
        chosen = [
            item
            for item in items
            if (search is None or search in item.data.casefold())
            and (since is None or item.date_created >= since)
            and (until is None or item.date_created < until)
            and owner in (None, item.owner)
        ]
        assert list(walk(store, sort, 3, which)) == ordered(chosen, sort), which
        assert store.items.count(which) == len(chosen), which


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_a_list_goes_on_where_its_item_was_deleted(store: Store, sort: Sort) -> None:
    """A place stays good when the item that it was taken from is gone."""
    before, gone, *rest = ordered(fill(store), sort)
    store.items.remove(gone.id, gone.version)
    assert list(store.items.find(Query(1000, sort, position(gone, sort)))) == rest
    assert list(store.items.find(Query(1000, sort, position(before, sort)))) == rest


def test_a_name_that_nobody_has_owns_nothing(store: Store) -> None:
    """Not even what has no owner."""
    fill(store)
    assert not store.items.find(Query(filter=Filter(owner="")))
    assert store.items.count(Filter(owner="carol")) == 0


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
    first = store.items.add("first", NOW)
    store.batches.add_many(map(Draft, texts), NOW)
    expected = [text for text in texts if part.casefold() in text.casefold()]
    found = store.items.find(Query(1000, filter=Filter(search=part)))
    assert [item.data for item in found if item.id > first.id] == expected


def test_a_change_is_found_by_its_new_text(store: Store) -> None:
    """And no more by its old one."""
    item = store.items.add("Before", NOW)
    changed = item._replace(data="Behind", version=2)
    store.items.swap(changed, 1)
    assert list(store.items.find(Query(filter=Filter(search="HIND")))) == [changed]
    assert store.items.count(Filter(search="before")) == 0


def test_many_items_are_added_in_order(store: Store) -> None:
    """As if one after the other."""
    store.users.add("alice", "hash", NOW)
    first = store.items.add("first", NOW)
    drafts = (Draft(f"item {n}") for n in range(2500))
    assert store.batches.add_many(drafts, NOW, "alice") == 2500
    found = list(walk(store, BY_ID, 1000))
    assert found[0] == first
    assert [item.data for item in found[1:]] == [f"item {n}" for n in range(2500)]
    assert {item[2:6] for item in found[1:]} == {(NOW, NOW, 1, "alice")}


def test_none_of_many_is_added_if_one_fails(store: Store) -> None:
    """Whether the source of them breaks, or the store refuses one."""

    def broken() -> Iterator[Draft]:
        yield Draft("one")
        check_data("")

    with pytest.raises(InvalidItem):
        store.batches.add_many(broken(), NOW)
    with pytest.raises(Unauthenticated):
        store.batches.add_many([Draft("two")], NOW, "nobody")
    assert not store.items.find(Query())
    assert store.batches.add_many([], NOW) == 0


@pytest.mark.parametrize("sort", [BY_ID, Sort("data", descending=True)], ids=str)
def test_what_stays_is_visited_once_while_others_come_and_go(store: Store, sort: Sort) -> None:
    """However two threads create and delete meanwhile."""
    staying = [store.items.add(f"{n % 50:02} stays", NOW) for n in range(150)]
    stopped = threading.Event()

    def come_and_go(start: int) -> None:
        n = start
        while not stopped.is_set():
            passing = store.items.add(f"{n % 50:02} goes", NOW)
            store.items.remove(passing.id, 1)
            n += 7

    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        # What never goes away could be walked after for ever: new ids are always beyond.
        seen = list(walk(store, sort, 7, Filter(search="stays")))
        assert seen == ordered(staying, sort)
    stopped.set()
    for thread in threads:
        thread.join(10)
