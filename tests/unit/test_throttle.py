"""The limits on failed attempts, and on passwords that are hashed at once."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from datas.adapters.memory_accounts import MemoryAttempts
from datas.domain.access import Actor
from datas.domain.accounts import Accounts
from datas.domain.credentials import Attempt
from datas.domain.errors import TooManyAttempts, Unauthenticated, WrongCredentials
from datas.domain.throttle import MAX_FROM_ANYWHERE, MAX_FROM_ONE_ADDRESS, WINDOW, HashLimiter
from tests.unit.conftest import PASSWORD, PlainPasswords, World

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
TICK = timedelta(microseconds=1)


def _fail(accounts: Accounts, times: int, *, username: str = "alice", address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(WrongCredentials):
            accounts.sign_in(username, "wrong password", address=address)


@pytest.mark.parametrize("username", ["alice", "nobody", "not a name"])
def test_after_five_failures_from_one_address_a_username_must_wait(
    plain_world: World, username: str
) -> None:
    """Also with the right password, and also a username that does not exist."""
    accounts = plain_world.accounts()
    _fail(accounts, MAX_FROM_ONE_ADDRESS, username=username)
    with pytest.raises(TooManyAttempts) as caught:
        accounts.sign_in(username, PASSWORD, address=HERE)
    assert caught.value.retry_after == WINDOW.total_seconds()


def test_failures_from_one_address_do_not_count_at_another(plain_world: World) -> None:
    """One machine can't lock a user out, and other usernames need not wait."""
    accounts = plain_world.accounts()
    plain_world.accounts().register("bob", PASSWORD)
    _fail(accounts, MAX_FROM_ONE_ADDRESS)
    assert accounts.sign_in("alice", PASSWORD, address=ELSEWHERE)
    assert accounts.sign_in("bob", PASSWORD, address=HERE)


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_after_a_hundred_failures_from_all_addresses_a_username_must_wait(
    plain_world: World, username: str
) -> None:
    """An attacker may have many addresses."""
    accounts = plain_world.accounts()
    for n in range(MAX_FROM_ANYWHERE):
        _fail(accounts, 1, username=username, address=f"2001:db8::{n:x}")
    with pytest.raises(TooManyAttempts):
        accounts.sign_in(username, PASSWORD, address=HERE)


def test_the_wait_is_over_when_it_was_said_to_be(plain_world: World) -> None:
    """`retry_after` is the time until the oldest of the five leaves the window, rounded up."""
    accounts, clock = plain_world.accounts(), plain_world.clock
    _fail(accounts, 1)
    first = clock.time
    clock.time = first + timedelta(minutes=5, microseconds=1)
    _fail(accounts, MAX_FROM_ONE_ADDRESS - 1)
    with pytest.raises(TooManyAttempts) as caught:
        accounts.sign_in("alice", PASSWORD, address=HERE)
    assert caught.value.retry_after == 10 * 60
    clock.time = first + WINDOW - TICK
    with pytest.raises(TooManyAttempts) as caught:
        accounts.sign_in("alice", PASSWORD, address=HERE)
    assert caught.value.retry_after == 1
    clock.time = first + WINDOW
    assert accounts.sign_in("alice", PASSWORD, address=HERE)


def test_a_refused_attempt_does_not_prolong_the_wait(plain_world: World) -> None:
    """A client that keeps trying waits no longer."""
    accounts, clock = plain_world.accounts(), plain_world.clock
    _fail(accounts, MAX_FROM_ONE_ADDRESS)
    for _ in range(14):
        clock.time += timedelta(minutes=1)
        with pytest.raises(TooManyAttempts):
            accounts.sign_in("alice", PASSWORD, address=HERE)
    clock.time += timedelta(minutes=1)
    assert accounts.sign_in("alice", PASSWORD, address=HERE)


def test_success_clears_the_failures_from_its_address(plain_world: World) -> None:
    """Those from other addresses still count."""
    accounts = plain_world.accounts()
    _fail(accounts, MAX_FROM_ONE_ADDRESS, address=ELSEWHERE)
    for _ in range(3):
        _fail(accounts, MAX_FROM_ONE_ADDRESS - 1)
        accounts.sign_in("alice", PASSWORD, address=HERE)
    with pytest.raises(TooManyAttempts):
        accounts.sign_in("alice", PASSWORD, address=ELSEWHERE)


