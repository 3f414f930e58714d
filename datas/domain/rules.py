"""Rules: what values a field may have. A rule returns what is wrong with a value.

The texts follow the field's name: `pages: must be 1 to 100000.` Each rule here is a small value
that also carries its bounds, as JSON Schema writes them (https://json-schema.org), and an example.
Any function from a value to a list of texts is a rule too; it has neither.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from datas.domain.characters import ANY_TEXT, NOT_BLANK, WHITE_SPACE, character_faults

Rule = Callable[[Any], list[str]]

# Ids and integers are what both databases keep in 64 bits.
MAX_INTEGER = 2**63 - 1
# Bytes of a text in an index, beside an owner and an id. PostgreSQL's entries have 2,704 at most.
MAX_INDEXED = 2600


@dataclass(frozen=True)
class TextRule:
    """A `str` of so many code points. With a least length of 1 or more it must not be blank."""

    min_length: int
    max_length: int
    example: str = "hello"

    def __call__(self, value: object) -> list[str]:
        if not isinstance(value, str):
            return ["must be a string."]
        faults = []
        if not self.min_length <= len(value) <= self.max_length:
            faults.append(f"must be {self.min_length} to {self.max_length} characters long.")
        elif self.min_length and not value.strip(WHITE_SPACE):
            faults.append("must have a character that is not white space.")
        return faults + character_faults(value)

    @property
    def json_schema(self) -> Mapping[str, Any]:
        return {
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": NOT_BLANK if self.min_length else ANY_TEXT,
        }


@dataclass(frozen=True)
class IntegerRule:
    """An `int` between two bounds, both included."""

    minimum: int = -MAX_INTEGER - 1
    maximum: int = MAX_INTEGER

    def __call__(self, value: object) -> list[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            return ["must be an integer."]
        in_bounds = self.minimum <= value <= self.maximum
        return [] if in_bounds else [f"must be {self.minimum} to {self.maximum}."]

    @property
    def json_schema(self) -> Mapping[str, Any]:
        return {"format": "int64", "minimum": self.minimum, "maximum": self.maximum}

    @property
    def example(self) -> int:
        """7, or the bound that is nearest to it."""
        return min(max(7, self.minimum), self.maximum)


@dataclass(frozen=True)
class DecimalRule:
    """A `Decimal` with at most so many places, between two bounds, both included."""

    places: int
    minimum: Decimal
    maximum: Decimal

    def __call__(self, value: object) -> list[str]:
        if not isinstance(value, Decimal) or not value.is_finite():
            return ["must be a decimal number."]
        # The bounds come first: to round a huge number would need its digits.
        if not self.minimum <= value <= self.maximum:
            return [f"must be {self.minimum} to {self.maximum}."]
        if value != round(value, self.places):
            return [f"must have at most {self.places} decimal places."]
        return []

    @property
    def json_schema(self) -> Mapping[str, Any]:
        """A `pattern`: in JSON a decimal is a string with exactly so many places."""
        sign = "-?" if self.minimum < 0 else ""
        fraction = rf"\.[0-9]{{{self.places}}}" if self.places else ""
        return {"format": "decimal", "pattern": f"^{sign}[0-9]+{fraction}$"}

    @property
    def example(self) -> Decimal:
        """12.5, or the bound that is nearest to it."""
        return min(max(round(Decimal("12.5"), self.places), self.minimum), self.maximum)


@dataclass(frozen=True)
class BooleanRule:
    json_schema: Mapping[str, Any] = field(default_factory=dict)
    example: bool = True

    def __call__(self, value: object) -> list[str]:
        return [] if isinstance(value, bool) else ["must be true or false."]


@dataclass(frozen=True)
class DateRule:
    """A `datetime.date`."""

    json_schema: Mapping[str, Any] = field(default_factory=lambda: {"format": "date"})
    example: dt.date = dt.date(2026, 11, 22)

    def __call__(self, value: object) -> list[str]:
        is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        return [] if is_date else ["must be a date, such as 2026-11-22."]


@dataclass(frozen=True)
class MomentRule:
    """An aware `datetime.datetime` in UTC."""

    json_schema: Mapping[str, Any] = field(default_factory=lambda: {"format": "date-time"})
    example: dt.datetime = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)

    def __call__(self, value: object) -> list[str]:
        in_utc = isinstance(value, dt.datetime) and value.utcoffset() == dt.timedelta()
        return [] if in_utc else ["must be a time in UTC, such as 2026-11-22T16:00:00Z."]


@dataclass(frozen=True)
class ChoiceRule:
    choices: tuple[str, ...]

    def __call__(self, value: object) -> list[str]:
        if isinstance(value, str) and value in self.choices:
            return []
        return [f"must be one of: {', '.join(self.choices)}."]

    @property
    def json_schema(self) -> Mapping[str, Any]:
        return {"enum": list(self.choices)}

    @property
    def example(self) -> str:
        return self.choices[0]


@dataclass(frozen=True)
class TextsRule:
    """A tuple of texts, each of which keeps a rule of its own."""

    text: TextRule
    max_items: int

    def __call__(self, value: object) -> list[str]:
        if not isinstance(value, tuple):
            return ["must be a list of strings."]
        if len(value) > self.max_items:
            return [f"must have at most {self.max_items} entries."]
        faults = {fault: None for text in value for fault in self.text(text)}
        return [f"each entry {fault}" for fault in faults]

    @property
    def json_schema(self) -> Mapping[str, Any]:
        return {"maxItems": self.max_items, "items": {"type": "string", **self.text.json_schema}}

    @property
    def example(self) -> tuple[str, ...]:
        return (self.text.example,) if self.max_items else ()


@dataclass(frozen=True)
class OptionalRule:
    """None, or what another rule allows."""

    rule: Rule

    def __call__(self, value: object) -> list[str]:
        return [] if value is None else self.rule(value)


text = TextRule
integer = IntegerRule
boolean = BooleanRule
calendar_date = DateRule
moment = MomentRule
texts = TextsRule
optional = OptionalRule


def decimal(places: int, minimum: str | int, maximum: str | int) -> DecimalRule:
    """Bounds as texts are exact: `decimal(2, 0, "9999.99")`."""
    return DecimalRule(places, Decimal(minimum), Decimal(maximum))


def choice(choices: Iterable[str]) -> ChoiceRule:
    """One of these texts; the members of a `StrEnum` are some."""
    return ChoiceRule(tuple(str(each) for each in choices))


def reference() -> IntegerRule:
    """The id of a record."""
    return IntegerRule(1)


def required(rule: Rule) -> Rule:
    """What a rule says of a value that is there."""
    return rule.rule if isinstance(rule, OptionalRule) else rule


def storable(rule: Rule, *, is_indexed: bool) -> Rule:
    """The rule; a function of one's own then refuses also what databases can't keep."""
    if isinstance(rule, OptionalRule):
        return OptionalRule(storable(rule.rule, is_indexed=is_indexed))
    if hasattr(rule, "json_schema"):
        return rule

    def faults_of(value: object) -> list[str]:
        if faults := rule(value):
            return faults
        if isinstance(value, int) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            return ["must be an integer of 64 bits."]
        if not isinstance(value, str):
            return []
        if is_indexed and len(value.encode(errors="replace")) > MAX_INDEXED:
            return [f"must be at most {MAX_INDEXED} bytes long."]
        return character_faults(value)

    return faults_of


def most_bytes(rule: Rule) -> int:
    """The bytes of the longest text that keeps a rule, as a database keeps it; 0 if it has none."""
    match required(rule):
        case TextRule(max_length=length):
            return 4 * length
        case TextsRule(text=each, max_items=count):
            return count * (6 * each.max_length + 3) + 2  # as JSON, which may escape characters
    return 0
