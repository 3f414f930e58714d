"""Signing in, over memory: a password for a token, and what that is worth."""

import base64
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from datas.adapters.system import Argon2Passwords
from datas.domain.access import Actor
from datas.domain.accounts import HashLimiter
from datas.domain.errors import InvalidUser, TokenNotFound, Unauthenticated, WrongCredentials
from tests.unit.conftest import PASSWORD, PlainPasswords, World

HERE = "192.0.2.1"
TICK = timedelta(microseconds=1)


def test_a_password_is_worth_a_token(world: World) -> None:
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


def test_a_secret_is_kept_nowhere(plain_world: World) -> None:
    """What is stored is its digest, and no `repr` shows a secret or a hash."""
    token, secret = plain_world.accounts().sign_in("alice", PASSWORD, address=HERE)
    [digest] = plain_world.memory.tokens
    [alice] = plain_world.memory.users.values()
    assert len(digest) == 32
    everything = repr([vars(plain_world.memory), token, alice])
    assert alice.password_hash == PASSWORD
    for hidden in (secret, secret.removeprefix("datas_"), PASSWORD):
        assert hidden not in everything


def test_a_user_shows_no_hash(world: World) -> None:
    """Not in a log, not in a traceback."""
    alice = world.accounts().register("alice", PASSWORD)
    assert alice.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "argon2" not in repr(alice)
    assert alice.password_hash not in f"{alice}"


@pytest.mark.parametrize("username", ["bob", "", "a b", "\ud800", "x" * 1000])
def test_whichever_half_was_wrong_the_answer_is_one(world: World, username: str) -> None:
    """An unknown name, or what can't be one, is refused in a wrong password's words."""
    world.accounts().register("alice", PASSWORD)
    refusals = []
    for name, password in ((username, PASSWORD), ("alice", "wrong\ud800 password")):
        with pytest.raises(WrongCredentials) as caught:
            world.accounts().sign_in(name, password, address=HERE)
        refusals.append(str(caught.value))
    assert len(set(refusals)) == 1


def test_signing_in_renews_a_hash_of_older_parameters(world: World) -> None:
    """Nobody has to change a password for that, and it happens once."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    kept = old.accounts().register("alice", PASSWORD).password_hash
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    renewed = world.accounts().get_user("alice").password_hash
    assert "m=8," in kept
    assert "m=19456," in renewed
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    assert world.accounts().get_user("alice").password_hash == renewed


def test_a_wrong_password_renews_nothing(world: World) -> None:
    """An old hash stays until its user comes."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    alice = old.accounts().register("alice", PASSWORD)
    with pytest.raises(WrongCredentials):
        world.accounts().sign_in("alice", "wrong password", address=HERE)
    assert world.accounts().get_user("alice") == alice


def test_a_token_is_worthless_from_the_moment_it_expires(plain_world: World) -> None:
    """Thirty days to the microsecond."""
    accounts = plain_world.accounts()
    token, secret = accounts.sign_in("alice", PASSWORD, address=HERE)
    plain_world.clock.time = token.date_expires - TICK
    assert accounts.authenticate(secret)
    plain_world.clock.time = token.date_expires
    with pytest.raises(Unauthenticated) as caught:
        accounts.authenticate(secret)
    assert caught.value.bad_token


@pytest.mark.parametrize("secret", ["", "datas_", "datas_x", "\ud800", "é" * 100])
def test_what_is_no_secret_is_nobodys(plain_world: World, secret: str) -> None:
    """Whatever text it is."""
    with pytest.raises(Unauthenticated):
        plain_world.accounts().authenticate(secret)


def test_a_revoked_token_is_worthless_at_once(plain_world: World) -> None:
    """Its user alone can revoke it, once."""
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
    """Passwords during whose check something else happens, once."""

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
    """Neither a token nor another password is had for the old one."""
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


def test_a_user_who_was_removed_while_signing_in_is_nobody(plain_world: World) -> None:
    """As one who never was."""

    def leave() -> None:
        plain_world.accounts().remove_user("alice")

    with pytest.raises(WrongCredentials):
        _while_checking(plain_world, leave).accounts().sign_in("alice", PASSWORD, address=HERE)


def test_of_two_who_sign_in_at_once_none_is_wrong() -> None:
    """Though one finds the hash renewed by the other, or so does a change of the password."""
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
    """The password is the same, and so are its rights."""
    world = World(Argon2Passwords(memory_kib=16, passes=1))
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    _, secret = world.accounts().issue_token(old.accounts().register("alice", PASSWORD))
    world.accounts().sign_in("alice", PASSWORD, address=HERE)
    assert world.accounts().authenticate(secret)


def test_a_token_that_was_revoked_changes_no_password(plain_world: World) -> None:
    """Not even one that was good when the change began."""
    token, _ = plain_world.accounts().issue_token(plain_world.accounts().get_user("alice"))
    actor = Actor("alice", token.id)
    world = _while_checking(plain_world, lambda: plain_world.accounts().revoke_token(actor))
    with pytest.raises(Unauthenticated) as caught:
        world.accounts().change_password(actor, PASSWORD, "a thief's own")
    assert caught.value.bad_token
    assert plain_world.accounts().get_user("alice").password_hash == PASSWORD


@pytest.mark.parametrize("username", ["alice", "bob", "not a name"])
def test_each_try_costs_one_check(plain_world: World, username: str) -> None:
    """Whoever it is for: else the time would tell which names exist."""
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
    """Each takes both values and copies no other; no seed that a program sets brings one again."""
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
    """However the token is issued; none is."""
    alice = plain_world.accounts().get_user("alice")
    with pytest.raises(InvalidUser, match="label"):
        plain_world.accounts().issue_token(alice, label=label)
    assert not plain_world.memory.tokens


def test_expired_tokens_go_when_another_comes(plain_world: World) -> None:
    """Those of its user: the table grows with what is used, not with time."""
    accounts, alice = plain_world.accounts(), plain_world.accounts().get_user("alice")
    first, _ = accounts.issue_token(alice)
    plain_world.clock.time = first.date_expires - TICK
    second, _ = accounts.issue_token(alice)
    assert list(accounts.list_tokens(Actor("alice"))) == [first, second]
    plain_world.clock.time = first.date_expires
    third, _ = accounts.sign_in("alice", PASSWORD, address=HERE)
    assert list(accounts.list_tokens(Actor("alice"))) == [second, third]
