"""The use cases of any collection: what can be done with its records, by HTTP or from Python."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from datas.domain.access import AUTHENTICATED, SYSTEM, Access, Action, Actor
from datas.domain.bulk import BulkService
from datas.domain.errors import VersionMismatch
from datas.domain.ports import Clock, Repository
from datas.domain.query import (
    BY_ID,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Conditions,
    Page,
    Position,
    Query,
    Sort,
    position,
)
from datas.domain.records import Collection, D, Record

Versions = Container[int]


class RecordService(BulkService[D]):
    """Create, read, list, replace, change and delete the records of one collection.

    `expected` holds the versions that a change is meant for; None means any version. `targets` are
    the repositories that the collection's references lead to, by field. Every method raises
    `StorageUnavailable` if the store is out of reach.
    """

    def __init__(
        self,
        collection: Collection[D],
        repository: Repository[D],
        clock: Clock,
        access: Access = AUTHENTICATED,
        targets: Mapping[str, Repository[Any]] | None = None,
    ) -> None:
        self.collection = collection
        self._repository = repository
        self._clock = clock
        self._access = access
        self._targets = targets or {}

    def create(self, draft: D, *, actor: Actor = SYSTEM) -> Record[D]:
        """Store a record of the actor's. Raises: InvalidRecord, ValueTaken, Unauthenticated."""
        self._access.admit(actor, Action.CREATE)
        self.collection.check(draft)
        self._check_references(draft, actor)
        return self._repository.add(draft, self._clock.now(), actor.username)

    def get(self, record_id: int, *, actor: Actor = SYSTEM) -> Record[D]:
        """Return one record. Raises: RecordNotFound, Unauthenticated."""
        self._access.admit(actor, Action.READ)
        record = self._repository.get(record_id)
        self._access.permit(actor, Action.READ, self.collection.name, record)
        return record

    def page(  # noqa: PLR0913 (a question's parts)
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        sort: Sort = BY_ID,
        after: Position | None = None,
        where: Conditions = (),
        count: bool = False,
        actor: Actor = SYSTEM,
    ) -> Page[D]:
        """Return the records after `after` that the actor may see, at most `limit` (1 to 1,000).

        `count` asks for their total too, whatever `after` and `limit`. Raises: Unauthenticated.
        """
        where = self._access.visible(where, actor)
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f"limit must be 1 to {MAX_LIMIT}, not {limit}")
        # One record more than asked for tells whether there is a next page.
        found = self._repository.find(Query(limit + 1, sort, after, where))
        records = found[:limit]
        following = position(records[-1], sort) if len(found) > limit else None
        return Page(records, following, self._repository.count(where) if count else None)

    def replace(
        self, record_id: int, draft: D, *, expected: Versions | None = None, actor: Actor = SYSTEM
    ) -> Record[D]:
        """Give a record another draft; an equal draft keeps the version.

        Raises: as `create`, and RecordNotFound, VersionMismatch, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        self.collection.check(draft)
        return self._change(record_id, lambda _: draft, expected, actor)

    def change(
        self,
        record_id: int,
        values: Mapping[str, Any],
        *,
        expected: Versions | None = None,
        actor: Actor = SYSTEM,
    ) -> Record[D]:
        """Give the named fields new values; None is a value. Raises: as `replace`."""
        self._access.admit(actor, Action.CHANGE)
        self.collection.check_values(values)
        changed: Callable[[Any], D] = lambda draft: draft._replace(**values)  # noqa: E731
        return self._change(record_id, changed, expected, actor)

    def delete(
        self, record_id: int, *, expected: Versions | None = None, actor: Actor = SYSTEM
    ) -> Record[D]:
        """Delete a record and return it as it was.

        Raises: RecordNotFound, RecordInUse, VersionMismatch, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        while True:
            record = self._to_change(record_id, expected, actor)
            if self._repository.remove(record_id, record.version):
                return record

    def _change(
        self, record_id: int, changed: Callable[[D], D], expected: Versions | None, actor: Actor
    ) -> Record[D]:
        while True:
            record = self._to_change(record_id, expected, actor)
            draft = changed(record.draft)
            if draft == record.draft:
                return record
            self._check_references(draft, actor)
            # The system clock may be set back. `date_updated` must not go back with it, or a
            # client that polls for changes would miss one.
            updated = max(self._clock.now(), record.date_updated)
            new = record._replace(draft=draft, date_updated=updated, version=record.version + 1)
            if self._repository.swap(new, record.version):
                return new
            # Another writer was faster: look again at what there is now.

    def _to_change(self, record_id: int, expected: Versions | None, actor: Actor) -> Record[D]:
        """The record, if the actor may change it and it is at an expected version."""
        record = self._repository.get(record_id)
        self._access.permit(actor, Action.CHANGE, self.collection.name, record)
        if expected is not None and record.version not in expected:
            raise VersionMismatch(self.collection.name, record_id, record.version)
        return record
