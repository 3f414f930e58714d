"""What stops the start: a collection, its table and the database that don't agree, by name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import peewee
import pytest

from datas.adapters.sql.comparison import table_faults
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.fields import DateField, DecimalField, MomentField, TextsField
from datas.adapters.sql.migrate import add_sort
from datas.adapters.sql.tables import RecordRow, Table
from datas.database_urls import open_database
from datas.domain import rules
from datas.domain.errors import StorageUnavailable
from datas.domain.records import Collection
from tests.contract.conftest import TABLES
from tests.every_rule import GADGETS, MAKERS, GadgetRow
from tests.served import PLURAL


class NoteDraft(NamedTuple):
    """A field for each kind of column."""

    name: str
    count: int  # type: ignore[assignment]  # a method of tuples
    price: Decimal
    in_stock: bool
    released: date
    checked: datetime
    color: str
    tags: tuple[str, ...]
    note: str | None


NOTES = Collection(
    name="note",
    plural="notes",
    draft=NoteDraft,
    rules={name: GADGETS.rules[name] for name in NoteDraft._fields},
    search="name",
)
COLUMNS: dict[str, Callable[[], peewee.Field]] = {
    "name": peewee.TextField,
    "count": peewee.BigIntegerField,
    "price": lambda: DecimalField(2),
    "in_stock": peewee.BooleanField,
    "released": DateField,
    "checked": MomentField,
    "color": peewee.TextField,
    "tags": TextsField,
    "note": lambda: peewee.TextField(null=True),
}


def _row(*, without: str = "", **changes: Callable[[], peewee.Field]) -> type[RecordRow]:
    """The table of notes with other columns, in the order in which they are made."""
    columns = {name: make() for name, make in (COLUMNS | changes).items() if name != without}
    meta = type("Meta", (), {"table_name": "notes"})
    return type("NoteRow", (RecordRow,), {**columns, "Meta": meta})


def _row_in_another_order() -> type[RecordRow]:
    count = peewee.BigIntegerField()
    return _row(count=lambda: count)


TABLE_FAULTS: list[tuple[type[RecordRow], str]] = [
    (_row(without="count"), "has no column for the field count"),
    (_row(size=peewee.TextField), "has a column size, which is no field"),
    (_row_in_another_order(), "must have its columns in the order of the draft: name, count"),
    (_row(note=peewee.TextField), "column note must have null=True"),
    (_row(name=lambda: peewee.TextField(null=True)), "column name must not have null=True"),
    (_row(price=lambda: DecimalField(3)), "column price must have 2 places"),
    (_row(price=peewee.TextField), "column price must be a DecimalField"),
    (_row(released=peewee.TextField), "column released must be a DateField"),
    (_row(checked=DateField), "column checked must be a MomentField"),
    (_row(tags=peewee.TextField), "column tags must be a TextsField"),
    (_row(in_stock=peewee.IntegerField), "column in_stock must be a BooleanField"),
    (_row(count=peewee.TextField), "column count must be a BigIntegerField"),
    (_row(color=peewee.BigIntegerField), "column color must be a TextField"),
]


def test_tables_of_good_collections_have_no_faults() -> None:
    """Neither that of items nor those of the tests."""
    assert [fault for table in TABLES.values() for fault in table_faults(table)] == []
    assert list(table_faults(Table(NOTES, _row()))) == []


@pytest.mark.parametrize(("row", "sentence"), TABLE_FAULTS, ids=[text for _, text in TABLE_FAULTS])
def test_a_table_that_differs_from_its_collection_is_named(
    row: type[RecordRow], sentence: str
) -> None:
    """With the collection and the field, in one sentence."""
    [fault] = table_faults(Table(NOTES, row))
    assert fault.startswith("The table notes of notes")
    assert sentence in fault


def test_a_decimal_that_its_column_cannot_keep_is_named() -> None:
    """Its smallest units are counted in 63 bits."""
    wide = replace(GADGETS, rules={**GADGETS.rules, "price": rules.decimal(2, 0, 10**18)})
    [fault] = table_faults(Table(wide, GadgetRow))
    assert "the column price can't keep 1000000000000000000 with its places" in fault


@pytest.mark.parametrize("bounds", [(0, 2**63), (-(2**63) - 1, 0)])
def test_an_integer_that_no_column_can_keep_is_named(bounds: tuple[int, int]) -> None:
    """SQLite would keep another number, and PostgreSQL none."""
    wide = replace(GADGETS, rules={**GADGETS.rules, "count": rules.integer(*bounds)})
    [fault] = table_faults(Table(wide, GadgetRow))
    assert f"the column count can't keep {max(bounds, key=abs)}." in fault


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[SqlDatabase]:
    """A database with the tables of all collections, which is changed by hand."""
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        server = request.getfixturevalue("brought_up")
        server.ask("DROP DATABASE IF EXISTS compared WITH (FORCE)")
        server.ask("CREATE DATABASE compared TEMPLATE template")
        url = server.url("compared")
    database = open_database(url, TABLES)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TABLE gadgets", "has no table gadgets for gadgets: write a migration"),
        (
            "ALTER TABLE gadgets DROP COLUMN note",
            "table gadgets of gadgets has no column note: write a migration",
        ),
        (
            "ALTER TABLE gadgets RENAME COLUMN note TO notes",
            "table gadgets of gadgets has no column note",
        ),
        ("DROP INDEX gadgets_price_id", "gadgets needs an index on (price, id) to be sorted by"),
        (
            "DROP INDEX gadgets_owner_released",
            "gadgets needs an index on (owner, released, id) to be sorted by released",
        ),
        ("DROP INDEX gadgets_owner_id", "gadgets needs an index on (owner, id) to be sorted by id"),
        ("DROP INDEX gadgets_rank", "gadgets needs a unique index on rank"),
        ("DROP INDEX makers_name", "makers needs a unique index on name"),
        ("DROP INDEX datas_data_id", f"datas of {PLURAL} needs an index on (data, id)"),
    ],
)
def test_a_database_that_differs_stops_the_start(
    database: SqlDatabase, change: str, sentence: str
) -> None:
    """What a migration forgot is named, with the collection."""
    database.peewee.execute_sql(change)
    with pytest.raises(StorageUnavailable) as caught:
        database.bring_up()
    assert sentence in str(caught.value)


def _remade(database: SqlDatabase, old: str, new: str) -> None:
    """Make the table of gadgets again, with another definition of a column."""
    [(sql,)] = database.peewee.execute_sql(
        "SELECT sql FROM sqlite_master WHERE name = 'gadgets'"
    ).fetchall()
    indexes = database.peewee.execute_sql(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'gadgets' AND type = 'index'"
    ).fetchall()
    assert old in sql
    database.peewee.execute_sql("DROP TABLE gadgets")
    for text in (sql.replace(old, new), *(text for (text,) in indexes)):
        database.peewee.execute_sql(text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            '"note" TEXT',
            '"note" TEXT, "size" TEXT NOT NULL',
            "gadgets of gadgets has a column size, and its model lacks it",
        ),
        (
            '"note" TEXT',
            '"note" TEXT NOT NULL',
            "gadgets of gadgets: the column note must be null",
        ),
        (
            '"name" TEXT NOT NULL',
            '"name" TEXT',
            "gadgets of gadgets: the column name must not be null",
        ),
        (
            'REFERENCES "makers" ("id")',
            'REFERENCES "users" ("id")',
            "gadgets needs a foreign key from maker_id to makers",
        ),
        (
            '"parent_id" INTEGER REFERENCES "gadgets" ("id") DEFERRABLE INITIALLY IMMEDIATE',
            '"parent_id" INTEGER',
            "gadgets needs a foreign key from parent_id to gadgets",
        ),
    ],
)
def test_a_table_that_was_made_otherwise_stops_the_start(
    sqlite_url: str, old: str, new: str, sentence: str
) -> None:
    """Null where there must be none, and the other way round; a reference that nothing checks."""
    database = open_database(sqlite_url, TABLES)
    _remade(database, old, new)
    with pytest.raises(StorageUnavailable) as caught:
        database.bring_up()
    assert sentence in str(caught.value)
    database.close()


def test_an_index_that_is_added_later_is_enough(database: SqlDatabase) -> None:
    """A sort that a collection gets needs no other table."""
    sorted_by_tags = replace(GADGETS, sorts=(*GADGETS.sorts, "tags"))
    tables = {**TABLES, "gadgets": Table(sorted_by_tags, GadgetRow)}
    changed = SqlDatabase(database.engine, tables)
    with pytest.raises(StorageUnavailable, match=r"index on \(tags, id\) to be sorted by tags"):
        changed.bring_up()
    with changed.peewee.atomic():
        add_sort(changed.peewee, "gadgets", "tags")
    assert changed.bring_up() == []


def test_all_faults_are_told_at_once(database: SqlDatabase) -> None:
    """A sentence for each."""
    for index in ("gadgets_price_id", "makers_name"):
        database.peewee.execute_sql(f"DROP INDEX {index}")
    with pytest.raises(StorageUnavailable) as caught:
        database.bring_up()
    assert "price" in str(caught.value)
    assert MAKERS.plural in str(caught.value)
