"""What every repository does, tried with items."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datas.domain.errors import RecordNotFound
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Position, Query
from datas.domain.records import Record
from tests.contract.conftest import Store
from tests.served import PLURAL
from tests.unit.conftest import SetClock

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)
NOBODY = 2**63 - 1

ODD_TEXTS = {
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
    "combining marks": "e\u0301 and \u00e9 are two texts",
    "right to left": "שלום עולם",
    "newlines": "one\ntwo\r\nthree\r",
    "quotes": "'; DROP TABLE datas; --\"`",
    "wildcards": "100%_*?[a-z]",
    "255 four-byte characters": "\U0001f600" * 255,
    "a byte order mark": "\ufeffhello",
    "the last code point": "\U0010ffff",
}

any_data = st.text(st.characters(codec="utf-8"), min_size=1, max_size=255).filter(
    lambda text: not ITEMS.rules["data"](text)
)


@pytest.mark.parametrize("data", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_data_is_read_back_as_it_was_written(store: Store, data: str) -> None:
    """Whatever the text, it comes back byte for byte, alone and in a list."""
    item = store.items.add(ItemDraft(data), NOW)
    assert item == Record(item.id, ItemDraft(data), NOW, NOW, version=1, owner=None)
    assert store.items.get(item.id) == item
    assert list(store.items.find(Query())) == [item]


@given(data=any_data)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_valid_data_survives(store: Store, data: str) -> None:
    """No text that the rules allow is changed by the store."""
    assert store.items.get(store.items.add(ItemDraft(data), NOW).id).draft.data == data


@given(moment=st.datetimes(timezones=st.just(UTC)))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_times_keep_their_microseconds(store: Store, moment: datetime) -> None:
    """Any moment comes back exactly, aware and in UTC."""
    item = store.items.get(store.items.add(ItemDraft("hello"), moment).id)
    assert (item.date_created, item.date_created.tzinfo) == (moment, UTC)


def test_an_absent_item_is_not_found(store: Store) -> None:
    """An id that was never given names nothing."""
    with pytest.raises(RecordNotFound) as caught:
        store.items.get(NOBODY)
    assert caught.value.record_id == NOBODY


@pytest.mark.parametrize("item_id", [2**63, -(2**63) - 1, 10**30, 0, -1])
def test_an_id_that_no_item_can_have_is_not_found(store: Store, item_id: int) -> None:
    """Databases keep 64 bits; a larger number is no error, and changes nothing."""
    item = store.items.add(ItemDraft("hello"), NOW)
    changed = item._replace(draft=ItemDraft("x"))
    with pytest.raises(RecordNotFound):
        store.items.get(item_id)
    assert not store.items.swap(changed._replace(id=item_id), 1)
    assert not store.items.remove(item_id, 1)
    assert not store.items.swap(changed, 2**63)
    assert not store.items.remove(item.id, 2**63)
    assert list(store.items.find(Query(after=Position(item_id)))) == [item] * (item_id <= 0)
    assert store.items.get(item.id) == item


def test_a_swap_needs_the_version_it_names(store: Store) -> None:
    """Of two changes of one version the first happens and the second doesn't."""
    item = store.items.add(ItemDraft("first"), NOW)
    second = item._replace(draft=ItemDraft("second"), version=2, date_updated=LATER)
    assert store.items.swap(second, 1)
    assert not store.items.swap(item._replace(draft=ItemDraft("third"), version=2), 1)
    assert store.items.get(item.id) == second


def test_an_absent_item_is_neither_swapped_nor_removed(store: Store) -> None:
    """Changing what isn't there says so."""
    assert not store.items.swap(Record(NOBODY, ItemDraft("x"), NOW, NOW, 2), 1)
    assert not store.items.remove(NOBODY, 1)


def test_a_removal_needs_the_version_it_names(store: Store) -> None:
    """A removal of another version leaves the item; one of this version takes it away."""
    item = store.items.add(ItemDraft("hello"), NOW)
    assert not store.items.remove(item.id, 2)
    assert store.items.get(item.id) == item
    assert store.items.remove(item.id, 1)
    with pytest.raises(RecordNotFound):
        store.items.get(item.id)


def test_an_id_is_never_used_again(store: Store) -> None:
    """Not even that of the newest item, once it is deleted."""
    newest = store.items.add(ItemDraft("one"), NOW)
    store.items.remove(newest.id, 1)
    assert store.items.add(ItemDraft("two"), NOW).id > newest.id


