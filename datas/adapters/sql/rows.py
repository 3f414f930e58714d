"""The records of one collection as rows of its table."""

from collections.abc import Iterable
from typing import Any, Generic

import peewee

from datas.adapters.sql.fields import MomentField
from datas.adapters.sql.tables import Table
from datas.domain.query import search_key
from datas.domain.records import D, Record

# Columns that keep values as the domain has them.
_UNCONVERTED = (peewee.TextField, peewee.IntegerField, peewee.BigIntegerField)
time_to_text: Any = MomentField().db_value
_to_time: Any = MomentField().python_value
_new: Any = tuple.__new__  # makes a NamedTuple of a sequence in half the time of `_make`


class RowMapping(Generic[D]):
    """The order of values is that of `Statements`."""

    def __init__(self, table: Table) -> None:
        collection, row = table
        self._draft = collection.draft
        self._search = collection.fields.index(collection.search) if collection.search else None
        # The fields that a database keeps in another form, by their place in the draft.
        fields = [getattr(row, name) for name in collection.fields]
        self._converted = [
            (place, field.db_value, field.python_value)
            for place, field in enumerate(fields)
            if type(field) not in _UNCONVERTED
        ]

    def inserted(self, draft: D, time: str, owner: str | None) -> tuple[object, ...]:
        return (time, time, 1, owner, self._search_key(draft), *self._stored(draft))

    def updated(self, record: Record[D]) -> tuple[object, ...]:
        time, draft = time_to_text(record.date_updated), record.draft
        return (time, record.version, self._search_key(draft), *self._stored(draft))

    def record(self, row: tuple[Any, ...]) -> Record[D]:
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
