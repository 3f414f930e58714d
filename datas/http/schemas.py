"""Bodies (marshmallow): JSON to domain values with `load`, domain values to JSON with `dump`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from datas.domain.items import MAX_LENGTH, MIN_LENGTH, Item, data_faults
from datas.http.errors import Refusal


class UtcTime(fields.DateTime):
    """A moment in UTC, as `rfc3339` writes it."""

    def _serialize(self, value: datetime, *_: Any, **__: Any) -> str:  # type: ignore[override]
        return rfc3339(value)


def _rule(faults: Callable[[object], list[str]]) -> Callable[[object], None]:
    """A domain rule as a marshmallow validator, so that all fields' faults come together."""

    def validate(value: object) -> None:
        if found := faults(value):
            raise ValidationError(found)

    return validate


class ItemSchema(Schema):
    """An item. Clients write `data` alone; the rest is the server's."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is no field of an item; leave it out."}

    id = fields.Integer(dump_only=True)
    data = fields.String(
        required=True,
        validate=_rule(data_faults),
        error_messages={
            "required": "is missing.",
            "null": "must be a string, not null.",
            "invalid": "must be a string.",
        },
        metadata={"minLength": MIN_LENGTH, "maxLength": MAX_LENGTH},
    )
    date_created = UtcTime(dump_only=True)
    date_updated = UtcTime(dump_only=True)
    version = fields.Integer(dump_only=True)
    owner = fields.String(dump_only=True, allow_none=True)


_ITEM = ItemSchema()
_READ_ONLY = frozenset(_ITEM.dump_fields) - frozenset(_ITEM.load_fields)


def dump_item(item: Item) -> dict[str, Any]:
    """An item as JSON has it: what `ItemSchema.dump` gives, in a third of its time.

    This is the hottest line of the server; a property test holds the two equal.
    """
    return item._asdict() | {
        "date_created": rfc3339(item.date_created),
        "date_updated": rfc3339(item.date_updated),
    }


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T16:00:00.123456Z`: in UTC, always with microseconds (RFC 3339 §5.6)."""
    return moment.isoformat("T", "microseconds")[:26] + "Z"


def load_item(body: object, *, ignore_read_only: bool = False) -> dict[str, Any]:
    """The fields of an item that a client may write. Raises: Refusal (`invalid-item`).

    Read-only names are faults of their own; a PUT ignores them, so that what was read can be
    edited and put back.
    """
    if not isinstance(body, Mapping):
        fault = 'must be a JSON object, such as {"data": "hello"}.'
        raise Refusal("invalid-item", errors={"body": [fault]})
    if ignore_read_only:
        body = {name: value for name, value in body.items() if name not in _READ_ONLY}
    try:
        loaded: dict[str, Any] = _ITEM.load(body)
    except ValidationError as error:
        faults = error.messages_dict
        for name in _READ_ONLY.intersection(faults):
            faults[name] = ["is read-only; leave it out."]
        raise Refusal("invalid-item", errors=faults) from None
    return loaded
