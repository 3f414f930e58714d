"""What every `Attempts` adapter does."""

from datetime import UTC, datetime, timedelta

import pytest

from datas.domain.users import Attempt
from tests.contract.conftest import Store

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
EVER = datetime(1, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def _tried(store: Store, username: str, *ticks: int, address: str = "::1") -> list[Attempt]:
    attempts = [Attempt(username, address, NOW + tick * TICK) for tick in ticks]
    for attempt in attempts:
        store.attempts.add(attempt)
    return attempts


def test_recent_attempts_come_newest_first(store: Store) -> None:
    """Whatever the order in which they were stored, from all addresses, of one name."""
    one, three = _tried(store, "alice", 1, 3)
    [two] = _tried(store, "alice", 2, address="192.0.2.7")
    _tried(store, "bob", 2)
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == [three, two, one]
    assert list(store.attempts.recent("alice", EVER, FOREVER, 2)) == [three, two]
    assert not store.attempts.recent("carol", EVER, FOREVER, 10)


def test_attempts_of_one_moment_all_count(store: Store) -> None:
    """The one that was stored last comes first."""
    addresses = [f"192.0.2.{n}" for n in range(3)]
    for address in addresses:
        _tried(store, "alice", 0, address=address)
    found = store.attempts.recent("alice", EVER, FOREVER, 10)
    assert [attempt.address for attempt in found] == addresses[::-1]


def test_recent_leaves_out_its_first_moment(store: Store) -> None:
    """A window of fifteen minutes is over after fifteen minutes, to the microsecond."""
    attempts = _tried(store, "alice", 1, 2, 3)
    assert list(store.attempts.recent("alice", NOW + TICK, FOREVER, 10)) == attempts[:0:-1]
    assert not store.attempts.recent("alice", NOW + 3 * TICK, FOREVER, 10)


def test_clearing_is_for_one_name_at_one_address(store: Store) -> None:
    """The same name's tries from elsewhere stay, and so do other names'."""
    _tried(store, "alice", 1, 2)
    elsewhere = _tried(store, "alice", 1, address="192.0.2.7")
    others = _tried(store, "bob", 1)
    store.attempts.clear("alice", "::1")
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == elsewhere
    assert list(store.attempts.recent("bob", EVER, FOREVER, 10)) == others


def test_a_purge_takes_a_few_of_the_oldest(store: Store) -> None:
    """None of the moment itself or later, and never more than its limit."""
    attempts = _tried(store, "alice", 5, 1, 3, 2, 4)
    by_age = sorted(attempts, key=lambda attempt: attempt.date, reverse=True)
    store.attempts.purge(NOW + 4 * TICK, FOREVER, 2)
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == by_age[:3]
    store.attempts.purge(NOW + 4 * TICK, FOREVER, 2)
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == by_age[:2]


def test_a_block_that_raises_leaves_attempts(store: Store) -> None:
    """What it added, cleared and purged is as before."""
    old, new = _tried(store, "alice", 1, 2)
    others = _tried(store, "bob", 3)
    with pytest.raises(ZeroDivisionError), store.storage.atomic():
        store.attempts.purge(new.date, FOREVER, 1)
        store.attempts.clear("bob", "::1")
        _tried(store, "alice", 4)
        raise ZeroDivisionError
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == [new, old]
    assert list(store.attempts.recent("bob", EVER, FOREVER, 10)) == others


def test_recent_ends_with_its_last_moment(store: Store) -> None:
    """What lies ahead doesn't count, and takes nothing's place."""
    one, two, *_ = _tried(store, "alice", 1, 2, 3, 4, 5)
    assert list(store.attempts.recent("alice", EVER, two.date, 2)) == [two, one]


def test_clearing_can_be_for_one_name_wherever_from(store: Store) -> None:
    """Other names' tries stay."""
    _tried(store, "alice", 1)
    _tried(store, "alice", 2, address="192.0.2.7")
    others = _tried(store, "bob", 1)
    store.attempts.clear("alice")
    assert not store.attempts.recent("alice", EVER, FOREVER, 10)
    assert list(store.attempts.recent("bob", EVER, FOREVER, 10)) == others


def test_a_purge_takes_what_lies_ahead_too(store: Store) -> None:
    """None of the moment itself, and as few at a time."""
    attempts = _tried(store, "alice", 1, 2, 3, 4, 5)
    store.attempts.purge(EVER, NOW + 2 * TICK, 2)
    assert len(store.attempts.recent("alice", EVER, FOREVER, 10)) == 3
    store.attempts.purge(EVER, NOW + 2 * TICK, 2)
    assert list(store.attempts.recent("alice", EVER, FOREVER, 10)) == attempts[1::-1]
