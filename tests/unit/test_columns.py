"""Columns: what the database keeps of a value, at the bounds of what it can keep."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from datas.adapters.sql.fields import DateField, DecimalField, MomentField, TextsField
from datas.domain.errors import StorageUnavailable


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Decimal("92233720368547758.07"), 2**63 - 1),
        (Decimal("-92233720368547758.08"), -(2**63)),
        (Decimal("0.29"), 29),
        (Decimal("-0.01"), -1),
        (Decimal("1." + "0" * 60), 100),
        (Decimal("1E+15"), 10**17),
        (Decimal("0E+9999"), 0),
    ],
)
def test_a_decimal_is_kept_as_a_whole_number(value: Decimal, kept: int) -> None:
    """Of its smallest unit, to the last of 19 digits, however it is written."""
    column: Any = DecimalField(2)
    assert column.db_value(value) == kept
    assert column.python_value(kept) == value
    assert column.python_value(kept).as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("column", "damaged"),
    [
        (MomentField(), "yesterday"),
        (MomentField(), "2026-11-22T16:00:00.000000"),
        (MomentField(), 7),
        (DateField(), "2026-02-30"),
        (DateField(), 7),
        (TextsField(), '["a"'),
        (TextsField(), "7"),
        (TextsField(), 7),
    ],
)
def test_a_text_that_no_server_wrote_is_damage(column: Any, damaged: object) -> None:
    """It is told as the database's state, not as a bug."""
    with pytest.raises(StorageUnavailable, match=r"damaged.*backup"):
        column.python_value(damaged)


def test_a_year_has_four_digits() -> None:
    """So that texts sort as days do."""
    moments, days = MomentField(), DateField()
    first = datetime(1, 2, 3, 4, tzinfo=UTC)
    assert moments.db_value(first) == "0001-02-03T04:00:00.000000Z"
    assert days.db_value(first.date()) == "0001-02-03"
