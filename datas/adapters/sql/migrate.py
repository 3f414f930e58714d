"""The schema's migrations: which there are, and bringing a database up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import peewee
from playhouse.migrations import Runner

from datas.adapters.sql.fields import IdField, MomentField
from datas.domain.errors import StorageUnavailable


class History(NamedTuple):
    """Migrations of one program: Datas, or a package that uses it."""

    program: str
    folder: Path

    @property
    def table(self) -> str:
        """The table that says which of them a database has seen."""
        return "schema_migration" if self is DATAS else f"schema_migration_{self.program}"


DATAS = History("Datas", Path(__file__).parent / "migrations")


@dataclass(frozen=True)
class SchemaStatus:
    """Names of migrations: done, still to do, and done by a newer program than this one.

    Those of a package have its name in front: `library 0001_books`.
    """

    applied: list[str]
    pending: list[str]
    unknown: list[str]


class Schema:
    """The schema of one database, made by one or more histories, in their order."""

    def __init__(self, database: peewee.Database, histories: Sequence[History] = (DATAS,)) -> None:
        self._database = database
        self._runners = {
            each: Runner(database, str(each.folder), table_name=each.table) for each in histories
        }

    def status(self, *, is_absent: bool = False) -> SchemaStatus:
        """Compare the migrations that this code has with those that the database has seen."""
        status = SchemaStatus([], [], [])
        for history, runner in self._runners.items():
            for row in runner.migrations() if is_absent else runner.status():
                kind = status.pending if not row.applied else status.applied
                (kind if row.path else status.unknown).append(_label(history, row.name))
        return status

    def check(self) -> None:
        """Raises: StorageUnavailable, if this code and the database don't fit each other."""
        status = self.status()
        if status.unknown:
            programs = " and ".join(history.program for history in self._runners)
            raise StorageUnavailable(
                f"The database was written by a newer {programs} "
                f"(it has {', '.join(status.unknown)}). "
                "Run that version, or restore a backup made before it."
            )
        if status.pending:
            raise StorageUnavailable(
                f"The database's schema is behind (it lacks {', '.join(status.pending)}). "
                "Run `datas migrate`."
            )

    def other_programs(self) -> list[str]:
        """The programs of histories in the database that are none of these."""
        known = {history.table for history in self._runners}
        prefix = f"{DATAS.table}_"
        others = {*self._database.get_tables()} - known
        return sorted(name.removeprefix(prefix) for name in others if name.startswith(prefix))

    def migrate(self) -> list[str]:
        """Apply what is pending, each migration in a transaction; return what was applied.

        Only one process may do this at a time: the caller holds the database's lock, which on
        PostgreSQL is a transaction around them all.
        """
        return [
            _label(history, name)
            for history, runner in self._runners.items()
            for name in runner.up()
        ]


def _label(history: History, name: str) -> str:
    return name if history is DATAS else f"{history.program} {name}"


def create_record_table(
    db: peewee.Database, name: str, fields: Mapping[str, peewee.Field], sorts: Sequence[str]
) -> None:
    """Make a table of records: the envelope, a column for each field, an index for each sort.

    `sorts` are the collection's. It is for migrations, and knows both databases.
    """
    # Not those of the model: a migration makes the same table for ever.
    columns: dict[str, Any] = {
        "id": IdField(),
        "date_created": MomentField(),
        "date_updated": MomentField(),
        "version": peewee.IntegerField(),
        "owner": peewee.TextField(
            null=True, constraints=[peewee.SQL('REFERENCES "users" ("username")')]
        ),
        "search_key": peewee.TextField(),
    }
    meta = type("Meta", (), {"database": db, "table_name": name})
    row: Any = type(name.title(), (peewee.Model,), {**columns, **fields, "Meta": meta})
    db.create_tables([row], safe=False)
    db.execute_sql(f'CREATE INDEX "{name}_owner_id" ON "{name}" (owner, id)')
    for sort in sorts:
        if sort != "id":
            add_sort(db, name, sort)


def add_sort(db: peewee.Database, table: str, field: str) -> None:
    """Make the indexes of a sort: of all records, and of those of one owner."""
    db.execute_sql(f'CREATE INDEX "{table}_{field}_id" ON "{table}" ("{field}", id)')
    db.execute_sql(
        f'CREATE INDEX "{table}_owner_{field}" ON "{table}" (owner, "{field}", id) '
        "WHERE owner IS NOT NULL"
    )


def add_column(db: peewee.Database, table: str, name: str, field: peewee.Field) -> None:
    """Add a column, with the field's index if it has one. It is for migrations, and copies no row.

    Records that are there get the field's default. Raises: ValueError, if they would need one.
    """
    value = field.db_value(field.default)
    if value is None and not field.null:
        raise ValueError(f"{table}.{name} needs null=True, or a default for existing records.")
    field.bind(type(table.title(), (peewee.Model,), {}), name, set_attribute=False)
    if value is not None:
        field.constraints = [*(field.constraints or ()), peewee.SQL(f"DEFAULT {_literal(value)}")]
    definition, _ = db.get_sql_context().sql(field.ddl(db.get_sql_context())).query()
    percent = "%%" if db.param == "%s" else "%"  # where % marks a parameter
    db.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN {definition.replace("%", percent)}')
    if field.unique or field.index:
        kind = "UNIQUE INDEX" if field.unique else "INDEX"
        db.execute_sql(f'CREATE {kind} "{table}_{name}" ON "{table}" ("{name}")')


def _literal(value: str | float) -> str:
    """A constant in SQL."""
    text = str(value)
    return "'{}'".format(text.replace("'", "''")) if isinstance(value, str) else text


def reference(table: str, *, null: bool = False) -> peewee.Field:
    """A column that refers to a record, which can't be deleted meanwhile.

    It is checked at each statement, or at the end of a transaction that asks for it.
    """
    refers = peewee.SQL(f'REFERENCES "{table}" ("id") DEFERRABLE INITIALLY IMMEDIATE')
    options: dict[str, Any] = {"null": null, "index": True, "constraints": [refers]}
    return peewee.BigIntegerField(**options)
