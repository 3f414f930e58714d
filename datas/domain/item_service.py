"""The use cases of items: what anyone can do with them, by HTTP or from Python."""

from collections.abc import Container

from datas.domain.access import AUTHENTICATED, SYSTEM, Access, Action, Actor
from datas.domain.errors import VersionMismatch
from datas.domain.items import Item, check_data
from datas.domain.ports import Clock, Items
from datas.domain.query import (
    ALL,
    BY_ID,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Filter,
    Page,
    Position,
    Query,
    Sort,
    position,
)


class ItemService:
    """Create, read, list, replace and delete items.

    `expected` is the versions (any container of ints) that a change is meant for; None means
    whatever the version is. Every method raises `StorageUnavailable` if the store is out of reach.
    """

    def __init__(self, items: Items, clock: Clock, access: Access = AUTHENTICATED) -> None:
        self._items = items
        self._clock = clock
        self._access = access

    def create(self, data: str, *, actor: Actor = SYSTEM) -> Item:
        """Keep a new item, which is the actor's. Raises: InvalidItem, Unauthenticated."""
        self._access.admit(actor, Action.CREATE)
        check_data(data)
        return self._items.add(data, self._clock.now(), actor.username)

    def get(self, item_id: int, *, actor: Actor = SYSTEM) -> Item:
        """Return one item. Raises: ItemNotFound, Unauthenticated."""
        self._access.admit(actor, Action.READ)
        item = self._items.get(item_id)
        self._access.permit(actor, Action.READ, item)
        return item

    def page(  # noqa: PLR0913 (a question's parts)
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        sort: Sort = BY_ID,
        after: Position | None = None,
        which: Filter = ALL,
        count: bool = False,
        actor: Actor = SYSTEM,
    ) -> Page:
        """Return the items after `after` that the actor may see, at most `limit` (1 to 1,000).

        `count` asks for their total too, whatever `after` and `limit`. Raises: Unauthenticated.
        """
        which = self._access.visible(which, actor)
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}, not {limit}")
        # One item more than asked for tells whether there is a next page.
        found = self._items.find(Query(limit + 1, sort, after, which))
        items = found[:limit]
        following = position(items[-1], sort) if len(found) > limit else None
        return Page(items, following, self._items.count(which) if count else None)

    def replace(
        self,
        item_id: int,
        data: str,
        *,
        expected: Container[int] | None = None,
        actor: Actor = SYSTEM,
    ) -> Item:
        """Give an item new data; the same data keeps its version.

        Raises: InvalidItem, ItemNotFound, VersionMismatch, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        check_data(data)
        return self._change(item_id, data, expected, actor)

    def change(
        self,
        item_id: int,
        *,
        data: str | None = None,
        expected: Container[int] | None = None,
        actor: Actor = SYSTEM,
    ) -> Item:
        """Give an item new values for what is named; what is None stays as it is.

        Raises: InvalidItem, ItemNotFound, VersionMismatch, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        if data is not None:
            check_data(data)
        return self._change(item_id, data, expected, actor)

    def delete(
        self, item_id: int, *, expected: Container[int] | None = None, actor: Actor = SYSTEM
    ) -> Item:
        """Delete an item and return it as it was.

        Raises: ItemNotFound, VersionMismatch, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        while True:
            item = self._to_change(item_id, expected, actor)
            if self._items.remove(item_id, item.version):
                return item

    def _change(
        self, item_id: int, data: str | None, expected: Container[int] | None, actor: Actor
    ) -> Item:
        while True:
            item = self._to_change(item_id, expected, actor)
            if data is None or data == item.data:
                return item
            # A clock may be set back. Who asks what is new since a moment must miss no change.
            updated = max(self._clock.now(), item.date_updated)
            changed = item._replace(data=data, date_updated=updated, version=item.version + 1)
            if self._items.swap(changed, item.version):
                return changed
            # Somebody else was faster: look again at what there is now.

    def _to_change(self, item_id: int, expected: Container[int] | None, actor: Actor) -> Item:
        """The item, if the actor may change it and it is at an expected version."""
        item = self._items.get(item_id)
        self._access.permit(actor, Action.CHANGE, item)
        if expected is not None and item.version not in expected:
            raise VersionMismatch(item_id, item.version)
        return item
