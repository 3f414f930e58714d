"""Rules: what they say of every kind of value, and that their bounds and examples are true."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datas.domain import rules
from tests.drafts import bounds
from tests.every_rule import GADGETS, MAKERS, Color

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
# Values of every kind that JSON, CSV or Python code could bring.
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        7,
        -1,
        2**63,
        -(2**63) - 1,
        10**400,
        1.0,
        float("nan"),
        float("inf"),
    ),
    *("", "7", "red", "true", b"red", bytearray(b"x")),
    *(Decimal(1), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1e400")),
    *(date(2026, 11, 22), NOON, NOON.replace(tzinfo=None)),
    *(NOON.astimezone(timezone(timedelta(hours=2))), timedelta(1)),
    *([], ["a"], [1], [None], [["x"]], (), ("a",), (1,), (None,), (("x",),), {}, {"a": 1}, {"a"}),
    object(),
]
GOOD: list[tuple[rules.Rule, Callable[[Any], bool]]] = [
    (rules.text(0, 5), lambda value: value in ("", "7", "red", "true")),
    (rules.integer(), lambda value: value in (0, 1, 7, -1)),
    (rules.decimal(2, -5, 5), lambda value: value.is_finite() and value == 1),
    (rules.boolean(), lambda value: value in (True, False)),
    (rules.calendar_date(), lambda value: value == date(2026, 11, 22)),
    (rules.moment(), lambda value: value == NOON and value.utcoffset() == timedelta()),
    (rules.choice(Color), lambda value: value == "red"),
    (rules.texts(rules.text(1, 5), 3), lambda value: value in ((), ("a",))),
    (rules.reference(), lambda value: value in (1, 7)),
]
TYPES = [str, int, Decimal, bool, date, datetime, str, tuple, int]


@pytest.mark.parametrize(
    ("rule", "is_good", "kind"),
    [(*each, kind) for each, kind in zip(GOOD, TYPES, strict=True)],
    ids=[type(rule).__name__ for rule, _ in GOOD],
)
def test_a_rule_takes_its_own_type_alone(
    rule: rules.Rule, is_good: Callable[[Any], bool], kind: type
) -> None:
    """No boolean is an integer, no moment is a date, no list is a tuple, and no value raises."""
    for value in VALUES:
        good = type(value) is kind and is_good(value)
        faults = rule(value)
        assert (faults == []) is good, (value, faults)
        assert all(fault.endswith(".") for fault in faults), faults
        assert rules.optional(rule)(value) == ([] if value is None else faults)


@pytest.mark.parametrize(
    ("rule", "value", "fault"),
    [
        (rules.text(1, 5), "", "must be 1 to 5 characters long."),
        (rules.text(1, 5), " \t ", "must have a character that is not white space."),
        (rules.text(0, 5), "a" * 6, "must be 0 to 5 characters long."),
        (rules.text(0, 5), "\0", "must not contain the NUL character (U+0000)."),
        (rules.text(0, 5), "\udfff", "must not contain a lone surrogate (U+D800 to U+DFFF)."),
        (rules.text(0, 5), 5, "must be a string."),
        (rules.integer(1, 9), 0, "must be 1 to 9."),
        (rules.integer(1, 9), 10, "must be 1 to 9."),
        (rules.integer(1, 9), True, "must be an integer."),
        (rules.integer(1, 9), 1.0, "must be an integer."),
        (rules.decimal(2, 0, 9), Decimal("9.01"), "must be 0 to 9."),
        (rules.decimal(2, 0, 9), Decimal("-0.01"), "must be 0 to 9."),
        (rules.decimal(2, 0, 9), Decimal("1e400"), "must be 0 to 9."),
        (rules.decimal(2, 0, 9), Decimal("1.001"), "must have at most 2 decimal places."),
        (rules.decimal(2, 0, 9), Decimal("1e-400"), "must have at most 2 decimal places."),
        (rules.decimal(2, 0, 9), Decimal("NaN"), "must be a decimal number."),
        (rules.decimal(2, 0, 9), 1.5, "must be a decimal number."),
        (rules.boolean(), 1, "must be true or false."),
        (rules.calendar_date(), NOON, "must be a date, such as 2026-11-22."),
        (
            rules.moment(),
            NOON.replace(tzinfo=None),
            "must be a time in UTC, such as 2026-11-22T16:00:00Z.",
        ),
        (rules.choice(Color), "Red", "must be one of: red, blue."),
        (rules.texts(rules.text(1, 5), 2), ["a"], "must be a list of strings."),
        (rules.texts(rules.text(1, 5), 2), ("a", "b", "c"), "must have at most 2 entries."),
        (
            rules.texts(rules.text(1, 5), 2),
            ("", ""),
            "each entry must be 1 to 5 characters long.",
        ),
        (rules.texts(rules.text(1, 5), 2), (("x",),), "each entry must be a string."),
        (rules.reference(), 0, "must be 1 to 9223372036854775807."),
    ],
)
def test_each_fault_has_its_sentence(rule: rules.Rule, value: Any, fault: str) -> None:
    """And a value has no more than its fault."""
    assert rule(value) == [fault]


@pytest.mark.parametrize(
    "value",
    [Decimal("1.50000"), Decimal("1.5E0"), Decimal("0E+9999"), Decimal("-0.00"), Decimal(9)],
)
def test_how_a_decimal_is_written_does_not_matter(value: Decimal) -> None:
    """Trailing zeros and exponents are no places."""
    assert rules.decimal(2, 0, 9)(value) == []


@pytest.mark.parametrize(
    ("collection", "name"),
    [(each, name) for each in (GADGETS, MAKERS) for name in each.fields if name != "serial"],
)
def test_the_bounds_and_the_example_of_a_rule_keep_it(collection: Any, name: str) -> None:
    """What a document says of a field is true."""
    rule = collection.rules[name]
    wanted: Any = rules.required(rule)
    assert rule(wanted.example) == []
    assert [rule(value) for value in bounds(rule)] == [[]] * len(bounds(rule))


def test_a_function_of_ones_own_is_a_rule() -> None:
    """It has no bounds and no example."""
    rule = GADGETS.rules["serial"]
    assert (rule(None), rule("S1"), rule("x")) == ([], [], ["must be S and digits."])
    assert not hasattr(rules.required(rule), "json_schema")
    assert not hasattr(rules.required(rule), "example")


@given(
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.lists(st.text() | st.integers() | st.none(), max_size=4).map(tuple)
)
def test_no_value_makes_a_rule_raise(value: Any) -> None:
    """A rule says what is wrong, whatever comes."""
    for rule in GADGETS.rules.values():
        assert all(isinstance(fault, str) for fault in rule(value))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("a\0", "must not contain the NUL character (U+0000)."),
        ("\ud800", "must not contain a lone surrogate (U+D800 to U+DFFF)."),
        ("\u00e9" * 1301, "must be at most 2600 bytes long."),
        (2**63, "must be an integer of 64 bits."),
        (-(2**63) - 1, "must be an integer of 64 bits."),
    ],
)
def test_what_no_database_keeps_is_refused_for_a_function_of_ones_own(
    value: object, fault: str
) -> None:
    """It need not think of that; a rule that may be null included."""
    collection = replace(GADGETS, rules={**GADGETS.rules, "serial": rules.optional(lambda _: [])})
    assert collection.rules["serial"](value) == [fault]
    assert collection.rules["serial"](None) == []
    assert collection.rules["serial"](2**63 - 1) == []
    free = replace(collection, unique=(), rules={**GADGETS.rules, "serial": lambda _: []})
    assert free.rules["serial"]("x" * 2601) == []
