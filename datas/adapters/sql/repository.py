"""The records of one collection in a table."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import islice
from typing import Any, Generic

import peewee

from datas.adapters.sql.constraints import Constraints
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.fields import MomentField
from datas.adapters.sql.queries import Statement
from datas.adapters.sql.statements import Statements
from datas.adapters.sql.tables import Tables
from datas.domain.errors import (
    InvalidRecord,
    RecordNotFound,
    StorageUnavailable,
    UserNotFound,
    ValueTaken,
)
from datas.domain.query import Conditions, Query, Step, position, search_key
from datas.domain.records import Collection, D, Record

BATCH = 1000  # records that are written at once
TRIES = 20  # of a write that met a constraint which is gone when it is looked for
_CONTENDED = "Others changed the same at the same time. Nothing was changed. Try again."

_UNCONVERTED = (peewee.TextField, peewee.IntegerField, peewee.BigIntegerField)
_to_text: Any = MomentField().db_value
_to_time: Any = MomentField().python_value
_new: Any = tuple.__new__  # makes a NamedTuple of a sequence in half the time of `_make`


class SqlRepository(Generic[D]):
    """The `Repository` port over one table. `tables` are those of all collections."""

    def __init__(self, database: SqlDatabase, collection: Collection[D], tables: Tables) -> None:
        table = tables[collection.plural]
        self._database = database
        self._collection = collection
        self._draft = collection.draft
        self._statements = Statements(database, table)
        self._constraints = Constraints(database, table, tables)
        self._search = collection.fields.index(collection.search) if collection.search else None
        # The fields that a database keeps in another form, by their place in the draft.
        fields = [getattr(table.row, name) for name in collection.fields]
        self._converted = [
            (place, field.db_value, field.python_value)
            for place, field in enumerate(fields)
            if type(field) not in _UNCONVERTED
        ]

    def add(self, draft: D, now: datetime, owner: str | None = None) -> Record[D]:
        values = self._new_row(draft, _to_text(now), owner)
        [(record_id,)] = self._write(self._statements.add, values, draft, owner)
        return Record(record_id, draft, now, now, 1, owner)

    def add_many(self, drafts: Iterable[D], now: datetime, owner: str | None = None) -> int:
        time, count, rest = _to_text(now), 0, iter(drafts)
        with self._database.bulk_write():
            while batch := list(islice(rest, BATCH)):
                rows = [self._new_row(draft, time, owner) for draft in batch]
                try:
                    with self._database.savepoint():
                        self._database.write_many(self._statements.add_many, rows)
                except self._database.integrity_error:
                    self._add_each(batch, count, now, owner)
                count += len(batch)
        return count

    def get(self, record_id: int) -> Record[D]:
        rows = self._database.read(self._statements.get, record_id)
        if not rows:
            raise RecordNotFound(self._collection.name, record_id)
        return self._record(rows[0])

    def find(self, query: Query) -> Sequence[Record[D]]:
        statement, values = self._statements.find(query)
        record = self._record
        return [record(row) for row in self._database.read(statement, *values)]

    def scan(self, query: Query) -> Step[D]:
        """The same of a step, whose last row is always there and says where the next one starts."""
        statement, values = self._statements.scan(query)
        rows = self._database.read(statement, *values)
        if not rows:
            return Step((), None)
        records = [self._record(row[:-1]) for row in rows]
        last = position(records[-1], query.sort)
        return Step(records if rows[-1][-1] else records[:-1], last)

    def count(self, where: Conditions) -> int:
        statement, values = self._statements.count(where)
        [(count,)] = self._database.read(statement, *values)
        return int(count)

    def swap(self, record: Record[D], version: int) -> bool:
        draft = record.draft
        time = _to_text(record.date_updated)
        changed = (time, record.version, self._search_key(draft), *self._stored(draft))
        values = (*changed, record.id, version)
        return bool(self._write(self._statements.swap, values, draft, None, record.id))

    def remove(self, record_id: int, version: int) -> bool:
        return bool(
            self._write(self._statements.remove, (record_id, version), None, None, record_id)
        )

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        """UPDATE … SET version = version + 1 WHERE owner = ?

        Until the transaction ends the owner gets no new records, and so can be removed in it.
        """
        time = _to_text(now)
        try:
            with self._database.atomic():
                self._database.read(self._statements.lock_owner, owner)
                values = (time, time, new_owner, owner)
                return len(self._database.write(self._statements.reassign, *values))
        except self._database.integrity_error:
            raise UserNotFound(new_owner) from None

    def _write(
        self,
        statement: Statement,
        values: Sequence[object],
        draft: D | None,
        owner: str | None,
        record_id: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run a statement. Raises: what `Constraints.violation` finds; StorageUnavailable."""
        for _ in range(TRIES):
            try:
                with self._savepoint():
                    return self._database.write(statement, *values)
            except self._database.integrity_error as error:
                if found := self._constraints.violation(draft, owner, record_id):
                    raise found from None
                met = error
        raise StorageUnavailable(_CONTENDED) from met

    def _savepoint(self) -> AbstractContextManager[Any]:
        return self._database.savepoint() if self._constraints.are_looked_up else nullcontext()

    def _add_each(self, batch: Sequence[D], count: int, now: datetime, owner: str | None) -> None:
        """Find the draft that a constraint refuses. Raises: its error, with its index."""
        for index, draft in enumerate(batch, count):
            try:
                self.add(draft, now, owner)
            except (InvalidRecord, ValueTaken) as error:
                error.index = index
                raise

    def _new_row(self, draft: D, time: str, owner: str | None) -> tuple[object, ...]:
        return (time, time, 1, owner, self._search_key(draft), *self._stored(draft))

    def _search_key(self, draft: D) -> str:
        text = None if self._search is None else draft[self._search]
        return "" if text is None else search_key(text)

    def _stored(self, draft: D) -> Iterable[object]:
        """The draft's values as the database keeps them."""
        if not self._converted:
            return draft
        values = list(draft)
        for place, to_database, _ in self._converted:
            values[place] = to_database(values[place])
        return values

    def _record(self, row: tuple[Any, ...]) -> Record[D]:
        record_id, created, updated, version, owner = row[:5]
        first = _to_time(created)
        # Most records were never changed, and to read a time is a quarter of the work here.
        last = first if updated == created else _to_time(updated)
        values: Any = row[5:]
        if self._converted:
            values = list(values)
            for place, _, from_database in self._converted:
                values[place] = from_database(values[place])
        draft: D = _new(self._draft, values)
        record: Record[D] = _new(Record, (record_id, draft, first, last, version, owner))
        return record
