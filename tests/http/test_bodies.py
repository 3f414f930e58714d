"""Bodies: what marshmallow's schemas and the short ways past them agree on."""

import json
from datetime import UTC
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, validates_schema

from datas.domain.items import ITEMS
from datas.domain.records import ENVELOPE, Collection, Record
from datas.http.errors import MAX_FAULTS, Refusal
from datas.http.fields import rfc3339
from datas.http.items import ItemSchema
from datas.http.schemas import RecordBody
from tests.drafts import any_draft
from tests.every_rule import GADGETS
from tests.http.gadgets import GadgetSchema
from tests.served import PLURAL

BODIES: dict[str, RecordBody[Any]] = {
    PLURAL: RecordBody(ITEMS, ItemSchema),
    "gadgets": RecordBody(GADGETS, GadgetSchema),
}
BOTH = [(ITEMS, BODIES[PLURAL]), (GADGETS, BODIES["gadgets"])]

MOMENTS = st.datetimes(timezones=st.just(UTC))
NUMBERS = st.integers(1, 2**63 - 1)
OWNERS = st.none() | st.text(min_size=1)


def records(collection: Collection[Any]) -> st.SearchStrategy[Record[Any]]:
    """Any records of a collection."""
    return st.builds(Record, NUMBERS, any_draft(collection), MOMENTS, MOMENTS, NUMBERS, OWNERS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@given(data=st.data())
@pytest.mark.parametrize(("collection", "body"), BOTH)
def test_dump_is_what_the_schema_dumps(
    data: st.DataObject, collection: Collection[Any], body: RecordBody[Any]
) -> None:
    """The same names and values, in the order of `names`."""
    record: Record[Any] = data.draw(records(collection))
    dumped = body.dump(record)
    assert dumped == body.schema.dump(record)
    assert tuple(dumped) == body.names


@given(data=st.data())
@pytest.mark.parametrize(("collection", "body"), BOTH)
def test_load_is_the_opposite_of_dump(
    data: st.DataObject, collection: Collection[Any], body: RecordBody[Any]
) -> None:
    """What was read can be put back, by the short way and by the schema's."""
    record: Record[Any] = data.draw(records(collection))
    sent = json.loads(orjson.dumps(body.dump(record)))
    assert body.load(sent, ignore_read_only=True) == record.draft
    own = {name: value for name, value in sent.items() if name not in ENVELOPE}
    assert body.load(own) == record.draft
    assert body.schema.load(own) == record.draft._asdict()
    assert body.load_some(own) == record.draft._asdict()
    assert body.from_row(body.to_row(record.draft)) == record.draft


@given(data=st.data())
@pytest.mark.parametrize(("collection", "body"), BOTH)
def test_load_takes_and_refuses_what_the_schema_does(
    data: st.DataObject, collection: Collection[Any], body: RecordBody[Any]
) -> None:
    """A body in which some fields are absent, and some have any JSON value."""
    draft = data.draw(any_draft(collection))
    sent = dict(zip(collection.fields, body.to_row(draft), strict=True))
    for name in data.draw(st.sets(st.sampled_from([*sent, "id", "colour"]))):
        sent[name] = data.draw(json_values)
    for name in data.draw(st.sets(st.sampled_from(sorted(sent)))):
        del sent[name]
    faults = body.schema.validate(sent)
    if not faults:
        assert body.load(sent) == collection.draft(**body.schema.load(sent))
        return
    with pytest.raises(Refusal) as refusal:
        body.load(sent)
    assert refusal.value.code == f"invalid-{collection.name}"
    assert list(refusal.value.errors) == list(faults)[:MAX_FAULTS]


def test_zero_has_no_sign() -> None:
    """A database keeps none: the answer to a POST would differ from what GET shows."""
    draft = BODIES["gadgets"].load({"name": "a", "price": "-0.00", "discount": "-0"})
    assert not draft.price.is_signed()
    assert not draft.discount.is_signed()
    signed = draft._replace(price=Decimal("-0"))
    assert BODIES["gadgets"].to_row(signed)[GADGETS.fields.index("price")] == "0.00"


class StrictSchema(ItemSchema):
    """A schema with a check of its own."""

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        """Raises: ValidationError."""
        if data["data"] == "no":
            raise ValidationError("must not be no.", "data")


def test_a_schema_with_a_check_of_its_own_is_always_asked() -> None:
    """The short way would pass it by."""
    body = RecordBody(ITEMS, StrictSchema)
    assert body.load({"data": "yes"}).data == "yes"
    with pytest.raises(Refusal):
        body.load({"data": "no"})


@given(MOMENTS)
def test_a_moment_has_one_form(moment: Any) -> None:
    """In UTC, with microseconds, also if they are zero."""
    for each in (moment, moment.replace(microsecond=0)):
        text = rfc3339(each)
        assert len(text) == len("2026-11-22T16:00:00.123456Z")
        assert type(each).fromisoformat(text) == each
