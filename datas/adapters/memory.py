"""Every port in plain dictionaries: for tests, demos, and as the shortest example of an adapter."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter

from datas.domain.errors import ItemNotFound
from datas.domain.idempotency import Record
from datas.domain.items import Item
from datas.domain.query import Query


class Memory:
    """One store in memory, shared by the adapters below as a database is by its tables."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items: dict[int, Item] = {}
        self.last_id = 0
        self.idempotency: dict[tuple[str, str], Record] = {}

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of the block happens, or, if it raises, none of it. Ids stay used either way."""
        with self.lock:
            before = self.items.copy(), self.idempotency.copy()
            try:
                yield
            except BaseException:
                self.items, self.idempotency = before
                raise


class MemoryItems:
    """The `Items` port over `Memory`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def add(self, data: str, now: datetime) -> Item:
        """Store a new item under the next id."""
        with self._memory.lock:
            self._memory.last_id += 1
            item = Item(self._memory.last_id, data, now, now, version=1)
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
        with self._memory.lock:
            items = list(self._memory.items.values())
        key = attrgetter(query.sort.field, "id")
        items.sort(key=key, reverse=query.sort.descending)
        if query.after is not None:
            place = query.after.id
            items = [
                item
                for item in items
                if (item.id < place if query.sort.descending else item.id > place)
            ]
        return items[: query.limit]

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
