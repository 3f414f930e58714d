"""Every port in plain dictionaries: for tests, demos, and as the shortest example of an adapter."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter, gt, lt
from typing import TYPE_CHECKING, Any, Generic

from datas.domain.errors import (
    InvalidRecord,
    RecordInUse,
    RecordNotFound,
    Unauthenticated,
    UserNotFound,
    ValueTaken,
)
from datas.domain.forks import renew_in_child
from datas.domain.idempotency import KeptAnswer
from datas.domain.query import Conditions, Page, Query, meets, position
from datas.domain.records import Collection, D, Record, value_of

if TYPE_CHECKING:
    from datas.domain.credentials import Attempt, Token, User


class Memory:
    """One store in memory, shared by the adapters below as a database is by its tables."""

    def __init__(self) -> None:
        self._renew()
        renew_in_child(self, Memory._renew)
        self.collections: dict[str, Collection[Any]] = {}  # by plural
        self.records: dict[str, dict[int, Record[Any]]] = {}  # by plural and id
        self.idempotency: dict[tuple[str, str], KeptAnswer] = {}
        self.users: dict[str, User] = {}
        self.tokens: dict[bytes, Token] = {}
        self.attempts: list[Attempt] = []
        self.other_tables: dict[str, dict[Any, Any]] = {}  # of a package's own, by name and key
        self._last_ids: dict[str, int] = {}

    def _renew(self) -> None:
        self.lock = threading.RLock()

    def next_id(self, table: str) -> int:
        """An id that the table never had."""
        self._last_ids[table] = self._last_ids.get(table, 0) + 1
        return self._last_ids[table]

    @contextmanager
    def atomic(self) -> Iterator[None]:
        with self.lock:
            before = {
                "records": {plural: dict(kept) for plural, kept in self.records.items()},
                "idempotency": dict(self.idempotency),
                "users": dict(self.users),
                "tokens": dict(self.tokens),
                "attempts": list(self.attempts),
                "other_tables": {name: dict(kept) for name, kept in self.other_tables.items()},
            }
            try:
                yield
            except BaseException:
                vars(self).update(before)
                raise


class MemoryRepository(Generic[D]):
    """The `Repository` port over `Memory`."""

    def __init__(self, memory: Memory, collection: Collection[D]) -> None:
        self._memory = memory
        self._collection = collection
        memory.collections[collection.plural] = collection
        memory.records.setdefault(collection.plural, {})

    @property
    def _records(self) -> dict[int, Record[D]]:
        return self._memory.records[self._collection.plural]

    def add(self, draft: D, now: datetime, owner: str | None = None) -> Record[D]:
        with self._memory.lock:
            self._check_constraints(draft, None)
            if owner is not None and owner not in self._memory.users:
                raise Unauthenticated(no_user=owner)
            record_id = self._memory.next_id(self._collection.plural)
            record = Record(record_id, draft, now, now, 1, owner)
            self._records[record_id] = record
            return record

    def add_many(self, drafts: Iterable[D], now: datetime, owner: str | None = None) -> int:
        count = 0
        with self._memory.atomic():
            for count, draft in enumerate(drafts, 1):
                try:
                    self.add(draft, now, owner)
                except (InvalidRecord, ValueTaken) as error:
                    error.index = count - 1
                    raise
        return count

    def get(self, record_id: int) -> Record[D]:
        with self._memory.lock:
            record = self._records.get(record_id)
        if record is None:
            raise RecordNotFound(self._collection.name, record_id)
        return record

    def find(self, query: Query) -> Sequence[Record[D]]:
        """Sort everything, then cut out the page: simple, and slow on purpose."""
        found = [record for record in self._after(query) if meets(record, query.where)]
        return found[: query.limit]

    def scan(self, query: Query) -> Page[D]:
        seen = self._after(query)[: query.limit]
        found = [record for record in seen if meets(record, query.where)]
        return Page(found, position(seen[-1], query.sort) if seen else None)

    def count(self, where: Conditions) -> int:
        with self._memory.lock:
            return sum(meets(record, where) for record in self._records.values())

    def swap(self, record: Record[D], version: int) -> bool:
        with self._memory.lock:
            current = self._records.get(record.id)
            if current is None or current.version != version:
                return False
            self._check_constraints(record.draft, record.id)
            self._records[record.id] = record
            return True

    def remove(self, record_id: int, version: int) -> bool:
        with self._memory.lock:
            current = self._records.get(record_id)
            if current is None or current.version != version:
                return False
            self._check_use(record_id)
            del self._records[record_id]
            return True

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        with self._memory.lock:
            if new_owner not in self._memory.users:
                raise UserNotFound(new_owner)
            theirs = [record for record in self._records.values() if record.owner == owner]
            for record in theirs:
                self._records[record.id] = record._replace(
                    owner=new_owner,
                    version=record.version + 1,
                    date_updated=max(now, record.date_updated),
                )
            return len(theirs)

    def _after(self, query: Query) -> list[Record[D]]:
        """All records after a place, in order."""

        def key(record: Record[D]) -> tuple[Any, int]:
            return value_of(record, query.sort.field), record.id

        with self._memory.lock:
            records = sorted(self._records.values(), key=key, reverse=query.sort.descending)
        if query.after is None:
            return records
        record_id, value = query.after
        place = (record_id if value is None else value, record_id)
        beyond = lt if query.sort.descending else gt
        return [record for record in records if beyond(key(record), place)]

    def _check_constraints(self, draft: D, record_id: int | None) -> None:
        """Raises: InvalidRecord, ValueTaken."""
        name = self._collection.name
        for field, plural in self._collection.references.items():
            value = getattr(draft, field)
            if value is not None and value not in self._memory.records[plural]:
                raise InvalidRecord.missing_reference(name, field, value)
        for field in self._collection.unique:
            value = getattr(draft, field)
            same = (it.id for it in self._records.values() if getattr(it.draft, field) == value)
            if value is not None and any(found != record_id for found in same):
                raise ValueTaken(name, field)

    def _check_use(self, record_id: int) -> None:
        """Raises: RecordInUse."""
        for plural, other in self._memory.collections.items():
            for field, target in other.references.items():
                if target != self._collection.plural:
                    continue
                records = self._memory.records[plural].values()
                refer = (it.id for it in records if getattr(it.draft, field) == record_id)
                # A record may refer to itself, and goes with its reference.
                if any((plural, found) != (target, record_id) for found in refer):
                    raise RecordInUse(self._collection.name, record_id, plural)


class MemoryPort:
    def __init__(self, memory: Memory) -> None:
        self._memory = memory


class MemoryIdempotencyRecords(MemoryPort):
    """The `IdempotencyRecords` port over `Memory`."""

    def claim(self, record: KeptAnswer, expired: datetime) -> KeptAnswer | None:
        with self._memory.lock:
            kept = self._memory.idempotency.get((record.actor, record.key))
            if kept is not None and kept.date_created > expired:
                return kept
            self.complete(record)
            return None

    def complete(self, record: KeptAnswer) -> None:
        with self._memory.lock:
            self._memory.idempotency[record.actor, record.key] = record

    def purge(self, expired: datetime, limit: int) -> None:
        with self._memory.lock:
            records = sorted(self._memory.idempotency.values(), key=attrgetter("date_created"))
            for kept in records[:limit]:
                if kept.date_created <= expired:
                    del self._memory.idempotency[kept.actor, kept.key]
