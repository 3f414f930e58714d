"""Writes that meet a constraint. A driver says that there was one; which one is looked up."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import peewee

from datas.adapters.sql.database import Rows, SqlDatabase
from datas.adapters.sql.queries import compiled, parameter
from datas.adapters.sql.tables import Table, Tables, UserRow
from datas.domain.errors import (
    DomainError,
    InvalidRecord,
    RecordInUse,
    StorageUnavailable,
    Unauthenticated,
    ValueTaken,
)

TRIES = 20  # of a write that met a constraint which is gone when it is looked up
_CONTENDED = "Others changed the same at the same time. Nothing was changed. Try again."


class Constraints:
    """The constraints of one collection's table: unique fields, references, the owner."""

    def __init__(self, database: SqlDatabase, table: Table, tables: Tables) -> None:
        self._database = database
        self._collection, row = table
        param = parameter(database.peewee)

        def find(*where: Any) -> str:
            of = where[0].lhs.model
            query = of.select(of.id).where(*where).limit(peewee.SQL("1"))
            return compiled(database.peewee, query)

        self._unique = [
            (name, field.db_value, find(field == param, row.id != param))
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

        # Without these only the owner's constraint is left for a draft.
        self._are_looked_up = bool(self._unique or self._references)

    def write(
        self,
        statement: str,
        values: Sequence[object],
        draft: Any = None,
        *,
        owner: str | None = None,
        record_id: int = 0,
    ) -> Rows:
        """Run a statement that writes a draft; without a draft it deletes.

        Raises: what the constraints refuse; StorageUnavailable.
        """
        database = self._database
        for _ in range(TRIES):
            try:
                is_looked_up = draft is None or self._are_looked_up
                with database.savepoint() if is_looked_up else nullcontext():
                    return database.write(statement, *values)
            except database.integrity_error as error:
                if found := self._violation(draft, owner, record_id):
                    raise found from None
                met = error
        raise StorageUnavailable(_CONTENDED) from met

    def _violation(self, draft: Any, owner: str | None, record_id: int) -> DomainError | None:
        """What a write violated. None: the other record that stood against it is gone."""
        name = self._collection.name
        if draft is None:
            for plural, find in self._referrers:
                if self._database.read(find, record_id):
                    return RecordInUse(name, record_id, plural)
            return None
        for field, find in self._references:
            value = getattr(draft, field)
            if value is not None and not self._database.read(find, value):
                return InvalidRecord.missing_reference(name, field, value)
        for field, to_database, find in self._unique:
            value = getattr(draft, field)
            if value is not None and self._database.read(find, to_database(value), record_id):
                return ValueTaken(name, field)
        # Where the owner is the only constraint, nothing needs to be looked up.
        if owner and not (self._are_looked_up and self._database.read(self._owner, owner)):
            return Unauthenticated(no_user=owner)
        return None
