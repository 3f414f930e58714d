"""What every `IdempotencyRecords` adapter does, under the replay rule."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from datas.domain.errors import IdempotencyKeyReused
from datas.domain.idempotency import LIFETIME, PURGED, Idempotency, KeptAnswer, fingerprint
from datas.domain.items import ItemDraft
from datas.domain.query import Query
from tests.contract.conftest import Store
from tests.served import ROUTE

NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
PRINT = fingerprint(b"POST", ROUTE.encode(), b"hello")


class _SetClock:
    """A clock that is set by hand."""

    time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> _SetClock:
    """Standing still."""
    return _SetClock()


@pytest.fixture
def idempotency(store: Store, clock: _SetClock) -> Idempotency:
    """The rule over each store."""
    return Idempotency(store.idempotency, store.storage, clock)


def test_work_is_done_once_and_its_answer_replayed(store: Store, idempotency: Idempotency) -> None:
    """The second request gets the first one's answer, byte for byte, and does nothing."""

    def work() -> bytes:
        return b"\x00\xff %d" % store.items.add(ItemDraft("hello"), NOW).id

    first, replayed = idempotency.once("", "key", PRINT, work)
    assert not replayed
    assert idempotency.once("", "key", PRINT, work) == (first, True)
    assert len(store.items.find(Query())) == 1


def test_another_request_under_the_same_key_is_refused(idempotency: Idempotency) -> None:
    """A key belongs to the request that it came with."""
    idempotency.once("", "key", PRINT, lambda: b"first")
    with pytest.raises(IdempotencyKeyReused):
        idempotency.once("", "key", fingerprint(b"another"), lambda: b"second")
    assert idempotency.once("", "key", PRINT, lambda: b"second") == (b"first", True)


def test_each_actor_has_keys_of_its_own(idempotency: Idempotency) -> None:
    """Nobody is given another's answer."""
    idempotency.once("alice", "key", PRINT, lambda: b"hers")
    assert idempotency.once("bob", "key", PRINT, lambda: b"his") == (b"his", False)


def test_work_that_fails_leaves_the_key_free(store: Store, idempotency: Idempotency) -> None:
    """And what it had done until then is undone with it."""

    def fail() -> bytes:
        store.items.add(ItemDraft("half"), NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        idempotency.once("", "key", PRINT, fail)
    assert not store.items.find(Query())
    assert idempotency.once("", "key", PRINT, lambda: b"second") == (b"second", False)


def test_a_key_is_forgotten_after_a_day(idempotency: Idempotency, clock: _SetClock) -> None:
    """Not a microsecond earlier; then it serves another request."""
    idempotency.once("", "key", PRINT, lambda: b"first")
    clock.time = NOW + LIFETIME - timedelta(microseconds=1)
    assert idempotency.once("", "key", PRINT, lambda: b"second") == (b"first", True)
    clock.time = NOW + LIFETIME
    other = fingerprint(b"another")
    assert idempotency.once("", "key", other, lambda: b"third") == (b"third", False)


def test_old_keys_are_deleted_a_few_at_a_time(
    store: Store, idempotency: Idempotency, clock: _SetClock
) -> None:
    """The oldest first, in bounded work, and no young one."""
    for n in range(PURGED + 2):
        store.idempotency.claim(KeptAnswer("", f"{n:02}", PRINT, NOW + timedelta(seconds=n)), NOW)
    clock.time = NOW + LIFETIME + timedelta(seconds=PURGED)
    idempotency.once("", "new", PRINT, lambda: b"")
    expired = clock.time - LIFETIME
    kept = [
        store.idempotency.claim(KeptAnswer("", f"{n:02}", PRINT, clock.time), NOW)
        for n in range(PURGED + 2)
    ]
    assert [each is None for each in kept] == [True] * PURGED + [False] * 2
    assert store.idempotency.claim(KeptAnswer("", "new", PRINT, clock.time), expired)


def test_parallel_retries_do_the_work_once(store: Store, idempotency: Idempotency) -> None:
    """Of twenty at once, one runs and the others get its answer."""
    answers: list[tuple[bytes, bool]] = []

    def work() -> bytes:
        return b"%d" % store.items.add(ItemDraft("hello"), NOW).id

    threads = [
        threading.Thread(target=lambda: answers.append(idempotency.once("", "key", PRINT, work)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [(b"1", False)] + [(b"1", True)] * 19
    assert len(store.items.find(Query())) == 1


def test_a_fingerprint_keeps_its_parts_apart() -> None:
    """What moves from one part to the next makes another request."""
    assert fingerprint(b"ab", b"c") != fingerprint(b"a", b"bc")
    assert fingerprint(b"ab") != fingerprint(b"ab", b"")
