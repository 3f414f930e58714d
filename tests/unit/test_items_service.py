"""The use cases, over memory: no server, no database."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from datas.adapters.memory import Memory, MemoryRepository
from datas.domain.access import ANONYMOUS, Access, Actor, Mode
from datas.domain.errors import InvalidRecord, RecordNotFound, Unauthenticated, VersionMismatch
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Operator, Sort
from datas.domain.records import Record
from datas.domain.service import RecordService
from tests.conftest import TickingClock

Items = RecordService[ItemDraft]


@pytest.fixture
def clock() -> TickingClock:
    """The service's own."""
    return TickingClock()


@pytest.fixture
def items(clock: TickingClock) -> Items:
    """The service over an empty memory."""
    return Items(ITEMS, MemoryRepository(Memory(), ITEMS), clock)


def test_a_new_item_has_version_one_and_one_date(items: Items) -> None:
    """It was created and last changed in the same moment, and is nobody's."""
    item = items.create(ItemDraft("hello"))
    assert (item.id, item.draft.data, item.version, item.owner) == (1, "hello", 1, None)
    assert item.date_created == item.date_updated


def test_a_replaced_item_grows_its_version_and_its_date(items: Items) -> None:
    """The id and the date of creation stay."""
    item = items.create(ItemDraft("hello"))
    changed = items.replace(item.id, ItemDraft("bye"))
    assert changed == items.get(item.id)
    assert changed == item._replace(
        draft=ItemDraft("bye"), version=2, date_updated=changed.date_updated
    )
    assert changed.date_updated > item.date_updated


def test_replacing_with_the_same_data_changes_nothing(items: Items) -> None:
    """A repeated PUT is harmless: version and date stay."""
    item = items.create(ItemDraft("hello"))
    assert items.replace(item.id, ItemDraft("hello")) == item


def test_a_deleted_item_is_returned_as_it_was_and_gone(items: Items) -> None:
    """Its last state is given back, for the last time."""
    item = items.create(ItemDraft("hello"))
    assert items.delete(item.id) == item
    with pytest.raises(RecordNotFound):
        items.get(item.id)


@pytest.mark.parametrize("data", ["", " ", "a" * 256, "\0"])
def test_bad_data_is_refused_and_nothing_is_kept(items: Items, data: str) -> None:
    """On creation and on replacement alike."""
    item = items.create(ItemDraft("hello"))
    with pytest.raises(InvalidRecord):
        items.create(ItemDraft(data))
    with pytest.raises(InvalidRecord) as caught:
        items.replace(item.id, ItemDraft(data))
    assert list(caught.value.errors) == ["data"]
    assert list(items.page().records) == [item]


def test_a_change_happens_only_at_an_expected_version(items: Items) -> None:
    """Who has an old version in hand is told the present one, and changes nothing."""
    item = items.create(ItemDraft("hello"))
    items.replace(item.id, ItemDraft("bye"), expected={1})
    with pytest.raises(VersionMismatch) as caught:
        items.replace(item.id, ItemDraft("again"), expected={1})
    assert (caught.value.record_id, caught.value.version) == (item.id, 2)
    with pytest.raises(VersionMismatch):
        items.delete(item.id, expected={1})
    assert items.delete(item.id, expected={1, 2}).draft.data == "bye"


def test_a_change_of_an_absent_item_is_not_found(items: Items) -> None:
    """Even when a version is named."""
    with pytest.raises(RecordNotFound):
        items.replace(1, ItemDraft("hello"), expected={1})
    with pytest.raises(RecordNotFound):
        items.delete(1)


class _Overtaken(MemoryRepository[ItemDraft]):
    """A store in which somebody else changes the item just before our first change of it."""

    overtaken = False

    def swap(self, record: Record[ItemDraft], version: int) -> bool:
        if not self.overtaken:
            self.overtaken = True
            super().swap(record._replace(draft=ItemDraft("theirs")), version)
        return super().swap(record, version)


