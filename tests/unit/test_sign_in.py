"""Sign-in over memory: a password is exchanged for a token."""

import base64
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from datas.adapters.system import Argon2Passwords
from datas.domain.access import Actor
from datas.domain.errors import InvalidUser, TokenNotFound, Unauthenticated, WrongCredentials
from datas.domain.throttle import HashLimiter
from tests.unit.conftest import PASSWORD, PlainPasswords, World

HERE = "192.0.2.1"
TICK = timedelta(microseconds=1)


def test_the_right_password_gets_a_token(world: World) -> None:
    """The secret names the user and the token; the case of the username doesn't matter."""
    world.accounts().register("Alice", PASSWORD)
    token, secret = world.accounts().sign_in("aLICE", PASSWORD, address=HERE, label="laptop")
    assert (token.username, token.label) == ("alice", "laptop")
    assert (token.date_created, token.date_expires) == (
        world.clock.time,
        world.clock.time + timedelta(days=30),
    )
    assert secret.startswith("datas_")
    assert world.accounts().authenticate(secret) == Actor("alice", token.id)
    assert list(world.accounts().list_tokens(Actor("alice"))) == [token]


def test_a_secret_is_not_stored(plain_world: World) -> None:
    """Only its digest is stored, and no `repr` shows a secret or a hash."""
    token, secret = plain_world.accounts().sign_in("alice", PASSWORD, address=HERE)
    [digest] = plain_world.memory.tokens
    [alice] = plain_world.memory.users.values()
    assert len(digest) == 32
    everything = repr([vars(plain_world.memory), token, alice])
    assert alice.password_hash == PASSWORD
    for hidden in (secret, secret.removeprefix("datas_"), PASSWORD):
        assert hidden not in everything


def test_a_user_shows_no_hash(world: World) -> None:
    """Its text appears in logs and tracebacks."""
    alice = world.accounts().register("alice", PASSWORD)
    assert alice.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "argon2" not in repr(alice)
    assert alice.password_hash not in f"{alice}"


@pytest.mark.parametrize("username", ["bob", "", "a b", "\ud800", "x" * 1000])
def test_a_wrong_name_and_a_wrong_password_get_the_same_error(world: World, username: str) -> None:
    """Also a text that can't be a name."""
    world.accounts().register("alice", PASSWORD)
    refusals = []
    for name, password in ((username, PASSWORD), ("alice", "wrong\ud800 password")):
        with pytest.raises(WrongCredentials) as caught:
            world.accounts().sign_in(name, password, address=HERE)
        refusals.append(str(caught.value))
    assert len(set(refusals)) == 1


def test_signing_in_renews_a_hash_of_older_parameters(world: World) -> None:
    """The user need not change the password, and it happens once."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    kept = old.accounts().register("alice", PASSWORD).password_hash
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    renewed = world.accounts().get_user("alice").password_hash
    assert "m=8," in kept
    assert "m=19456," in renewed
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    assert world.accounts().get_user("alice").password_hash == renewed


def test_a_wrong_password_renews_nothing(world: World) -> None:
    """An old hash stays until its user signs in."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    alice = old.accounts().register("alice", PASSWORD)
    with pytest.raises(WrongCredentials):
        world.accounts().sign_in("alice", "wrong password", address=HERE)
    assert world.accounts().get_user("alice") == alice


def test_a_token_is_refused_from_the_moment_it_expires(plain_world: World) -> None:
    """After thirty days, to the microsecond."""
    accounts = plain_world.accounts()
    token, secret = accounts.sign_in("alice", PASSWORD, address=HERE)
    plain_world.clock.time = token.date_expires - TICK
    assert accounts.authenticate(secret)
    plain_world.clock.time = token.date_expires
    with pytest.raises(Unauthenticated) as caught:
        accounts.authenticate(secret)
    assert caught.value.bad_token


@pytest.mark.parametrize("secret", ["", "datas_", "datas_x", "\ud800", "é" * 100])
def test_a_text_that_is_no_secret_is_refused(plain_world: World, secret: str) -> None:
    """Whatever the text is."""
    with pytest.raises(Unauthenticated):
        plain_world.accounts().authenticate(secret)


def test_a_revoked_token_is_refused_at_once(plain_world: World) -> None:
    """Only its user can revoke it, and only once."""
    accounts = plain_world.accounts()
    token, secret = accounts.sign_in("alice", PASSWORD, address=HERE)
    with pytest.raises(TokenNotFound):
        accounts.revoke_token(Actor("bob"), token.id)
    accounts.revoke_token(Actor("alice"), token.id)
    with pytest.raises(Unauthenticated):
        accounts.authenticate(secret)
    with pytest.raises(TokenNotFound):
        accounts.revoke_token(Actor("alice"), token.id)


