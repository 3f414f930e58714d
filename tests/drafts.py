"""Drafts made from the rules of a collection: some that reach every bound, and any others."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import strategies as st

from datas.domain import rules
from datas.domain.records import Collection
from tests.strategies import drafts

# Texts whose order a database's language, or a comparison of UTF-16, would get wrong.
TEXTS = (*"bBaAäzé9_%", "e\u0301", "\uffff", "\U0001f600", "10", " a", "a ", "\x1c", '"[]\\')
DATES = (date.min, date(2026, 11, 22), date(2026, 11, 23), date.max)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOMENTS = (
    datetime.min.replace(tzinfo=UTC),
    NOON,
    NOON + timedelta(microseconds=1),
    datetime.max.replace(tzinfo=UTC),
)


def bounds(rule: rules.Rule) -> Sequence[Any]:  # noqa: PLR0911 (one for each rule)
    """Values that keep a rule, at its bounds and between them."""
    match rule:
        case rules.OptionalRule():
            return (None, *bounds(rule.rule))
        case rules.TextRule():
            lengths = ("", *TEXTS, "\U0001f600" * rule.max_length)
            return [text for text in lengths if not rule(text)]
        case rules.IntegerRule():
            numbers = (rule.minimum, rule.minimum + 1, -1, 0, 1, rule.maximum - 1, rule.maximum)
            return [number for number in dict.fromkeys(numbers) if not rule(number)]
        case rules.DecimalRule():
            unit = Decimal(1).scaleb(-rule.places)
            # Binary fractions would make 0.28 of 0.29.
            middle = (-unit, Decimal("-0"), Decimal(0), unit, Decimal("0.29"), Decimal("0.5"))
            numbers = (rule.minimum, rule.minimum + unit, *middle, rule.maximum)  # type: ignore[assignment]
            return [number for number in numbers if not rule(number)]
        case rules.BooleanRule():
            return (False, True)
        case rules.DateRule():
            return DATES
        case rules.MomentRule():
            return MOMENTS
        case rules.ChoiceRule():
            return rule.choices
        case rules.TextsRule():
            texts = [text for text in ("", *TEXTS) if not rule.text(text)]
            return ((), (texts[0],), tuple(texts[: rule.max_items]), tuple(texts[-2:]))
    raise AssertionError(rule)


def some_drafts(
    collection: Collection[Any], many: int, references: Mapping[str, Sequence[int]]
) -> Iterator[Any]:
    """So many drafts, with all bounds of every rule, and ties in every field that may have them.

    `references` are the ids that a field can refer to. A unique field gets each value once.
    """
    columns = [_column(collection, name, references) for name in collection.fields]
    for number in range(many):
        # Each column turns at a speed of its own, so that they don't turn in step.
        values = (
            column[number % len(column)] if name in collection.unique else _turn(column, number, at)
            for at, (name, column) in enumerate(zip(collection.fields, columns, strict=True))
        )
        yield collection.draft(*values)


def _turn(column: Sequence[Any], number: int, at: int) -> Any:
    return column[(number + number // len(column) * at) % len(column)]


def _column(
    collection: Collection[Any], name: str, references: Mapping[str, Sequence[int]]
) -> Sequence[Any]:
    rule = collection.rules[name]
    if name in collection.references:
        return (None, *references.get(name, ()))
    if name in collection.unique:
        values = bounds(rule) if not _is_own(rule) else [f"S{n}" for n in range(9)]
        values = [value for value in dict.fromkeys(values) if value is not None]
        if isinstance(rule, rules.OptionalRule):
            return (*values, *[None] * 99)
        return [*values, *(f"name {n}" for n in range(99))]
    return bounds(rule)


def _is_own(rule: rules.Rule) -> bool:
    return not hasattr(rules.required(rule), "json_schema")


def any_draft(collection: Collection[Any]) -> st.SearchStrategy[Any]:
    """Any draft that keeps the rules, and refers to no record."""
    return drafts(collection).map(
        lambda draft: draft._replace(**dict.fromkeys(collection.references))
    )


_numbers = count()


def distinct(collection: Collection[Any], draft: Any) -> Any:
    """The draft with a new value, or None, in each of its unique fields."""
    changed = {name: f"{next(_numbers)}" if name == "name" else None for name in collection.unique}
    return draft._replace(**changed)
