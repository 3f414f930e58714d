"""Two collections of the tests' own: gadgets have a field for every rule, and makers make them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import peewee

from datas.adapters.sql.fields import DateField, DecimalField, MomentField, TextsField
from datas.adapters.sql.migrate import create_record_table, reference
from datas.adapters.sql.tables import RecordRow, Table
from datas.domain import rules
from datas.domain.query import Filter, Operator
from datas.domain.records import Collection


class Color(StrEnum):
    """The colors that a gadget comes in."""

    RED = "red"
    BLUE = "blue"


class MakerDraft(NamedTuple):
    """What a client writes of a maker."""

    name: str


class GadgetDraft(NamedTuple):
    """What a client writes of a gadget."""

    name: str
    count: int = 0  # type: ignore[assignment]  # a tuple has a method of that name
    price: Decimal = Decimal("1.00")
    in_stock: bool = True
    released: date = date(2026, 1, 1)
    checked: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    color: str = Color.RED
    tags: tuple[str, ...] = ()
    serial: str | None = None
    note: str | None = None
    rank: int | None = None
    discount: Decimal | None = None
    tested: bool | None = None
    retired: date | None = None
    sold: datetime | None = None
    finish: str | None = None
    labels: tuple[str, ...] | None = None
    maker_id: int | None = None
    parent_id: int | None = None


def serial_faults(serial: object) -> list[str]:
    """A rule of one's own: what is wrong with a serial number."""
    if not isinstance(serial, str):
        return ["must be a string."]
    return [] if serial[:1] == "S" and serial[1:].isdecimal() else ["must be S and digits."]


MAKERS = Collection(
    name="maker",
    plural="makers",
    draft=MakerDraft,
    rules={"name": rules.text(1, 50)},
    sorts=("id", "name"),
    search="name",
    unique=("name",),
)

GADGETS = Collection(
    name="gadget",
    plural="gadgets",
    draft=GadgetDraft,
    rules={
        "name": rules.text(1, 50),
        "count": rules.integer(),
        "price": rules.decimal(2, "-9999.99", "9999.99"),
        "in_stock": rules.boolean(),
        "released": rules.calendar_date(),
        "checked": rules.moment(),
        "color": rules.choice(Color),
        "tags": rules.texts(rules.text(1, 10), 3),
        "serial": rules.optional(serial_faults),
        "note": rules.optional(rules.text(0, 100)),
        "rank": rules.optional(rules.integer(1, 10)),
        "discount": rules.optional(rules.decimal(3, 0, 1)),
        "tested": rules.optional(rules.boolean()),
        "retired": rules.optional(rules.calendar_date()),
        "sold": rules.optional(rules.moment()),
        "finish": rules.optional(rules.choice(["matt", "gloss"])),
        "labels": rules.optional(rules.texts(rules.text(0, 10), 3)),
        "maker_id": rules.optional(rules.reference()),
        "parent_id": rules.optional(rules.reference()),
    },
    sorts=(
        *("id", "name", "count", "price", "in_stock", "released", "checked", "color"),
        *("date_created", "date_updated"),
    ),
    search="name",
    unique=("serial", "rank"),
    references={"maker_id": "makers", "parent_id": "gadgets"},
)

GADGET_FILTERS = {
    "color": Filter("color"),
    "in_stock": Filter("in_stock"),
    "rank": Filter("rank"),
    "maker_id": Filter("maker_id"),
    **{
        f"{name}_{end}": Filter(name, operator)
        for name in ("count", "price", "released", "checked")
        for end, operator in (("from", Operator.FROM), ("to", Operator.BELOW))
    },
}


class MakerRow(RecordRow):
    """One maker."""

    name = peewee.TextField(unique=True)

    class Meta:
        table_name = "makers"


class GadgetRow(RecordRow):
    """One gadget."""

    name = peewee.TextField()
    count = peewee.BigIntegerField()
    price = DecimalField(2)
    in_stock = peewee.BooleanField()
    released = DateField()
    checked = MomentField()
    color = peewee.TextField()
    tags = TextsField()
    serial = peewee.TextField(null=True, unique=True)
    note = peewee.TextField(null=True)
    rank = peewee.BigIntegerField(null=True, unique=True)
    discount = DecimalField(3, null=True)
    tested = peewee.BooleanField(null=True)
    retired = DateField(null=True)
    sold = MomentField(null=True)
    finish = peewee.TextField(null=True)
    labels = TextsField(null=True)
    maker_id = peewee.BigIntegerField(null=True)
    parent_id = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "gadgets"


TABLES = {"makers": Table(MAKERS, MakerRow), "gadgets": Table(GADGETS, GadgetRow)}


def create_tables(db: peewee.Database) -> None:
    """What a migration of these collections does."""
    create_record_table(db, "makers", {"name": peewee.TextField(unique=True)}, MAKERS.sorts)
    fields: dict[str, Any] = {
        "name": peewee.TextField(),
        "count": peewee.BigIntegerField(),
        "price": DecimalField(2),
        "in_stock": peewee.BooleanField(),
        "released": DateField(),
        "checked": MomentField(),
        "color": peewee.TextField(),
        "tags": TextsField(),
        "serial": peewee.TextField(null=True, unique=True),
        "note": peewee.TextField(null=True),
        "rank": peewee.BigIntegerField(null=True, unique=True),
        "discount": DecimalField(3, null=True),
        "tested": peewee.BooleanField(null=True),
        "retired": DateField(null=True),
        "sold": MomentField(null=True),
        "finish": peewee.TextField(null=True),
        "labels": TextsField(null=True),
        "maker_id": reference("makers", null=True),
        "parent_id": reference("gadgets", null=True),
    }
    create_record_table(db, "gadgets", fields, GADGETS.sorts)
