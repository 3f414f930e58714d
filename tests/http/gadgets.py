"""The collections of tests/every_rule.py on the wire."""

from datas.http.fields import Text, field
from datas.http.schemas import RecordSchema
from tests.every_rule import GADGET_FILTERS, GADGETS, MAKERS
from tests.http.conftest import Wire


class MakerSchema(RecordSchema):
    """A maker."""

    name = field(MAKERS, "name")


class GadgetSchema(RecordSchema):
    """A gadget: a field for every rule."""

    name = field(GADGETS, "name")
    count = field(GADGETS, "count")
    price = field(GADGETS, "price")
    in_stock = field(GADGETS, "in_stock")
    released = field(GADGETS, "released")
    checked = field(GADGETS, "checked")
    color = field(GADGETS, "color")
    tags = field(GADGETS, "tags")
    serial = field(GADGETS, "serial", Text, example="S1")
    note = field(GADGETS, "note")
    rank = field(GADGETS, "rank")
    discount = field(GADGETS, "discount")
    tested = field(GADGETS, "tested")
    retired = field(GADGETS, "retired")
    sold = field(GADGETS, "sold")
    finish = field(GADGETS, "finish")
    labels = field(GADGETS, "labels")
    maker_id = field(GADGETS, "maker_id")
    parent_id = field(GADGETS, "parent_id")


GADGETS_ON_THE_WIRE: list[Wire] = [
    (GADGETS, GadgetSchema, GADGET_FILTERS),
    (MAKERS, MakerSchema, {}),
]
