"""Fields of records on the wire: how JSON and text represent each type of the domain."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal as Number
from typing import Any, ClassVar

import orjson
from marshmallow import ValidationError, fields

from datas.domain.records import Collection
from datas.domain.rules import (
    BooleanRule,
    ChoiceRule,
    DateRule,
    DecimalRule,
    IntegerRule,
    MomentRule,
    Rule,
    TextRule,
    TextsRule,
    required,
)

_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# RFC 3339 §5.6. It allows small letters, and any number of digits after the second. An offset
# without its colon is ISO 8601's: clients made by openapi-generator for Python send it.
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE
)


class RecordField(fields.Field[Any]):
    """A field of a record; subclasses convert between domain values, JSON and text.

    A value that can't be converted stays as it is, and the domain's rule refuses it.
    """

    json_type: ClassVar[Mapping[str, str]] = {"type": "string"}  # in JSON Schema
    noun: ClassVar[str] = "a string"

    def __init__(
        self, rule: Rule, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        faults: dict[str, Any] = {
            "required": "is missing.",
            "null": f"must be {self.noun}, not null.",
        }
        schema = {**self.json_type, **(metadata or {})}
        super().__init__(error_messages=faults, metadata=schema, **kwargs)
        self.rule = required(rule)

    def from_json(self, value: Any) -> Any:
        """The domain value that a JSON value stands for. The rule checks it afterwards."""
        return value

    def to_json(self, value: Any) -> Any:
        """The JSON value that stands for a domain value, which is not None."""
        return value

    def from_text(self, text: str) -> Any:
        """The JSON value that a text stands for, in a parameter or in a cell of CSV."""
        return text

    @property
    def example(self) -> Any:
        """A value in JSON; None for a rule without one."""
        value = getattr(self.rule, "example", None)
        return self.metadata.get("example", None if value is None else self.to_json(value))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        converted = self.from_json(value)
        if faults := self.rule(converted):
            raise ValidationError(faults)
        return converted

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return None if value is None else self.to_json(value)


class Text(RecordField):
    """A string."""


class Integer(RecordField):
    """A number. A float is none, even if it has no fraction."""

    json_type = {"type": "integer", "format": "int64"}
    noun = "an integer"

    def from_text(self, text: str) -> Any:
        return int(text) if _INTEGER.fullmatch(text) else text


class Decimal(RecordField):
    """A string with exactly as many places as the rule has, such as `"12.50"`."""

    noun = "a decimal number in a string"

    def from_json(self, value: Any) -> Any:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            return value
        # There is one zero: without a sign, as a database returns it.
        return Number(value) or Number(0)

    def to_json(self, value: Any) -> Any:
        return format(value, f"z.{self.rule.places}f")  # type: ignore[attr-defined]


class Boolean(RecordField):
    """`true` or `false`."""

    json_type = {"type": "boolean"}
    noun = "true or false"

    def from_text(self, text: str) -> Any:
        return {"true": True, "false": False}.get(text, text)


class Date(RecordField):
    """A string such as `"2026-11-22"`."""

    noun = "a date"

    def from_json(self, value: Any) -> Any:
        try:
            return date.fromisoformat(value) if _DATE.fullmatch(value) else value
        except (TypeError, ValueError):
            return value

    def to_json(self, value: Any) -> Any:
        return value.isoformat()


class Moment(RecordField):
    """A time as RFC 3339 writes it, in any offset; in answers always as `rfc3339` writes it.

    Digits after the sixth of a second are cut off.
    """

    json_type = {"type": "string", "format": "date-time"}
    noun = "a time"

    def from_json(self, value: Any) -> Any:
        try:
            is_moment = _MOMENT.fullmatch(value)
            return datetime.fromisoformat(value.upper()).astimezone(UTC) if is_moment else value
        except (TypeError, ValueError, OverflowError):
            return value

    def to_json(self, value: Any) -> Any:
        return rfc3339(value)


class Texts(RecordField):
    """A list of strings; in text it is JSON too."""

    json_type = {"type": "array"}
    noun = "a list of strings"

    def from_json(self, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def to_json(self, value: Any) -> Any:
        return list(value)

    def from_text(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text


_CLASSES: Mapping[type, type[RecordField]] = {
    TextRule: Text,
    IntegerRule: Integer,
    DecimalRule: Decimal,
    BooleanRule: Boolean,
    DateRule: Date,
    MomentRule: Moment,
    ChoiceRule: Text,
    TextsRule: Texts,
}


def field(
    collection: Collection[Any],
    name: str,
    of: type[RecordField] | None = None,
    **metadata: Any,
) -> RecordField:
    """A field of a collection, with the rule, the bounds and the default that the domain declares.

    `of` is the class for a rule that is a function of one's own; the default is a text. `metadata`
    is more JSON Schema for the OpenAPI document, such as a `description`.
    """
    # If the rule is missing, a comparison stops the start later, with a sentence.
    rule = collection.rules.get(name, TextRule(0, 0))
    kind = of or _CLASSES.get(type(required(rule)), Text)
    nullable = collection.is_optional(name)
    schema: dict[str, Any] = {**getattr(required(rule), "json_schema", {}), **metadata}
    if nullable and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    defaults = getattr(collection.draft, "_field_defaults", {})
    made = kind(rule, required=name not in defaults, allow_none=nullable, metadata=schema)
    if defaults.get(name) is not None:
        made.metadata = {**made.metadata, "x-default": made.to_json(defaults[name])}
    return made


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T16:00:00.123456Z`: in UTC, always with microseconds (RFC 3339 §5.6)."""
    if moment.microsecond:
        # In a third of the time; but orjson leaves out microseconds that are zero.
        return orjson.dumps(moment, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return moment.isoformat("T", "microseconds")[:26] + "Z"