class _Meanwhile(PlainPasswords):
    """Calls a function during the first check."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = [happens]

    def verify(self, password: str, password_hash: str | None) -> bool:
        matches = super().verify(password, password_hash)
        if self._happens:
            self._happens.pop()()
        return matches


def _while_checking(world: World, happens: Callable[[], object]) -> World:
    return replace(world, passwords=_Meanwhile(happens))


def test_a_password_that_was_changed_while_it_was_checked_is_wrong(plain_world: World) -> None:
    """The old password gets no token and sets no new password."""
    accounts = plain_world.accounts()
    actor = Actor("alice", accounts.issue_token(accounts.get_user("alice"))[0].id)

    def change() -> None:
        plain_world.accounts().set_password("alice", "a newer one")

    with pytest.raises(WrongCredentials):
        _while_checking(plain_world, change).accounts().sign_in("alice", PASSWORD, address=HERE)
    assert not plain_world.accounts().list_tokens(actor)
    plain_world.accounts().set_password("alice", PASSWORD)
    with pytest.raises(WrongCredentials):
        _while_checking(plain_world, change).accounts().change_password(
            Actor("alice"), PASSWORD, "an attacker's"
        )
    assert plain_world.accounts().get_user("alice").password_hash == "a newer one"


def test_a_user_who_was_removed_during_sign_in_gets_no_token(plain_world: World) -> None:
    """The error is that of an unknown name."""

    def leave() -> None:
        plain_world.accounts().remove_user("alice")

    with pytest.raises(WrongCredentials):
        _while_checking(plain_world, leave).accounts().sign_in("alice", PASSWORD, address=HERE)


def test_two_sign_ins_at_once_both_succeed() -> None:
    """One finds the hash renewed by the other. So does a change of the password."""
    world = World(Argon2Passwords(memory_kib=16, passes=1))
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    old.accounts().register("alice", PASSWORD)

    class Interleaved(Argon2Passwords):
        def is_outdated(self, password_hash: str) -> bool:
            world.accounts().sign_in("alice", PASSWORD, address=HERE)
            return super().is_outdated(password_hash)

    both = replace(world, passwords=Interleaved(memory_kib=16, passes=1), limiter=HashLimiter())
    _, secret = both.accounts().sign_in("alice", PASSWORD, address=HERE)
    assert world.accounts().authenticate(secret)

    class Renewing(Argon2Passwords):
        def hash(self, password: str) -> str:
            world.accounts().sign_in("alice", PASSWORD, address=HERE)
            return super().hash(password)

    old.accounts().set_password("alice", PASSWORD)
    changing = replace(world, passwords=Renewing(memory_kib=16, passes=1), limiter=HashLimiter())
    changing.accounts().change_password(Actor("alice"), PASSWORD, "battery staple")
    assert world.accounts().sign_in("alice", "battery staple", address=HERE)


def test_a_renewed_hash_revokes_no_token() -> None:
    """The password is the same."""
    world = World(Argon2Passwords(memory_kib=16, passes=1))
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    _, secret = world.accounts().issue_token(old.accounts().register("alice", PASSWORD))
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    assert world.accounts().authenticate(secret)


def test_a_revoked_token_changes_no_password(plain_world: World) -> None:
    """Also if it is revoked after the change began."""
    token, _ = plain_world.accounts().issue_token(plain_world.accounts().get_user("alice"))
    actor = Actor("alice", token.id)
    world = _while_checking(plain_world, lambda: plain_world.accounts().revoke_token(actor))
    with pytest.raises(Unauthenticated) as caught:
        world.accounts().change_password(actor, PASSWORD, "a thief's own")
    assert caught.value.bad_token
    assert plain_world.accounts().get_user("alice").password_hash == PASSWORD


@pytest.mark.parametrize("username", ["alice", "bob", "not a name"])
def test_each_attempt_costs_one_check(plain_world: World, username: str) -> None:
    """For every name: else the time would show which names exist."""
    checked: list[str | None] = []

    class Counting(PlainPasswords):
        def verify(self, password: str, password_hash: str | None) -> bool:
            checked.append(password_hash)
            return super().verify(password, password_hash)

    with pytest.raises(WrongCredentials):
        replace(plain_world, passwords=Counting()).accounts().sign_in(
            username, "wrong password", address=HERE
        )
    assert checked == [PASSWORD if username == "alice" else None]


def test_a_secret_is_256_random_bits(plain_world: World) -> None:
    """Each bit takes both values and copies no other bit. The seed of `random` has no effect."""
    alice, bits = plain_world.accounts().get_user("alice"), []
    for _ in range(64):
        random.seed(0)
        _, secret = plain_world.accounts().issue_token(alice)
        drawn = base64.b64decode(secret.removeprefix("datas_") + "=", b"-_", validate=True)
        assert len(drawn) == 32
        bits.append(int.from_bytes(drawn))
    assert len(set(bits)) == 64
    each = [tuple(drawn >> n & 1 for drawn in bits) for n in range(256)]
    assert len(set(each)) == 256
    assert all(set(values) == {0, 1} for values in each)


@pytest.mark.parametrize("label", ["x" * 65, "\0", "\ud800", None])
def test_a_label_is_short_text(plain_world: World, label: str) -> None:
    """No token is issued with a longer label or with other characters."""
    alice = plain_world.accounts().get_user("alice")
    with pytest.raises(InvalidUser, match="label"):
        plain_world.accounts().issue_token(alice, label=label)
    assert not plain_world.memory.tokens


def test_a_new_token_deletes_the_users_expired_tokens(plain_world: World) -> None:
    """So the table does not grow with time."""
    accounts, alice = plain_world.accounts(), plain_world.accounts().get_user("alice")
    first, _ = accounts.issue_token(alice)
    plain_world.clock.time = first.date_expires - TICK
    second, _ = accounts.issue_token(alice)
    assert list(accounts.list_tokens(Actor("alice"))) == [first, second]
    plain_world.clock.time = first.date_expires
    third, _ = accounts.sign_in("alice", PASSWORD, address=HERE)
    assert list(accounts.list_tokens(Actor("alice"))) == [second, third]
