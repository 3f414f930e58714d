"""The records of one collection in a table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Generic

from datas.adapters.sql.constraints import Constraints
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.rows import RowMapping, time_to_text
from datas.adapters.sql.statements import Statements
from datas.adapters.sql.tables import Tables
from datas.domain.errors import InvalidRecord, RecordNotFound, UserNotFound, ValueTaken
from datas.domain.query import Conditions, Page, Query, position
from datas.domain.records import Collection, D, Record

BATCH = 1000  # records that are written at once


class SqlRepository(Generic[D]):
    """The `Repository` port over one table. `tables` are those of all collections."""

    def __init__(self, database: SqlDatabase, collection: Collection[D], tables: Tables) -> None:
        table = tables[collection.plural]
        self._database = database
        self._collection = collection
        self._statements = Statements(database, table)
        self._write = Constraints(database, table, tables).write
        self._rows = RowMapping[D](table)
        self._record = self._rows.record

    def add(self, draft: D, now: datetime, owner: str | None = None) -> Record[D]:
        values = self._rows.inserted(draft, time_to_text(now), owner)
        [(record_id,)] = self._write(self._statements.add, values, draft, owner=owner)
        return Record(record_id, draft, now, now, 1, owner)

    def add_many(self, drafts: Iterable[D], now: datetime, owner: str | None = None) -> int:
        time, count, rest = time_to_text(now), 0, iter(drafts)
        with self._database.bulk_write():
            while batch := list(islice(rest, BATCH)):
                rows = [self._rows.inserted(draft, time, owner) for draft in batch]
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

    def scan(self, query: Query) -> Page[D]:
        # The last row that was looked at is always there: it says where the next step starts.
        statement, values = self._statements.scan(query)
        rows = self._database.read(statement, *values)
        if not rows:
            return Page((), None)
        records = [self._record(row[:-1]) for row in rows]
        last = position(records[-1], query.sort)
        return Page(records if rows[-1][-1] else records[:-1], last)

    def count(self, where: Conditions) -> int:
        statement, values = self._statements.count(where)
        [(count,)] = self._database.read(statement, *values)
        return int(count)

    def swap(self, record: Record[D], version: int) -> bool:
        values = (*self._rows.updated(record), record.id, version)
        return bool(self._write(self._statements.swap, values, record.draft, record_id=record.id))

    def remove(self, record_id: int, version: int) -> bool:
        return bool(self._write(self._statements.remove, (record_id, version), record_id=record_id))

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        # Until the transaction ends the owner gets no new records, and so can be removed in it.
        time = time_to_text(now)
        try:
            with self._database.atomic():
                self._database.read(self._statements.lock_owner, owner)
                values = (time, time, new_owner, owner)
                return len(self._database.write(self._statements.reassign, *values))
        except self._database.integrity_error:
            raise UserNotFound(new_owner) from None

    def _add_each(self, batch: Sequence[D], count: int, now: datetime, owner: str | None) -> None:
        """Find the draft that a constraint refuses. Raises: its error, with its index."""
        for index, draft in enumerate(batch, count):
            try:
                self.add(draft, now, owner)
            except (InvalidRecord, ValueTaken) as error:
                error.index = index
                raise