def test_a_change_that_was_overtaken_is_made_on_top() -> None:
    """Without an expected version the last writer wins, and no version is given twice."""
    items = RecordService(ITEMS, _Overtaken(Memory(), ITEMS), TickingClock())
    item = items.replace(items.create(ItemDraft("hello")).id, ItemDraft("ours"))
    assert (item.draft.data, item.version) == ("ours", 3)


def test_a_change_that_was_overtaken_is_refused_if_it_named_a_version() -> None:
    """With one, the first writer wins."""
    items = RecordService(ITEMS, _Overtaken(Memory(), ITEMS), TickingClock())
    item_id = items.create(ItemDraft("hello")).id
    with pytest.raises(VersionMismatch):
        items.replace(item_id, ItemDraft("ours"), expected={1})
    assert items.get(item_id).draft.data == "theirs"


def test_pages_follow_one_another_to_the_end(items: Items) -> None:
    """The last page has no next one, even when it is full."""
    for n in range(4):
        items.create(ItemDraft(f"text {n}"))
    first = items.page(limit=2)
    second = items.page(limit=2, after=first.next)
    assert _ids(first.records) == [1, 2]
    assert _ids(second.records) == [3, 4]
    assert second.next is None
    assert _ids(items.page(limit=3, sort=Sort(descending=True)).records) == [4, 3, 2]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_bounds(items: Items, limit: int) -> None:
    """A caller in Python who asks for too much or nothing made a mistake."""
    with pytest.raises(ValueError, match="1 to 1000"):
        items.page(limit=limit)


def _ids(items: Sequence[Record[ItemDraft]]) -> list[int]:
    return [item.id for item in items]


def test_many_are_created_at_one_moment(items: Items, clock: TickingClock) -> None:
    """In their order, and as many as it says."""
    assert items.create_all([ItemDraft("one"), ItemDraft("two")]) == 2
    found = items.page().records
    assert [item.draft.data for item in found] == ["one", "two"]
    assert {item.date_created for item in found} == {clock.time}


def test_each_of_many_must_keep_the_rules(items: Items) -> None:
    """One that doesn't keeps all out, whoever checked before; the error says which one it is."""
    with pytest.raises(InvalidRecord) as caught:
        items.create_all([ItemDraft("good"), ItemDraft(" ")])
    assert caught.value.index == 1
    assert not items.page().records


def test_an_actor_who_may_not_create_one_may_not_create_many() -> None:
    """Nor read them all where lists are for users."""
    repository = MemoryRepository(Memory(), ITEMS)
    items = RecordService(ITEMS, repository, TickingClock(), Access(Mode.PRIVATE))
    with pytest.raises(Unauthenticated):
        items.create_all([ItemDraft("x")], actor=ANONYMOUS)
    with pytest.raises(Unauthenticated):
        items.export(actor=ANONYMOUS)
    with pytest.raises(Unauthenticated, match="no user ghost"):
        items.create_all([ItemDraft("x")], actor=Actor("ghost"))


def test_all_come_out_some_at_a_time(items: Items, clock: TickingClock) -> None:
    """At most a thousand at a time; a step in which nothing is found comes empty."""
    items.create_all(ItemDraft(f"text {n}") for n in range(2500))
    steps = list(items.export())
    assert [len(step) for step in steps] == [1000, 1000, 500, 0]
    found = [item.draft.data for step in steps for item in step]
    assert found == [f"text {n}" for n in range(2500)]
    late = Condition("date_created", Operator.FROM, clock.time + timedelta(seconds=1))
    assert not any(items.export(where=(late,)))


def test_a_change_of_some_fields_keeps_the_others(items: Items) -> None:
    """A field that is not named stays; a name that is no field of the collection is refused."""
    item = items.create(ItemDraft("hello"))
    assert items.change(item.id, {}) == item
    assert items.change(item.id, {"data": "bye"}).draft == ItemDraft("bye")
    with pytest.raises(InvalidRecord) as caught:
        items.change(item.id, {"data": None, "note": "x"})
    assert list(caught.value.errors) == ["data", "note"]
