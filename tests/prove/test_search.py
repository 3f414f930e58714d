"""Histories with an order and without one, in a few calls each."""

from math import inf

import pytest

from tests.prove.search import ABSENT, ANY, MISMATCH, UNCHANGED, UNKNOWN, Call, find_order, smallest

CREATED = Call(0, 1, "create", ("a", 1), "a")


def _write(begun: float, ended: float, text: str, version: int, *match: int) -> Call:
    return Call(begun, ended, "write", (text, version), text, match or None)


def _read(begun: float, ended: float, text: str, version: int) -> Call:
    return Call(begun, ended, "read", (text, version))


GONE = Call(8, 9, "read", ABSENT)

EXPLAINED = {
    "nothing": [],
    "one after another": [CREATED, _write(2, 3, "b", 2, 1), _read(4, 5, "b", 2)],
    "a read that crosses a write sees the old": [
        CREATED,
        _write(2, 5, "b", 2),
        _read(3, 4, "a", 1),
    ],
    "or the new": [CREATED, _write(2, 5, "b", 2), _read(3, 4, "b", 2)],
    "of two with one ETag one is refused": [
        CREATED,
        _write(2, 4, "b", 2, 1),
        Call(2, 3, "write", MISMATCH, "c", (1,)),
    ],
    "the same text keeps the version": [CREATED, _write(2, 3, "a", 1), _read(4, 5, "a", 1)],
    "unknown, and never carried out": [
        CREATED,
        Call(2, inf, "write", UNKNOWN, "b"),
        _read(8, 9, "a", 1),
    ],
    "unknown, and carried out late": [
        CREATED,
        Call(2, inf, "write", UNKNOWN, "b"),
        _read(4, 5, "a", 1),
        _read(6, 7, "b", 2),
    ],
    "unknown, and of a version that comes later": [
        CREATED,
        Call(2, inf, "write", UNKNOWN, "c", (2,)),
        _write(3, 4, "b", 2, 1),
        _read(5, 6, "c", 3),
    ],
    "unknown, and deleted": [CREATED, Call(2, inf, "delete", UNKNOWN), GONE],
    "not changed since": [CREATED, Call(2, 3, "read", UNCHANGED, match=(1,))],
    "deleted as it was": [CREATED, Call(2, 3, "delete", ("a", 1)), GONE],
}
UNEXPLAINED = {
    "a write that nobody sees": [CREATED, _write(2, 3, "b", 2, 1), _read(4, 5, "a", 1)],
    "two writes with one ETag": [CREATED, _write(2, 4, "b", 2, 1), _write(2, 4, "c", 2, 1)],
    "a read that goes back": [
        CREATED,
        _write(2, 9, "b", 2),
        _read(3, 4, "b", 2),
        _read(5, 6, "a", 1),
    ],
    "a record that is gone by itself": [CREATED, GONE],
    "a version that is left out": [CREATED, _write(2, 3, "b", 3)],
    "a refusal without a reason": [CREATED, Call(2, 3, "write", MISMATCH, "b", (1,))],
    "not changed, though it was": [
        CREATED,
        _write(2, 3, "b", 2),
        Call(4, 5, "read", UNCHANGED, match=(1,)),
    ],
    "unknown, and carried out twice": [
        CREATED,
        Call(2, inf, "write", UNKNOWN, "b"),
        _read(4, 5, "b", 2),
        _write(6, 7, "c", 3),
        _read(8, 9, "b", 4),
    ],
    "deleted as it never was": [CREATED, Call(2, 3, "delete", ("a", 2))],
}


@pytest.mark.parametrize("calls", EXPLAINED.values(), ids=EXPLAINED)
def test_an_order_is_found_where_there_is_one(calls: list[Call]) -> None:
    order = find_order(calls)
    assert order is not None
    assert {call for call in calls if call.ended < inf} <= set(order)


@pytest.mark.parametrize("calls", UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_no_order_is_found_where_there_is_none(calls: list[Call]) -> None:
    assert find_order(calls) is None


def test_the_smallest_history_has_only_what_is_at_fault() -> None:
    """Of a long history two calls are left: the write, and the read that missed it."""
    before = [_write(n, n + 0.5, f"b{n}", n) for n in range(2, 100)]
    write, stale = _write(100, 101, "c", 100), _read(102, 103, "b99", 99)
    between = Call(101.2, 101.8, "write", MISMATCH, "d", (1,))
    behind = [_read(n, n + 0.5, "c", 100) for n in range(110, 150)]
    shown, start = smallest([CREATED, *before, write, between, stale, *behind])
    assert (shown, start) == ([write, stale], ANY)


def test_what_is_unknown_stays_in_the_smallest_history() -> None:
    """It could be the explanation: without it more would look wrong than is."""
    unknown = Call(2, inf, "write", UNKNOWN, "b", (1,))
    shown, _ = smallest([CREATED, unknown, _read(4, 5, "b", 2), _read(6, 7, "a", 1)])
    assert shown == [unknown, _read(4, 5, "b", 2), _read(6, 7, "a", 1)]


def test_many_writes_at_once_do_not_take_for_ever() -> None:
    """Fifty unknown writes cross. And nine, in 362,880 orders: the search remembers what it saw."""
    unknown = [Call(2, inf, "write", UNKNOWN, f"u{n}", (1,)) for n in range(50)]
    assert find_order([CREATED, *unknown, _read(4, 5, "u7", 2), _read(6, 7, "u7", 2)])
    assert find_order([CREATED, *unknown, _read(4, 5, "u7", 2), _read(6, 7, "u8", 2)]) is None
    crossing = [Call(2, inf, "write", UNKNOWN, f"w{n}") for n in range(9)]
    assert find_order([CREATED, *crossing, _read(4, 5, "nobody's", 3)]) is None
