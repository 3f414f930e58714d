"""What a collection says of its records, its table, and the database: whether they agree."""

from collections.abc import Iterator
from typing import Any

import peewee

from datas.adapters.sql import fields
from datas.adapters.sql.tables import OtherTables, RecordRow, Table, Tables
from datas.domain import rules
from datas.domain.records import Collection

# The columns that can keep what a rule allows.
_COLUMNS: dict[type, tuple[type[peewee.Field], ...]] = {
    rules.TextRule: (peewee.TextField,),
    rules.IntegerRule: (peewee.BigIntegerField, peewee.IntegerField),
    rules.DecimalRule: (fields.DecimalField,),
    rules.BooleanRule: (peewee.BooleanField,),
    rules.DateRule: (fields.DateField,),
    rules.MomentRule: (fields.MomentField,),
    rules.ChoiceRule: (peewee.TextField,),
    rules.TextsRule: (fields.TextsField,),
}


def table_faults(table: Table) -> Iterator[str]:
    """Where a collection and its table differ, a sentence each."""
    collection, row = table
    meta: Any = row._meta  # noqa: SLF001 (Peewee's documented name)
    envelope = list(RecordRow._meta.sorted_field_names)  # noqa: SLF001
    names = [name for name in meta.sorted_field_names if name not in envelope]
    here = f"The table {meta.table_name} of {collection.plural}"
    for name in collection.fields:
        if name not in names:
            yield f"{here} has no column for the field {name}: add one to its model."
    for name in names:
        if name not in collection.fields:
            yield f"{here} has a column {name}, which is no field of the collection."
    if sorted(names) == sorted(collection.fields):
        if names != list(collection.fields):
            yield (
                f"{here} must have its columns in the order of the draft: "
                f"{', '.join(collection.fields)}."
            )
        for name in names:
            yield from _column_faults(here, collection, name, meta.fields[name])


def _column_faults(
    here: str, collection: Collection[Any], name: str, column: peewee.Field
) -> Iterator[str]:
    optional, rule = collection.is_optional(name), rules.required(collection.rules[name])
    if column.null != optional:
        yield f"{here}: the column {name} {'must have' if optional else 'must not have'} null=True."
    wanted = _COLUMNS.get(type(rule))
    if wanted and type(column) not in wanted:
        yield f"{here}: the column {name} must be a {wanted[0].__name__}."
    elif isinstance(rule, rules.IntegerRule):
        for bound in (rule.minimum, rule.maximum):
            if not -rules.MAX_INTEGER - 1 <= bound <= rules.MAX_INTEGER:
                yield f"{here}: the column {name} can't keep {bound}."
    elif isinstance(rule, rules.DecimalRule) and isinstance(column, fields.DecimalField):
        largest = max(abs(rule.minimum), abs(rule.maximum)).scaleb(rule.places)
        if column.places != rule.places:
            yield f"{here}: the column {name} must have {rule.places} places."
        elif largest > rules.MAX_INTEGER:
            yield f"{here}: the column {name} can't keep {rule.maximum} with its places."


def database_faults(
    database: peewee.Database, tables: Tables, others: OtherTables | None = None
) -> Iterator[str]:
    """Where the tables of a database differ from their collections, a sentence each.

    `others` is None where the tables are not all that a package has.
    """
    found = database.get_tables()
    if others is not None:
        yield from _other_faults(database, tables, others, found)
    for collection, row in tables.values():
        name = row._meta.table_name  # noqa: SLF001
        if name not in found:
            yield f"The database has no table {name} for {collection.plural}: write a migration."
            continue
        here = f"The database's table {name} of {collection.plural}"
        yield from _columns_of(here, database, row)
        yield from _indexes_of(here, database, collection, name)
        targets = {(key.column, key.dest_table) for key in database.get_foreign_keys(name)}
        for field, plural in collection.references.items():
            target = tables[plural].row._meta.table_name  # noqa: SLF001
            if (field, target) not in targets:
                yield f"{here} needs a foreign key from {field} to {target}."
        for field, target in sorted(targets):
            if field in collection.fields and field not in collection.references:
                yield f"{here} has a foreign key to {target}: name {field} in the references."


def _other_faults(
    database: peewee.Database, tables: Tables, others: OtherTables, found: list[str]
) -> Iterator[str]:
    """The same of tables that are no collection's: `copy` must not leave one of them behind."""
    records = {table.row._meta.table_name for table in tables.values()}  # noqa: SLF001
    known = {other._meta.table_name: other for other in others}  # noqa: SLF001
    for name, other in known.items():
        if name not in found:
            yield f"The database has no table {name}: write a migration."
        else:
            yield from _columns_of(f"The database's table {name}", database, other)
    for name in sorted({*found} - records - known.keys()):
        refers = {key.dest_table for key in database.get_foreign_keys(name)} & records
        for target in sorted(refers):
            yield (
                f"The database's table {name} refers to {target}, and nothing names its model: "
                "add it to the other_tables of a collection."
            )


def _columns_of(here: str, database: peewee.Database, row: type[peewee.Model]) -> Iterator[str]:
    meta: Any = row._meta  # noqa: SLF001
    found = {column.name: column for column in database.get_columns(meta.table_name)}
    for field in meta.sorted_fields:
        column = found.pop(field.column_name, None)
        if column is None:
            yield f"{here} has no column {field.name}: write a migration that adds it."
        elif column.null != field.null and not field.primary_key:
            yield f"{here}: the column {field.name} {'must' if field.null else 'must not'} be null."
    for name in found:
        yield f"{here} has a column {name}, and its model lacks it."


def _indexes_of(
    here: str, database: peewee.Database, collection: Collection[Any], table: str
) -> Iterator[str]:
    indexes = database.get_indexes(table)
    starts = {tuple(index.columns[:3]) for index in indexes}
    starts |= {start[:2] for start in starts}
    for field in collection.sorts:
        for wanted in ((field, "id"), ("owner", field, "id")):
            columns = tuple(dict.fromkeys(wanted))  # the primary key is an index by itself
            if columns != ("id",) and columns not in starts:
                yield f"{here} needs an index on ({', '.join(columns)}) to be sorted by {field}."
    unique = {tuple(index.columns) for index in indexes if index.unique}
    for field in collection.unique:
        if (field,) not in unique:
            yield f"{here} needs a unique index on {field}."
    for field in collection.fields:
        if (field,) in unique and field not in collection.unique:
            yield f"{here} has a unique index on {field}: name it in the collection's unique."
