"""Which constraint a write violated. A driver says that there was one; which one, a look tells."""

from typing import Any

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import Statement, parameter
from datas.adapters.sql.tables import Table, Tables, UserRow
from datas.domain.errors import (
    DomainError,
    InvalidRecord,
    RecordInUse,
    Unauthenticated,
    ValueTaken,
)


class Constraints:
    """The constraints of one collection's table: unique fields, references, the owner."""

    def __init__(self, database: SqlDatabase, table: Table, tables: Tables) -> None:
        self._database = database
        self._collection, row = table
        param = parameter(database.peewee)

        def find(where: Any) -> Statement:
            of = where.lhs.model
            query = of.select(of.id).where(where).limit(peewee.SQL("1"))
            return Statement(database.peewee, query)

        self._unique = [
            (name, field.db_value, find(field == param))
            for name in self._collection.unique
            if (field := getattr(row, name))
        ]
        self._references = [
            (name, find(tables[plural].row.id == param))
            for name, plural in self._collection.references.items()
        ]
        self._referrers = [
            (other.plural, find(getattr(other_row, name) == param))
            for other, other_row in tables.values()
            for name, plural in other.references.items()
            if plural == self._collection.plural
        ]
        self._owner = find(UserRow.username == param)

    @property
    def are_looked_up(self) -> bool:
        """Whether there are more constraints than that of the owner."""
        return bool(self._unique or self._references or self._referrers)

    def violation(self, draft: Any, owner: str | None, record_id: int | None) -> DomainError | None:
        """What a write violated; None, if it is gone meanwhile. Without a draft it was a delete."""
        if draft is None:
            return self._use(record_id)
        name = self._collection.name
        for field, find in self._references:
            value = getattr(draft, field)
            if value is not None and not self._database.read(find, value):
                return InvalidRecord.missing_reference(name, field, value)
        for field, to_database, find in self._unique:
            value = getattr(draft, field)
            if value is not None:
                rows = self._database.read(find, to_database(value))
                if any(found != record_id for (found,) in rows):
                    return ValueTaken(name, field)
        # Where the owner is the only constraint, nothing needs to be looked up.
        if owner and not (self.are_looked_up and self._database.read(self._owner, owner)):
            return Unauthenticated(no_user=owner)
        return None

    def _use(self, record_id: int | None) -> DomainError | None:
        for plural, find in self._referrers:
            if record_id is not None and self._database.read(find, record_id):
                return RecordInUse(self._collection.name, record_id, plural)
        return None
