"""What every `Attempts` adapter does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from datas.adapters.sql.accounts import SqlAttempts
from datas.adapters.sql.migrate import DATAS
from datas.database_urls import open_database
from datas.domain.credentials import Attempt, Purpose
from tests.contract.conftest import Store

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
EVER = datetime(1, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
TICK = timedelta(microseconds=1)


SIGN_IN, CHANGE = Purpose.SIGN_IN, Purpose.CHANGE_PASSWORD


def _tried(
    store: Store, username: str, *ticks: int, address: str = "::1", purpose: Purpose = SIGN_IN
) -> list[Attempt]:
    attempts = [Attempt(username, purpose, address, NOW + tick * TICK) for tick in ticks]
    for attempt in attempts:
        store.attempts.add(attempt)
    return attempts


def test_recent_attempts_come_newest_first(store: Store) -> None:
    """In whatever order they were stored; from all addresses; of one name."""
    one, three = _tried(store, "alice", 1, 3)
    [two] = _tried(store, "alice", 2, address="192.0.2.7")
    _tried(store, "bob", 2)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == [three, two, one]
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 2)) == [three, two]
    assert not store.attempts.recent("carol", SIGN_IN, EVER, FOREVER, 10)


def test_attempts_of_one_moment_all_count(store: Store) -> None:
    """The one that was stored last comes first."""
    addresses = [f"192.0.2.{n}" for n in range(3)]
    for address in addresses:
        _tried(store, "alice", 0, address=address)
    found = store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)
    assert [attempt.address for attempt in found] == addresses[::-1]


def test_recent_leaves_out_its_first_moment(store: Store) -> None:
    """A window of fifteen minutes is over after fifteen minutes, to the microsecond."""
    attempts = _tried(store, "alice", 1, 2, 3)
    assert list(store.attempts.recent("alice", SIGN_IN, NOW + TICK, FOREVER, 10)) == attempts[:0:-1]
    assert not store.attempts.recent("alice", SIGN_IN, NOW + 3 * TICK, FOREVER, 10)


def test_clearing_is_for_one_name_and_purpose_at_one_address(store: Store) -> None:
    """Attempts of the same name from elsewhere stay, and so do those of other names."""
    attempts = _tried(store, "alice", 1, 2)
    changes = _tried(store, "alice", 1, purpose=CHANGE)
    elsewhere = _tried(store, "alice", 1, address="192.0.2.7")
    others = _tried(store, "bob", 1)
    store.attempts.clear(attempts[0])
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == elsewhere
    assert list(store.attempts.recent("alice", CHANGE, EVER, FOREVER, 10)) == changes
    assert list(store.attempts.recent("bob", SIGN_IN, EVER, FOREVER, 10)) == others


def test_a_purge_takes_a_few_of_the_oldest(store: Store) -> None:
    """None of the moment itself or later, and at most `limit` at a time."""
    attempts = _tried(store, "alice", 5, 1, 3, 2, 4)
    by_age = sorted(attempts, key=lambda attempt: attempt.date, reverse=True)
    store.attempts.purge(NOW + 4 * TICK, FOREVER, 2)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == by_age[:3]
    store.attempts.purge(NOW + 4 * TICK, FOREVER, 2)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == by_age[:2]


def test_a_block_that_raises_leaves_attempts(store: Store) -> None:
    """Nothing is added, cleared or purged."""
    old, new = _tried(store, "alice", 1, 2)
    others = _tried(store, "bob", 3)
    with pytest.raises(ZeroDivisionError), store.storage.atomic():
        store.attempts.purge(new.date, FOREVER, 1)
        store.attempts.clear(others[0])
        _tried(store, "alice", 4)
        raise ZeroDivisionError
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == [new, old]
    assert list(store.attempts.recent("bob", SIGN_IN, EVER, FOREVER, 10)) == others


def test_recent_ends_with_its_last_moment(store: Store) -> None:
    """Later attempts are left out before the limit applies."""
    one, two, *_ = _tried(store, "alice", 1, 2, 3, 4, 5)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, two.date, 2)) == [two, one]


def test_clearing_can_be_for_one_name_from_all_addresses_and_for_all_purposes(store: Store) -> None:
    """Attempts of other names stay."""
    _tried(store, "alice", 1)
    _tried(store, "alice", 1, purpose=CHANGE)
    _tried(store, "alice", 2, address="192.0.2.7")
    others = _tried(store, "bob", 1)
    store.attempts.clear_all("alice")
    assert not store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)
    assert not store.attempts.recent("alice", CHANGE, EVER, FOREVER, 10)
    assert list(store.attempts.recent("bob", SIGN_IN, EVER, FOREVER, 10)) == others


def test_a_purge_takes_attempts_of_the_future_too(store: Store) -> None:
    """None of the moment itself, and at most `limit` at a time."""
    attempts = _tried(store, "alice", 1, 2, 3, 4, 5)
    store.attempts.purge(EVER, NOW + 2 * TICK, 2)
    assert len(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == 3
    store.attempts.purge(EVER, NOW + 2 * TICK, 2)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 10)) == attempts[1::-1]


def test_each_purpose_has_a_count_of_its_own(store: Store) -> None:
    """A stranger who guesses at the sign-in uses up no attempt to change the password."""
    sign_ins = _tried(store, "alice", 1, 3)
    [change] = _tried(store, "alice", 2, purpose=CHANGE)
    assert list(store.attempts.recent("alice", SIGN_IN, EVER, FOREVER, 2)) == sign_ins[::-1]
    assert list(store.attempts.recent("alice", CHANGE, EVER, FOREVER, 2)) == [change]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_attempts_stored_before_there_were_purposes_still_count(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A database of the fourth schema, where a suffix of the username was the purpose."""
    url = f"sqlite:///{tmp_path}/datas.db"
    if kind == "postgresql":
        server = request.getfixturevalue("postgres")
        server.ask("CREATE DATABASE attempts")
        url = server.url("attempts")
    else:
        (tmp_path / "datas.db").touch()
    database = open_database(url)
    Runner(database.peewee, str(DATAS.folder)).up("0004_lists")
    database.peewee.execute_sql(
        "INSERT INTO attempts (username, address, date) VALUES "
        "('alice', '::1', '2026-11-22T16:00:00.123456Z'), "
        "('alice (change)', '', '2026-11-22T16:00:00.123456Z')"
    )
    attempts = SqlAttempts(database)
    found = [
        attempt
        for purpose in Purpose
        for attempt in attempts.recent("alice", purpose, EVER, FOREVER, 10)
    ]
    assert found == [Attempt("alice", SIGN_IN, "::1", NOW), Attempt("alice", CHANGE, "", NOW)]
    with database.atomic():
        indexes = {tuple(index.columns) for index in database.peewee.get_indexes("attempts")}
    assert {("username", "purpose", "date"), ("date",)} <= indexes
    assert ("username", "date") not in indexes
    database.close()