def test_an_item_keeps_its_owner(store: Store) -> None:
    """From its creation through its changes."""
    store.users.add("alice", "hash", NOW)
    item = store.items.add(ItemDraft("hers"), NOW, "alice")
    assert item == Record(item.id, ItemDraft("hers"), NOW, NOW, version=1, owner="alice")
    assert store.items.get(item.id) == item
    changed = item._replace(draft=ItemDraft("changed"), version=2, date_updated=LATER)
    store.items.swap(changed, 1)
    assert store.items.get(item.id) == changed


def test_items_given_away_are_changed_and_others_are_not(store: Store) -> None:
    """Each counts as one change, so that no old ETag fits it any more."""
    for username in ("alice", "bob"):
        store.users.add(username, "hash", NOW)
    hers, his, nobodys = (
        store.items.add(ItemDraft("text"), NOW, who) for who in ("alice", "bob", None)
    )
    hers_too = store.items.add(ItemDraft("text"), NOW, "alice")
    assert store.items.reassign("alice", "bob", LATER) == 2
    assert store.items.reassign("alice", "bob", LATER) == 0
    given = [item._replace(owner="bob", version=2, date_updated=LATER) for item in (hers, hers_too)]
    assert list(store.items.find(Query())) == [given[0], his, nobodys, given[1]]


def test_a_clock_that_was_set_back_moves_no_item_back(store: Store) -> None:
    """Who asks what has changed since a moment misses nothing."""
    for username in ("alice", "bob"):
        store.users.add(username, "hash", NOW)
    item = store.items.add(ItemDraft("text"), LATER, "alice")
    store.items.reassign("alice", "bob", NOW)
    assert store.items.get(item.id) == item._replace(owner="bob", version=2)
    earlier = SetClock()
    earlier.time = NOW
    changed = store.service(PLURAL, earlier).replace(item.id, ItemDraft("changed"))
    assert (changed.version, changed.date_updated) == (3, LATER)
    assert store.items.get(item.id) == changed


def test_a_block_that_raises_changes_nothing(store: Store) -> None:
    """All of a transaction is undone: what it added, changed, gave away and removed."""
    store.users.add("alice", "hash", NOW)
    store.users.add("bob", "hash", NOW)
    store.items.add(ItemDraft("given"), NOW, "alice")
    kept, gone = store.items.add(ItemDraft("kept"), NOW), store.items.add(ItemDraft("removed"), NOW)
    before = list(store.items.find(Query()))
    with pytest.raises(ZeroDivisionError), store.storage.atomic():
        store.items.add(ItemDraft("added"), NOW)
        store.items.swap(kept._replace(draft=ItemDraft("changed"), version=2), 1)
        store.items.reassign("alice", "bob", LATER)
        store.items.remove(gone.id, 1)
        raise ZeroDivisionError
    assert list(store.items.find(Query())) == before


def test_a_block_that_ends_keeps_everything(store: Store) -> None:
    """What a transaction did is there afterwards, a nested one's work included."""
    with store.storage.atomic():
        one = store.items.add(ItemDraft("one"), NOW)
        with store.storage.atomic():
            two = store.items.add(ItemDraft("two"), NOW)
        with pytest.raises(ZeroDivisionError), store.storage.atomic():
            store.items.add(ItemDraft("three"), NOW)
            raise ZeroDivisionError
    assert list(store.items.find(Query())) == [one, two]


def test_others_see_nothing_of_a_block_before_its_end(store: Store) -> None:
    """A reader in another thread never sees what may still be undone."""
    seen: list[int] = []
    with pytest.raises(ZeroDivisionError), store.storage.atomic():
        store.items.add(ItemDraft("never"), NOW)
        reader = threading.Thread(target=lambda: seen.append(len(store.items.find(Query()))))
        reader.start()
        reader.join(0.2)
        raise ZeroDivisionError
    reader.join(10)
    assert seen == [0]


def test_racing_writers_lose_no_update(store: Store) -> None:
    """Eight threads that each add one to a number fifty times bring it to four hundred."""
    item_id = store.items.add(ItemDraft("0"), NOW).id

    def count() -> None:
        for _ in range(50):
            while True:
                item = store.items.get(item_id)
                more = str(int(item.draft.data) + 1)
                if store.items.swap(
                    item._replace(draft=ItemDraft(more), version=item.version + 1), item.version
                ):
                    break

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    item = store.items.get(item_id)
    assert (item.draft.data, item.version) == ("400", 401)


def test_racing_creators_get_different_ids(store: Store) -> None:
    """Eight threads that add thirty items each leave two hundred and forty."""
    ids: list[int] = []

    def create() -> None:
        for _ in range(30):
            ids.append(store.items.add(ItemDraft("hello"), NOW).id)  # noqa: PERF401 (one at a time)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(ids)) == len(ids) == 240
    assert [item.id for item in store.items.find(Query(1000))] == sorted(ids)
