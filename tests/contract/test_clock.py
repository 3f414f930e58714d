"""A clock that goes back, or stands still, over every store: nothing is lost, nor done twice."""

from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest

from datas.domain.access import Actor
from datas.domain.accounts import Accounts
from datas.domain.errors import VersionMismatch
from datas.domain.idempotency import LIFETIME, Idempotency, fingerprint
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Sort
from datas.domain.throttle import HashLimiter
from tests.contract.conftest import Store
from tests.served import PLURAL
from tests.unit.conftest import PlainPasswords, SetClock

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
SORTS = [Sort(name, descending) for name in ITEMS.sorts for descending in (False, True)]
JUMPS = [timedelta(hours=-1), timedelta(0), timedelta(seconds=3), timedelta(days=-400)]


class JumpingClock:
    """A clock that somebody sets, again and again."""

    def __init__(self) -> None:
        self.time = NOW
        self._jumps = cycle(JUMPS)

    def now(self) -> datetime:
        """Mostly earlier than before."""
        self.time += next(self._jumps)
        return self.time


def test_versions_grow_whatever_the_clock_does(store: Store) -> None:
    """They tell who was first, and times don't: what was read before a change can't undo it."""
    items = store.service(PLURAL, JumpingClock())
    item = items.create(ItemDraft("0"))
    for n in range(1, 9):
        changed = items.replace(item.id, ItemDraft(str(n)), expected={item.version})
        with pytest.raises(VersionMismatch):
            items.replace(item.id, ItemDraft("late"), expected={item.version})
        assert (changed.version, changed.draft.data) == (item.version + 1, str(n))
        assert changed.date_created == item.date_created
        assert items.get(item.id) == changed
        item = changed


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_pages_are_whole_whatever_the_clock_does(store: Store, sort: Sort) -> None:
    """An item that is there throughout is visited once, while others come in at any time."""
    items = store.service(PLURAL, JumpingClock())
    there = [items.create(ItemDraft(f"text {n % 5}")).id for n in range(20)]
    for item_id in there[::3]:
        items.replace(item_id, ItemDraft("changed"))
    visited = []
    page = items.page(limit=3, sort=sort)
    while True:
        visited += [item.id for item in page.records]
        items.create(ItemDraft("text 2"))
        if page.next is None or len(visited) > 200:
            break
        page = items.page(limit=3, sort=sort, after=page.next)
    assert sorted(item_id for item_id in visited if item_id in there) == there
    assert len(set(visited)) == len(visited)


@pytest.mark.parametrize("back", [timedelta(seconds=1), LIFETIME * 2, timedelta(days=4000)])
def test_a_retry_is_a_retry_after_the_clock_was_set_back(store: Store, back: timedelta) -> None:
    """What was done before by the clock of then isn't done again, and isn't forgotten."""
    clock = SetClock()
    idempotency = Idempotency(store.idempotency, store.storage, clock)
    digest = fingerprint(b"order")
    assert idempotency.once("", "key", digest, lambda: b"first") == (b"first", False)
    clock.time -= back
    for n in range(3):  # others' requests, each of which purges
        idempotency.once("", f"other {n}", digest, lambda: b"")
    assert idempotency.once("", "key", digest, lambda: b"second") == (b"first", True)


def test_a_token_outlives_a_clock_that_is_set_back(store: Store) -> None:
    """It is good, and it can be revoked."""
    clock, alice = SetClock(), store.users.add("alice", "", NOW)
    accounts = Accounts(
        users=store.users,
        tokens=store.tokens,
        attempts=store.attempts,
        repositories=list(store.repositories.values()),
        passwords=PlainPasswords(),
        storage=store.storage,
        clock=clock,
        limiter=HashLimiter(),
        token_days=30,
        registration_open=False,
    )
    token, secret = accounts.issue_token(alice)
    clock.time -= timedelta(days=4000)
    assert accounts.authenticate(secret) == Actor(alice.username, token.id)
    assert [each.id for each in accounts.list_tokens(Actor(alice.username))] == [token.id]
    accounts.revoke_token(Actor(alice.username, token.id))
    assert not accounts.list_tokens(Actor(alice.username))