def test_a_token_still_works_while_its_user_must_wait(plain_world: World) -> None:
    """A stranger's guesses don't disturb the user's programs."""
    accounts = plain_world.accounts()
    token, secret = accounts.sign_in("alice", PASSWORD, address=ELSEWHERE)
    _fail(accounts, MAX_FROM_ONE_ADDRESS)
    assert accounts.authenticate(secret) == Actor("alice", token.id)


def test_each_attempt_deletes_some_old_failures(plain_world: World) -> None:
    """So the table stays small."""
    accounts = plain_world.accounts()
    for n in range(3):
        _fail(accounts, MAX_FROM_ONE_ADDRESS, username=f"user{n}")
    for expected in (6, 1):
        plain_world.clock.time += WINDOW + TICK
        _fail(accounts, 1)
        assert len(plain_world.memory.attempts) == expected


class _SlowPasswords(PlainPasswords):
    """Each check lasts until `end` is set."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.end = threading.Event()

    def verify(self, password: str, password_hash: str | None) -> bool:
        self.started.release()
        self.end.wait(10)
        return super().verify(password, password_hash)


def test_two_hash_at_the_same_time_two_wait_and_the_next_is_refused_at_once() -> None:
    """It may be repeated after a second, counts as no attempt, and disturbs none of the four."""
    passwords = _SlowPasswords()
    world = World(passwords)
    accounts, secrets = world.accounts(), []
    world.accounts().register("alice", PASSWORD)

    def enter() -> None:
        secrets.append(accounts.sign_in("alice", PASSWORD, address=HERE)[1])

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert all(passwords.started.acquire(timeout=10) for _ in range(2))
    _wait_until_all_places_are_taken(world.limiter)
    assert not passwords.started.acquire(timeout=0.05)
    with pytest.raises(TooManyAttempts) as caught:
        accounts.sign_in("bob", PASSWORD, address=HERE)
    with pytest.raises(TooManyAttempts):
        world.accounts(registration_open=True).register("carol", PASSWORD)
    passwords.end.set()
    for thread in threads:
        thread.join(10)
    assert caught.value.retry_after == 1
    assert len(secrets) == 4
    assert not world.memory.attempts
    assert accounts.sign_in("alice", PASSWORD, address=HERE)


def _wait_until_all_places_are_taken(limiter: HashLimiter) -> None:
    """Fail after ten seconds."""
    end = monotonic() + 10
    while True:
        try:
            with limiter.slot():
                pass
        except TooManyAttempts:
            return
        assert monotonic() < end


def test_no_caller_waits_for_a_slot_for_ever() -> None:
    """After the time for it the caller is refused, and leaves its place to the next."""
    limiter = HashLimiter(slots=1, waiting=1, timeout=0.05)
    for _ in range(3):
        begin = monotonic()
        with limiter.slot(), pytest.raises(TooManyAttempts), limiter.slot():
            pass
        assert 0.04 < monotonic() - begin < 5


def test_a_slot_is_free_again_after_a_failure() -> None:
    """Whatever the block raised."""
    limiter = HashLimiter(slots=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limiter.slot():
            raise ZeroDivisionError


def test_attempts_at_the_same_time_are_counted_one_after_another(plain_world: World) -> None:
    """Of two attempts after four failures, one must wait."""
    accounts, outcomes = plain_world.accounts(), []
    _fail(accounts, MAX_FROM_ONE_ADDRESS - 1)
    both_looked = threading.Barrier(2)

    class Watched(MemoryAttempts):
        def recent(self, *question: Any) -> Sequence[Attempt]:
            found = super().recent(*question)
            with suppress(threading.BrokenBarrierError):
                both_looked.wait(0.2)
            return found

    accounts = replace(accounts, attempts=Watched(plain_world.memory))

    def guess() -> None:
        try:
            accounts.sign_in("alice", "wrong password", address=HERE)
        except (WrongCredentials, TooManyAttempts) as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=guess) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert set(outcomes) == {WrongCredentials, TooManyAttempts}


def test_of_two_waits_the_longer_one_counts(plain_world: World) -> None:
    """`retry_after` is the time until both limits allow an attempt."""
    accounts, clock = plain_world.accounts(), plain_world.clock
    for n in range(MAX_FROM_ANYWHERE - MAX_FROM_ONE_ADDRESS):
        _fail(accounts, 1, address=f"2001:db8::{n:x}")
    clock.time += timedelta(minutes=5)
    _fail(accounts, MAX_FROM_ONE_ADDRESS)
    with pytest.raises(TooManyAttempts) as caught:
        accounts.sign_in("alice", PASSWORD, address=HERE)
    assert caught.value.retry_after == 15 * 60


def test_a_text_that_cannot_be_a_name_is_not_stored(plain_world: World) -> None:
    """It may be a password in the wrong field. All such attempts count together."""
    for text in ("my secret password", "\0", "x" * 1000):
        _fail(plain_world.accounts(), 1, username=text)
    assert {attempt.username for attempt in plain_world.memory.attempts} == {""}


def test_after_five_failed_changes_a_user_must_wait(plain_world: World) -> None:
    """A stolen token must not allow guessing. The sign-in is not affected."""
    accounts = plain_world.accounts()
    for _ in range(MAX_FROM_ONE_ADDRESS):
        with pytest.raises(WrongCredentials):
            accounts.change_password(Actor("alice"), "wrong password", "battery staple")
    with pytest.raises(TooManyAttempts):
        accounts.change_password(Actor("alice"), PASSWORD, "battery staple")
    assert accounts.sign_in("alice", PASSWORD, address=HERE)


def test_tries_to_change_a_password_are_counted_by_token(plain_world: World) -> None:
    """A stolen token allows few guesses, from wherever, and doesn't lock its owner out."""
    accounts = plain_world.accounts()
    alice = accounts.get_user("alice")
    stolen, own = (accounts.authenticate(accounts.issue_token(alice)[1]) for _ in range(2))
    for _ in range(MAX_FROM_ONE_ADDRESS):
        with pytest.raises(WrongCredentials):
            accounts.change_password(stolen, "wrong password", "mine now 12345")
    for password in ("wrong password", PASSWORD):
        with pytest.raises(TooManyAttempts):
            accounts.change_password(stolen, password, "mine now 12345")
    accounts.change_password(own, PASSWORD, "battery staple")
    with pytest.raises(Unauthenticated):
        accounts.check_token(stolen)


