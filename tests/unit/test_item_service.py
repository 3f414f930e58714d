"""The use cases, over memory: no server, no database."""

from collections.abc import Sequence

import pytest

from datas.adapters.memory import Memory, MemoryItems
from datas.domain.errors import InvalidItem, ItemNotFound, VersionMismatch
from datas.domain.item_service import ItemService
from datas.domain.items import Item
from datas.domain.query import Sort
from tests.conftest import TickingClock


@pytest.fixture
def items() -> ItemService:
    """The service over an empty memory."""
    return ItemService(MemoryItems(Memory()), TickingClock())


def test_a_new_item_has_version_one_and_one_date(items: ItemService) -> None:
    """It was created and last changed in the same moment, and is nobody's."""
    item = items.create("hello")
    assert (item.id, item.data, item.version, item.owner) == (1, "hello", 1, None)
    assert item.date_created == item.date_updated


def test_a_replaced_item_grows_its_version_and_its_date(items: ItemService) -> None:
    """The id and the date of creation stay."""
    item = items.create("hello")
    changed = items.replace(item.id, "bye")
    assert changed == items.get(item.id)
    assert changed == item._replace(data="bye", version=2, date_updated=changed.date_updated)
    assert changed.date_updated > item.date_updated


def test_replacing_with_the_same_data_changes_nothing(items: ItemService) -> None:
    """A repeated PUT is harmless: version and date stay."""
    item = items.create("hello")
    assert items.replace(item.id, "hello") == item


def test_a_deleted_item_is_returned_as_it_was_and_gone(items: ItemService) -> None:
    """Its last state is given back, for the last time."""
    item = items.create("hello")
    assert items.delete(item.id) == item
    with pytest.raises(ItemNotFound):
        items.get(item.id)


@pytest.mark.parametrize("data", ["", " ", "a" * 256, "\0"])
def test_bad_data_is_refused_and_nothing_is_kept(items: ItemService, data: str) -> None:
    """On creation and on replacement alike."""
    item = items.create("hello")
    with pytest.raises(InvalidItem):
        items.create(data)
    with pytest.raises(InvalidItem) as caught:
        items.replace(item.id, data)
    assert list(caught.value.errors) == ["data"]
    assert list(items.page().items) == [item]


def test_a_change_happens_only_at_an_expected_version(items: ItemService) -> None:
    """Who has an old version in hand is told the present one, and changes nothing."""
    item = items.create("hello")
    items.replace(item.id, "bye", expected={1})
    with pytest.raises(VersionMismatch) as caught:
        items.replace(item.id, "again", expected={1})
    assert (caught.value.item_id, caught.value.version) == (item.id, 2)
    with pytest.raises(VersionMismatch):
        items.delete(item.id, expected={1})
    assert items.delete(item.id, expected={1, 2}).data == "bye"


def test_a_change_of_an_absent_item_is_not_found(items: ItemService) -> None:
    """Even when a version is named."""
    with pytest.raises(ItemNotFound):
        items.replace(1, "hello", expected={1})
    with pytest.raises(ItemNotFound):
        items.delete(1)


class _Overtaken(MemoryItems):
    """A store in which somebody else changes the item just before our first change of it."""

    overtaken = False

    def swap(self, item: Item, version: int) -> bool:
        if not self.overtaken:
            self.overtaken = True
            super().swap(item._replace(data="theirs"), version)
        return super().swap(item, version)


def test_a_change_that_was_overtaken_is_made_on_top() -> None:
    """Without an expected version the last writer wins, and no version is given twice."""
    items = ItemService(_Overtaken(Memory()), TickingClock())
    item = items.replace(items.create("hello").id, "ours")
    assert (item.data, item.version) == ("ours", 3)


def test_a_change_that_was_overtaken_is_refused_if_it_named_a_version() -> None:
    """With one, the first writer wins."""
    items = ItemService(_Overtaken(Memory()), TickingClock())
    item_id = items.create("hello").id
    with pytest.raises(VersionMismatch):
        items.replace(item_id, "ours", expected={1})
    assert items.get(item_id).data == "theirs"


def test_pages_follow_one_another_to_the_end(items: ItemService) -> None:
    """The last page has no next one, even when it is full."""
    for n in range(4):
        items.create(f"item {n}")
    first = items.page(limit=2)
    second = items.page(limit=2, after=first.next)
    assert _ids(first.items) == [1, 2]
    assert _ids(second.items) == [3, 4]
    assert second.next is None
    assert _ids(items.page(limit=3, sort=Sort(descending=True)).items) == [4, 3, 2]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_bounds(items: ItemService, limit: int) -> None:
    """A caller in Python who asks for too much or nothing made a mistake."""
    with pytest.raises(ValueError, match="1 to 1000"):
        items.page(limit=limit)


def _ids(items: Sequence[Item]) -> list[int]:
    return [item.id for item in items]
