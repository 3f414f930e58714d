"""Values and drafts that keep the rules of a collection, for property tests (Hypothesis)."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from datas.domain.records import Collection, Record
from datas.domain.rules import (
    BooleanRule,
    ChoiceRule,
    DateRule,
    DecimalRule,
    IntegerRule,
    MomentRule,
    OptionalRule,
    Rule,
    TextRule,
    TextsRule,
)

# A database keeps no surrogates and no NUL.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
MOMENTS = st.datetimes(timezones=st.just(UTC))


def values(rule: Rule) -> st.SearchStrategy[Any]:
    """Values that keep a rule; of a function of one's own, serial numbers."""
    found: st.SearchStrategy[Any]
    match rule:
        case OptionalRule(rule=inner):
            found = st.none() | values(inner)
        case TextRule(min_length=shortest, max_length=longest):
            texts = st.text(CHARACTERS, min_size=shortest, max_size=longest)
            found = texts.filter(lambda text: not rule(text))
        case IntegerRule(minimum=minimum, maximum=maximum):
            found = st.integers(minimum, maximum)
        case DecimalRule(places=places, minimum=minimum, maximum=maximum):
            found = st.decimals(minimum, maximum, places=places).map(_without_negative_zero)
        case BooleanRule():
            found = st.booleans()
        case DateRule():
            found = st.dates()
        case MomentRule():
            found = MOMENTS
        case ChoiceRule(choices=choices):
            found = st.sampled_from(choices)
        case TextsRule(text=text, max_items=most):
            found = st.lists(values(text), max_size=most).map(tuple)
        case _:
            found = st.integers(0, 10**9).map(lambda number: f"S{number}")
    return found


def drafts(collection: Collection[Any]) -> st.SearchStrategy[Any]:
    """Drafts that keep all rules; their references lead nowhere."""
    fields = {name: values(rule) for name, rule in collection.rules.items()}
    return st.builds(collection.draft, **fields)


def records(collection: Collection[Any]) -> st.SearchStrategy[Record[Any]]:
    """Records of a collection."""
    numbers = st.integers(1, 2**63 - 1)
    owners = st.none() | st.text(CHARACTERS, min_size=1)
    return st.builds(Record, numbers, drafts(collection), MOMENTS, MOMENTS, numbers, owners)


def _without_negative_zero(number: Decimal) -> Decimal:
    return number or Decimal(0)