def test_a_changed_password_clears_the_failures_before_it(plain_world: World) -> None:
    """So does a sign-in."""
    accounts = plain_world.accounts()
    for _ in range(3):
        for _ in range(MAX_FROM_ONE_ADDRESS - 1):
            with pytest.raises(WrongCredentials):
                accounts.change_password(Actor("alice"), "wrong password", PASSWORD)
        accounts.change_password(Actor("alice"), PASSWORD, PASSWORD)


def test_failed_sign_ins_do_not_count_for_a_change(plain_world: World) -> None:
    """A user whose password is being guessed should be able to change it."""
    accounts = plain_world.accounts()
    for n in range(MAX_FROM_ANYWHERE):
        _fail(accounts, 1, address=f"2001:db8::{n:x}")
    accounts.change_password(Actor("alice"), PASSWORD, "battery staple")


def test_a_clock_that_is_set_back_locks_no_user_out(plain_world: World) -> None:
    """Attempts dated years ahead don't count; a little ahead, they count for one window at most."""
    accounts, clock = plain_world.accounts(), plain_world.clock
    for ahead, refused in ((timedelta(days=1000), False), (WINDOW - TICK, True)):
        now = clock.time
        clock.time = now + ahead
        _fail(accounts, MAX_FROM_ONE_ADDRESS)
        clock.time = now
        if refused:
            with pytest.raises(TooManyAttempts) as caught:
                accounts.sign_in("alice", PASSWORD, address=HERE)
            assert caught.value.retry_after == WINDOW.total_seconds()
        else:
            assert accounts.sign_in("alice", PASSWORD, address=HERE)
            assert not plain_world.memory.attempts


def test_the_error_says_why_to_wait() -> None:
    """A busy server does not speak of failed attempts."""
    assert "failed" in str(TooManyAttempts(9))
    assert "failed" not in str(TooManyAttempts(1, busy=True))
    assert "Wait 9 s." in str(TooManyAttempts(9))
