"""The use cases of items: what anyone can do with them, by HTTP or from Python."""

from collections.abc import Container

from datas.domain.errors import InvalidItem, VersionMismatch
from datas.domain.items import Item, data_faults
from datas.domain.ports import Clock, Items
from datas.domain.query import BY_ID, DEFAULT_LIMIT, MAX_LIMIT, Page, Position, Query, Sort


class ItemService:
    """Create, read, list, replace and delete items.

    `expected` is the versions (any container of ints) that a change is meant for; None means
    whatever the version is. Every method raises `StorageUnavailable` if the store is out of reach.
    """

    def __init__(self, items: Items, clock: Clock) -> None:
        self._items = items
        self._clock = clock

    def create(self, data: str) -> Item:
        """Keep a new item. Raises: InvalidItem."""
        _check(data)
        return self._items.add(data, self._clock.now())

    def get(self, item_id: int) -> Item:
        """Return one item. Raises: ItemNotFound."""
        return self._items.get(item_id)

    def page(
        self, *, limit: int = DEFAULT_LIMIT, sort: Sort = BY_ID, after: Position | None = None
    ) -> Page:
        """Return the items that follow `after`, at most `limit` of them (1 to 1,000)."""
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}, not {limit}")
        # One item more than asked for tells whether there is a next page.
        found = self._items.find(Query(limit + 1, sort, after))
        items = found[:limit]
        return Page(items, Position(items[-1].id) if len(found) > limit else None)

    def replace(self, item_id: int, data: str, *, expected: Container[int] | None = None) -> Item:
        """Give an item new data; the same data keeps its version.

        Raises: InvalidItem, ItemNotFound, VersionMismatch.
        """
        _check(data)
        return self._change(item_id, data, expected)

    def change(
        self, item_id: int, *, data: str | None = None, expected: Container[int] | None = None
    ) -> Item:
        """Give an item new values for what is named; what is None stays as it is.

        Raises: InvalidItem, ItemNotFound, VersionMismatch.
        """
        if data is not None:
            _check(data)
        return self._change(item_id, data, expected)

    def delete(self, item_id: int, *, expected: Container[int] | None = None) -> Item:
        """Delete an item and return it as it was. Raises: ItemNotFound, VersionMismatch."""
        while True:
            item = self._expect(item_id, expected)
            if self._items.remove(item_id, item.version):
                return item

    def _change(self, item_id: int, data: str | None, expected: Container[int] | None) -> Item:
        while True:
            item = self._expect(item_id, expected)
            if data is None or data == item.data:
                return item
            changed = item._replace(
                data=data, date_updated=self._clock.now(), version=item.version + 1
            )
            if self._items.swap(changed, item.version):
                return changed
            # Somebody else was faster: look again at what there is now.

    def _expect(self, item_id: int, expected: Container[int] | None) -> Item:
        item = self._items.get(item_id)
        if expected is not None and item.version not in expected:
            raise VersionMismatch(item_id, item.version)
        return item


def _check(data: str) -> None:
    if faults := data_faults(data):
        raise InvalidItem({"data": faults})
