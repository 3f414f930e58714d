"""No more tries to sign in than is decent, and no more hashing at once."""

import threading
from datetime import timedelta

import pytest

from datas.domain.access import Actor
from datas.domain.errors import TooManyAttempts, WrongCredentials
from datas.domain.sign_in import MAX_FROM_ANYWHERE, MAX_FROM_ONE_ADDRESS, WINDOW, Gate, SignIn
from tests.unit.conftest import PASSWORD, PlainPasswords, World

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
TICK = timedelta(microseconds=1)


def _fail(sign_in: SignIn, times: int, *, username: str = "alice", address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(WrongCredentials):
            sign_in.sign_in(username, "wrong password", address=address)


@pytest.mark.parametrize("username", ["alice", "nobody", "not a name"])
def test_five_failures_from_one_address_are_enough(plain_world: World, username: str) -> None:
    """Then even the right password has to wait; a name that nobody has is treated the same."""
    sign_in = plain_world.sign_in()
    _fail(sign_in, MAX_FROM_ONE_ADDRESS, username=username)
    with pytest.raises(TooManyAttempts) as caught:
        sign_in.sign_in(username, PASSWORD, address=HERE)
    assert caught.value.retry_after == WINDOW.total_seconds()


def test_failures_at_one_address_are_no_hindrance_at_another(plain_world: World) -> None:
    """Nobody can lock another out from one machine; other names are not held up either."""
    sign_in = plain_world.sign_in()
    plain_world.users().register("bob", PASSWORD)
    _fail(sign_in, MAX_FROM_ONE_ADDRESS)
    assert sign_in.sign_in("alice", PASSWORD, address=ELSEWHERE)
    assert sign_in.sign_in("bob", PASSWORD, address=HERE)


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_a_hundred_failures_from_anywhere_are_enough(plain_world: World, username: str) -> None:
    """However many addresses somebody has."""
    sign_in = plain_world.sign_in()
    for n in range(MAX_FROM_ANYWHERE):
        _fail(sign_in, 1, username=username, address=f"2001:db8::{n:x}")
    with pytest.raises(TooManyAttempts):
        sign_in.sign_in(username, PASSWORD, address=HERE)


def test_the_wait_is_over_when_it_was_said_to_be(plain_world: World) -> None:
    """`retry_after` is whole seconds, up, until the oldest of the five is out of the window."""
    sign_in, clock = plain_world.sign_in(), plain_world.clock
    _fail(sign_in, 1)
    first = clock.time
    clock.time = first + timedelta(minutes=5, microseconds=1)
    _fail(sign_in, MAX_FROM_ONE_ADDRESS - 1)
    with pytest.raises(TooManyAttempts) as caught:
        sign_in.sign_in("alice", PASSWORD, address=HERE)
    assert caught.value.retry_after == 10 * 60
    clock.time = first + WINDOW - TICK
    with pytest.raises(TooManyAttempts) as caught:
        sign_in.sign_in("alice", PASSWORD, address=HERE)
    assert caught.value.retry_after == 1
    clock.time = first + WINDOW
    assert sign_in.sign_in("alice", PASSWORD, address=HERE)


def test_a_try_that_was_refused_prolongs_nothing(plain_world: World) -> None:
    """Who keeps knocking waits no longer than who doesn't."""
    sign_in, clock = plain_world.sign_in(), plain_world.clock
    _fail(sign_in, MAX_FROM_ONE_ADDRESS)
    for _ in range(14):
        clock.time += timedelta(minutes=1)
        with pytest.raises(TooManyAttempts):
            sign_in.sign_in("alice", PASSWORD, address=HERE)
    clock.time += timedelta(minutes=1)
    assert sign_in.sign_in("alice", PASSWORD, address=HERE)


def test_success_clears_the_failures_at_its_address(plain_world: World) -> None:
    """Those from elsewhere still count."""
    sign_in = plain_world.sign_in()
    _fail(sign_in, MAX_FROM_ONE_ADDRESS, address=ELSEWHERE)
    for _ in range(3):
        _fail(sign_in, MAX_FROM_ONE_ADDRESS - 1)
        sign_in.sign_in("alice", PASSWORD, address=HERE)
    with pytest.raises(TooManyAttempts):
        sign_in.sign_in("alice", PASSWORD, address=ELSEWHERE)


def test_who_is_throttled_keeps_working_with_a_token(plain_world: World) -> None:
    """A stranger's guesses at a password don't disturb its owner's programs."""
    sign_in = plain_world.sign_in()
    token, secret = sign_in.sign_in("alice", PASSWORD, address=ELSEWHERE)
    _fail(sign_in, MAX_FROM_ONE_ADDRESS)
    assert sign_in.authenticate(secret) == Actor("alice", token.id)


def test_old_failures_are_deleted_in_passing(plain_world: World) -> None:
    """The table of tries stays small by itself."""
    sign_in = plain_world.sign_in()
    for n in range(3):
        _fail(sign_in, MAX_FROM_ONE_ADDRESS, username=f"user{n}")
    for expected in (6, 1):
        plain_world.clock.time += WINDOW + TICK
        _fail(sign_in, 1)
        assert len(plain_world.memory.attempts) == expected


class _SlowPasswords(PlainPasswords):
    """Hashing that lasts until it is told to end."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.end = threading.Event()

    def verify(self, password: str, password_hash: str | None) -> bool:
        self.started.release()
        self.end.wait(10)
        return super().verify(password, password_hash)


def test_a_third_who_would_hash_at_once_is_refused_at_once() -> None:
    """It is told to come back in a second, costs no try, and disturbs neither of the two."""
    passwords = _SlowPasswords()
    world = World(passwords)
    sign_in, secrets = world.sign_in(), []
    world.users().register("alice", PASSWORD)

    def enter() -> None:
        secrets.append(sign_in.sign_in("alice", PASSWORD, address=HERE)[1])

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert all(passwords.started.acquire(timeout=10) for _ in threads)
    with pytest.raises(TooManyAttempts) as caught:
        sign_in.sign_in("bob", PASSWORD, address=HERE)
    with pytest.raises(TooManyAttempts):
        world.users(registration_open=True).register("carol", PASSWORD)
    passwords.end.set()
    for thread in threads:
        thread.join(10)
    assert caught.value.retry_after == 1
    assert len(secrets) == 2
    assert not world.memory.attempts
    assert sign_in.sign_in("alice", PASSWORD, address=HERE)


def test_a_gate_opens_again_after_a_failure() -> None:
    """Whatever happened behind it."""
    gate = Gate(width=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passed():
            raise ZeroDivisionError
