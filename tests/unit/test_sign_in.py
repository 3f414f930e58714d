"""Signing in, over memory: a password for a token, and what that is worth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from datas.adapters.system import Argon2Passwords
from datas.domain.access import Actor
from datas.domain.errors import TokenNotFound, Unauthenticated, WrongCredentials
from tests.unit.conftest import PASSWORD, World

HERE = "192.0.2.1"
TICK = timedelta(microseconds=1)


def test_a_password_is_worth_a_token(world: World) -> None:
    """The secret names the user and the token; the case of the username doesn't matter."""
    world.users().register("Alice", PASSWORD)
    token, secret = world.sign_in().sign_in("aLICE", PASSWORD, address=HERE, label="laptop")
    assert (token.username, token.label) == ("alice", "laptop")
    assert (token.date_created, token.date_expires) == (
        world.clock.time,
        world.clock.time + timedelta(days=30),
    )
    assert secret.startswith("datas_")
    assert world.sign_in().authenticate(secret) == Actor("alice", token.id)
    assert list(world.sign_in().tokens(Actor("alice"))) == [token]


def test_a_secret_is_kept_nowhere(plain_world: World) -> None:
    """What is stored is its digest, and no `repr` shows a secret or a hash."""
    token, secret = plain_world.sign_in().sign_in("alice", PASSWORD, address=HERE)
    [digest] = plain_world.memory.tokens
    [alice] = plain_world.memory.users.values()
    assert len(digest) == 32
    everything = repr([vars(plain_world.memory), token, alice])
    assert alice.password_hash == PASSWORD
    for hidden in (secret, secret.removeprefix("datas_"), PASSWORD):
        assert hidden not in everything


def test_a_user_shows_no_hash(world: World) -> None:
    """Not in a log, not in a traceback."""
    alice = world.users().register("alice", PASSWORD)
    assert alice.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "argon2" not in repr(alice)
    assert alice.password_hash not in f"{alice}"


@pytest.mark.parametrize("username", ["bob", "", "a b", "\ud800", "x" * 1000])
def test_whichever_half_was_wrong_the_answer_is_one(world: World, username: str) -> None:
    """An unknown name, or what can't be one, is refused in a wrong password's words."""
    world.users().register("alice", PASSWORD)
    refusals = []
    for name, password in ((username, PASSWORD), ("alice", "wrong\ud800 password")):
        with pytest.raises(WrongCredentials) as caught:
            world.sign_in().sign_in(name, password, address=HERE)
        refusals.append(str(caught.value))
    assert len(set(refusals)) == 1


def test_signing_in_renews_a_hash_of_older_parameters(world: World) -> None:
    """Nobody has to change a password for that, and it happens once."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    kept = old.users().register("alice", PASSWORD).password_hash
    world.sign_in().sign_in("alice", PASSWORD, address=HERE)
    renewed = world.users().get("alice").password_hash
    assert "m=8," in kept
    assert "m=19456," in renewed
    world.sign_in().sign_in("alice", PASSWORD, address=HERE)
    assert world.users().get("alice").password_hash == renewed


def test_a_wrong_password_renews_nothing(world: World) -> None:
    """An old hash stays until its user comes."""
    old = replace(world, passwords=Argon2Passwords(memory_kib=8, passes=1))
    alice = old.users().register("alice", PASSWORD)
    with pytest.raises(WrongCredentials):
        world.sign_in().sign_in("alice", "wrong password", address=HERE)
    assert world.users().get("alice") == alice


def test_a_token_is_worthless_from_the_moment_it_expires(plain_world: World) -> None:
    """Thirty days to the microsecond."""
    sign_in = plain_world.sign_in()
    token, secret = sign_in.sign_in("alice", PASSWORD, address=HERE)
    plain_world.clock.time = token.date_expires - TICK
    assert sign_in.authenticate(secret)
    plain_world.clock.time = token.date_expires
    with pytest.raises(Unauthenticated) as caught:
        sign_in.authenticate(secret)
    assert caught.value.bad_token


@pytest.mark.parametrize("secret", ["", "datas_", "datas_x", "\ud800", "é" * 100])
def test_what_is_no_secret_is_nobodys(plain_world: World, secret: str) -> None:
    """Whatever text it is."""
    with pytest.raises(Unauthenticated):
        plain_world.sign_in().authenticate(secret)


def test_a_revoked_token_is_worthless_at_once(plain_world: World) -> None:
    """Its user alone can revoke it, once."""
    sign_in = plain_world.sign_in()
    token, secret = sign_in.sign_in("alice", PASSWORD, address=HERE)
    with pytest.raises(TokenNotFound):
        sign_in.revoke(Actor("bob"), token.id)
    sign_in.revoke(Actor("alice"), token.id)
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(secret)
    with pytest.raises(TokenNotFound):
        sign_in.revoke(Actor("alice"), token.id)
