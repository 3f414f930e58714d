"""Every port in plain dictionaries: for tests, demos, and as the shortest example of an adapter."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter, gt, lt
from typing import TYPE_CHECKING

from datas.domain.errors import ItemNotFound, Unauthenticated, UserNotFound
from datas.domain.forks import renew_in_child
from datas.domain.idempotency import Record
from datas.domain.items import Draft, Item, search_key
from datas.domain.query import Filter, Query

if TYPE_CHECKING:
    from datas.domain.credentials import Attempt, Token, User

_TABLES = ("items", "idempotency", "users", "tokens", "attempts")


class Memory:
    """One store in memory, shared by the adapters below as a database is by its tables."""

    def __init__(self) -> None:
        self._renew()
        renew_in_child(self, Memory._renew)
        self.items: dict[int, Item] = {}
        self.idempotency: dict[tuple[str, str], Record] = {}
        self.users: dict[str, User] = {}
        self.tokens: dict[bytes, Token] = {}
        self.attempts: list[Attempt] = []
        self._last_ids = dict.fromkeys(_TABLES, 0)

    def _renew(self) -> None:
        self.lock = threading.RLock()

    def next_id(self, table: str) -> int:
        """An id that the table never had."""
        self._last_ids[table] += 1
        return self._last_ids[table]

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of the block happens, or, if it raises, none of it. Ids stay used either way."""
        with self.lock:
            before = {table: getattr(self, table).copy() for table in _TABLES}
            try:
                yield
            except BaseException:
                vars(self).update(before)
                raise


class MemoryItems:
    """The `Items` and `ItemBatches` ports over `Memory`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, data: str, now: datetime, owner: str | None = None) -> Item:
        """Store a new item under the next id."""
        with self._memory.lock:
            if owner is not None and owner not in self._memory.users:
                raise Unauthenticated(no_user=owner)
            item = Item(self._memory.next_id("items"), data, now, now, 1, owner)
            self._memory.items[item.id] = item
            return item

    def get(self, item_id: int) -> Item:
        """Return one item, or raise ItemNotFound."""
        with self._memory.lock:
            item = self._memory.items.get(item_id)
        if item is None:
            raise ItemNotFound(item_id)
        return item

    def find(self, query: Query) -> Sequence[Item]:
        """Sort everything, then cut out the page: simple, and slow on purpose."""
        items = self._chosen(query.filter)
        key = attrgetter(query.sort.field, "id")
        items.sort(key=key, reverse=query.sort.descending)
        if query.after is not None:
            item_id, value = query.after
            place = (item_id if value is None else value, item_id)
            beyond = lt if query.sort.descending else gt
            items = [item for item in items if beyond(key(item), place)]
        return items[: query.limit]

    def count(self, which: Filter) -> int:
        """Count what is chosen."""
        return len(self._chosen(which))

    def swap(self, item: Item, version: int) -> bool:
        """Compare and set under the lock."""
        with self._memory.lock:
            current = self._memory.items.get(item.id)
            if current is None or current.version != version:
                return False
            self._memory.items[item.id] = item
            return True

    def remove(self, item_id: int, version: int) -> bool:
        """Compare and delete under the lock."""
        with self._memory.lock:
            current = self._memory.items.get(item_id)
            if current is None or current.version != version:
                return False
            del self._memory.items[item_id]
            return True

    def add_many(self, drafts: Iterable[Draft], now: datetime, owner: str | None = None) -> int:
        """Add one after the other, and none if one fails."""
        with self._memory.atomic():
            return len([self.add(draft.data, now, owner) for draft in drafts])

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        """Change each of the owner's items under the lock."""
        with self._memory.lock:
            if new_owner not in self._memory.users:
                raise UserNotFound(new_owner)
            owned = [item for item in self._memory.items.values() if item.owner == owner]
            for item in owned:
                self._memory.items[item.id] = item._replace(
                    owner=new_owner,
                    version=item.version + 1,
                    date_updated=max(now, item.date_updated),
                )
            return len(owned)

    def _chosen(self, which: Filter) -> list[Item]:
        with self._memory.lock:
            items = list(self._memory.items.values())
        part = None if which.search is None else search_key(which.search)
        return [
            item
            for item in items
            if which.owner in (None, item.owner)
            and (part is None or part in search_key(item.data))
            and (which.created_from is None or item.date_created >= which.created_from)
            and (which.created_to is None or item.date_created < which.created_to)
        ]


class MemoryIdempotencyRecords:
    """The `IdempotencyRecords` port over `Memory`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def claim(self, record: Record, expired: datetime) -> bool:
        """Store the record unless there is a younger one."""
        with self._memory.lock:
            kept = self._memory.idempotency.get((record.actor, record.key))
            if kept is not None and kept.date_created > expired:
                return False
            self.complete(record)
            return True

    def get(self, actor: str, key: str) -> Record:
        """Look it up."""
        with self._memory.lock:
            return self._memory.idempotency[actor, key]

    def complete(self, record: Record) -> None:
        """Store it over its earlier self."""
        with self._memory.lock:
            self._memory.idempotency[record.actor, record.key] = record

    def purge(self, expired: datetime, limit: int) -> None:
        """Delete the oldest."""
        with self._memory.lock:
            records = sorted(self._memory.idempotency.values(), key=lambda kept: kept.date_created)
            for kept in records[:limit]:
                if kept.date_created <= expired:
                    del self._memory.idempotency[kept.actor, kept.key]
