"""The rules of an item's data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datas.domain.characters import WHITE_SPACE
from datas.domain.items import ITEMS

MAX_LENGTH = 255
data_faults = ITEMS.rules["data"]


@pytest.mark.parametrize(
    "data",
    ["a", " a ", "\u200b", "\ufeff", "\x1c", "a" * MAX_LENGTH, "\U0001f600" * MAX_LENGTH],
)
def test_good_data_has_no_faults(data: str) -> None:
    """One visible character to 255 code points, whatever their size; nothing is trimmed."""
    assert data_faults(data) == []


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("", "1 to 255 characters"),
        ("a" * (MAX_LENGTH + 1), "1 to 255 characters"),
        (" \t\n\u3000\u0085", "not white space"),
        ("a\0b", "NUL"),
        ("\ud800", "lone surrogate"),
        (7, "must be a string"),
        (None, "must be a string"),
        (["a"], "must be a string"),
    ],
)
def test_bad_data_is_told_what_is_wrong(data: object, fault: str) -> None:
    """Each rule has its sentence."""
    [found] = data_faults(data)
    assert fault in found


def test_data_that_breaks_two_rules_is_told_both() -> None:
    """Nobody mends one fault to be told of the next."""
    assert len(data_faults("\0" * (MAX_LENGTH + 1))) == 2


@given(st.text(WHITE_SPACE, min_size=1, max_size=MAX_LENGTH))
def test_white_space_alone_is_no_data(data: str) -> None:
    """All 25 characters with Unicode's White_Space property count, in any mixture."""
    assert len(WHITE_SPACE) == 25
    assert data_faults(data)


@given(st.text(min_size=1, max_size=MAX_LENGTH))
def test_valid_data_can_be_encoded(data: str) -> None:
    """What has no faults is UTF-8 without NUL, so that any database can keep it."""
    if not data_faults(data):
        assert b"\0" not in data.encode()
