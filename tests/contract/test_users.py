"""What every `Users` and `Tokens` adapter does."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datas.domain.credentials import Token, User
from datas.domain.errors import (
    DomainError,
    Unauthenticated,
    UsernameTaken,
    UserNotFound,
    UserOwnsRecords,
)
from datas.domain.idempotency import KeptAnswer
from datas.domain.items import ItemDraft
from datas.domain.query import Query
from tests.contract.conftest import Store

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=30, microseconds=1)

Refused = tuple[type[DomainError], Callable[[], object]]


def _token(store: Store, username: str, digest: bytes, label: str = "") -> Token:
    return store.tokens.add(Token(0, username, label, NOW, LATER), digest)


@pytest.fixture
def alice(store: Store) -> User:
    """A user who is there."""
    return store.users.add("alice", "her hash", NOW)


def test_a_user_is_read_back_as_added(store: Store, alice: User) -> None:
    """With the id that the store gave."""
    assert alice == User(alice.id, "alice", NOW, "her hash")
    assert store.users.get("alice") == alice


def test_an_absent_user_is_none(store: Store, alice: User) -> None:
    """A name in another case is another name: folding is the domain's."""
    assert store.users.get("bob") is None
    assert store.users.get("ALICE") is None


def test_all_users_come_by_name(store: Store, alice: User) -> None:
    """In the order of the characters' numbers, whatever the order of joining."""
    others = [store.users.add(name, "hash", NOW) for name in ("zoe", "_bob", "bob", "-bob", "7")]
    names = [user.username for user in store.users.all()]
    assert names == ["-bob", "7", "_bob", "alice", "bob", "zoe"]
    assert sorted(store.users.all(), key=lambda user: user.id) == [alice, *others]


def test_a_taken_name_is_refused(store: Store, alice: User) -> None:
    """The first user stays as they are, and a surrounding block can go on."""
    with store.storage.atomic():
        with pytest.raises(UsernameTaken) as caught:
            store.users.add("alice", "another hash", LATER)
        bob = store.users.add("bob", "hash", NOW)
    assert caught.value.username == "alice"
    assert list(store.users.all()) == [alice, bob]


def test_of_racing_users_one_gets_the_name(store: Store) -> None:
    """The others are told that it is taken."""
    outcomes: list[str] = []

    def join(password_hash: str) -> None:
        try:
            store.users.add("alice", password_hash, NOW)
        except UsernameTaken:
            outcomes.append("taken")
        else:
            outcomes.append(password_hash)

    threads = [threading.Thread(target=join, args=(f"hash {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [alice] = store.users.all()
    assert sorted(outcomes) == [alice.password_hash] + ["taken"] * 7


def test_a_password_is_replaced(store: Store, alice: User) -> None:
    """That of one user, and nothing else."""
    bob = store.users.add("bob", "his hash", NOW)
    store.users.set_password("alice", "new hash")
    store.users.set_password("nobody", "new hash")
    assert list(store.users.all()) == [replace(alice, password_hash="new hash"), bob]


def test_a_removed_user_is_gone_with_their_tokens(store: Store, alice: User) -> None:
    """Others keep theirs; the name is free, and who takes it gets another id."""
    store.users.add("bob", "hash", NOW)
    _token(store, "alice", b"hers")
    his = _token(store, "bob", b"his")
    store.users.remove("alice")
    assert store.users.get("alice") is None
    assert store.tokens.find(b"hers") is None
    assert store.tokens.find(b"his") == his
    assert store.users.add("alice", "hash", NOW).id > alice.id
    assert not store.tokens.newest("alice", 100)


def test_a_hash_is_swapped_for_the_one_it_was(store: Store, alice: User) -> None:
    """Of two swaps of one hash the first happens and the second doesn't; nobody has none."""
    assert store.users.swap_password("alice", alice.password_hash, "second")
    assert not store.users.swap_password("alice", alice.password_hash, "third")
    assert not store.users.swap_password("nobody", alice.password_hash, "third")
    assert store.users.get("alice") == replace(alice, password_hash="second")


def test_a_user_who_owns_items_stays(store: Store, alice: User) -> None:
    """With all that is theirs."""
    token = _token(store, "alice", b"hers")
    store.items.add(ItemDraft("hers"), NOW, "alice")
    with pytest.raises(UserOwnsRecords):
        store.users.remove("alice")
    assert store.users.get("alice") == alice
    assert store.tokens.find(b"hers") == token


def test_a_removed_users_answers_are_forgotten(store: Store, alice: User) -> None:
    """Whoever takes the name next is replayed nothing; others are."""
    store.users.add("bob", "hash", NOW)
    for actor in ("alice", "bob", ""):
        store.idempotency.claim(KeptAnswer(actor, "key", b"print", NOW), NOW)
    store.users.remove("alice")
    earlier = NOW - timedelta(1)
    forgotten = [
        actor
        for actor in ("alice", "bob", "")
        if not store.idempotency.claim(KeptAnswer(actor, "key", b"print", NOW), earlier)
    ]
    assert forgotten == ["alice"]


def test_a_token_is_found_by_its_digest_alone(store: Store, alice: User) -> None:
    """Every byte of it counts, and every field comes back."""
    digest = bytes(range(32))
    token = _token(store, "alice", digest, "laptop 💻")
    assert token == Token(token.id, "alice", "laptop 💻", NOW, LATER)
    assert store.tokens.find(digest) == token
    assert store.tokens.find(digest[:-1] + b"\xff") is None
    assert store.tokens.find(b"") is None


@given(moment=st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_tokens_dates_keep_their_microseconds(store: Store, moment: datetime) -> None:
    """Long gone or far ahead: the store doesn't judge, it keeps."""
    store.users.remove("alice")
    store.users.add("alice", "hash", moment)
    token = store.tokens.add(Token(0, "alice", "", moment, moment), b"digest")
    assert store.tokens.find(b"digest") == token
    assert (token.date_expires, token.date_expires.tzinfo) == (moment, UTC)


def test_a_users_tokens_come_by_id(store: Store, alice: User) -> None:
    """Theirs, and nobody else's."""
    store.users.add("bob", "hash", NOW)
    first = _token(store, "alice", b"3")
    his = _token(store, "bob", b"2")
    second = _token(store, "alice", b"1")
    assert list(store.tokens.newest("alice", 100)) == [first, second]
    assert list(store.tokens.newest("bob", 100)) == [his]
    assert not store.tokens.newest("carol", 100)


def test_the_newest_tokens_are_listed_and_kept(store: Store, alice: User) -> None:
    """By id, as many as are asked for; those of others stay."""
    store.users.add("bob", "hash", NOW)
    his = _token(store, "bob", b"his")
    tokens = [_token(store, "alice", b"%d" % n) for n in range(5)]
    assert list(store.tokens.newest("alice", 3)) == tokens[2:]
    store.tokens.keep_newest("alice", 5)
    assert list(store.tokens.newest("alice", 100)) == tokens
    store.tokens.keep_newest("alice", 2)
    assert list(store.tokens.newest("alice", 100)) == tokens[3:]
    store.tokens.keep_newest("carol", 2)
    assert list(store.tokens.newest("bob", 100)) == [his]


def test_a_token_is_found_by_its_user_and_id(store: Store, alice: User) -> None:
    """Until it is revoked."""
    store.users.add("bob", "hash", NOW)
    token = _token(store, "alice", b"1")
    assert store.tokens.get("alice", token.id) == token
    assert store.tokens.get("bob", token.id) is None
    assert store.tokens.get("alice", token.id + 1) is None
    store.tokens.revoke("alice", token.id)
    assert store.tokens.get("alice", token.id) is None


def test_a_token_is_revoked_by_its_user_alone(store: Store, alice: User) -> None:
    """Another's attempt, or a second one, finds none."""
    token, other = _token(store, "alice", b"1"), _token(store, "alice", b"2")
    assert not store.tokens.revoke("bob", token.id)
    assert store.tokens.revoke("alice", token.id)
    assert not store.tokens.revoke("alice", token.id)
    assert store.tokens.find(b"1") is None
    assert list(store.tokens.newest("alice", 100)) == [other]


def test_a_tokens_id_is_never_used_again(store: Store, alice: User) -> None:
    """Not even that of the newest, once it is revoked."""
    newest = _token(store, "alice", b"1")
    store.tokens.revoke("alice", newest.id)
    assert _token(store, "alice", b"2").id > newest.id


@pytest.mark.parametrize("token_id", [2**63, -(2**63) - 1])
def test_an_id_that_no_token_can_have_is_none(store: Store, alice: User, token_id: int) -> None:
    """It names no token to revoke; and all are others."""
    token = _token(store, "alice", b"1")
    assert not store.tokens.revoke("alice", token_id)
    assert list(store.tokens.newest("alice", 100)) == [token]
    store.tokens.revoke_others("alice", token_id)
    assert not store.tokens.newest("alice", 100)


def test_all_tokens_of_a_user_but_one_are_revoked(store: Store, alice: User) -> None:
    """Without that one, all; others' stay."""
    store.users.add("bob", "hash", NOW)
    his = _token(store, "bob", b"his")
    kept = [_token(store, "alice", b"%d" % n) for n in range(3)][1]
    store.tokens.revoke_others("alice", kept.id)
    assert list(store.tokens.newest("alice", 100)) == [kept]
    store.tokens.revoke_others("alice", None)
    assert not store.tokens.newest("alice", 100)
    assert list(store.tokens.newest("bob", 100)) == [his]


def test_a_users_expired_tokens_are_purged(store: Store, alice: User) -> None:
    """Those that are over at the moment itself, too; others' stay."""
    store.users.add("bob", "hash", NOW)
    his = _token(store, "bob", b"his")
    kept = store.tokens.add(Token(0, "alice", "", NOW, LATER + timedelta(microseconds=1)), b"new")
    _token(store, "alice", b"over")
    store.tokens.purge("alice", LATER)
    assert list(store.tokens.newest("alice", 100)) == [kept]
    assert list(store.tokens.newest("bob", 100)) == [his]


def test_nobody_is_given_nothing(store: Store, alice: User) -> None:
    """Neither a token nor an item is stored for who isn't there; the refusal says who that is."""
    store.items.add(ItemDraft("hers"), NOW, "alice")
    refusals: list[Refused] = [
        (Unauthenticated, lambda: _token(store, "zed", b"digest")),
        (Unauthenticated, lambda: store.items.add(ItemDraft("x"), NOW, "zed")),
        (Unauthenticated, lambda: store.items.add_many([ItemDraft("x")], NOW, "zed")),
        (UserNotFound, lambda: store.items.reassign("alice", "zed", NOW)),
    ]
    for refusal, give in refusals:
        with pytest.raises(refusal, match="no user zed"):
            give()
    assert store.tokens.find(b"digest") is None
    assert [item.owner for item in store.items.find(Query())] == ["alice"]


def test_a_block_that_raises_leaves_users_and_tokens(store: Store, alice: User) -> None:
    """All of it is undone: joining, leaving, passwords, tokens."""
    bob = store.users.add("bob", "his hash", NOW)
    tokens = [_token(store, name, name.encode()) for name in ("alice", "bob")]
    more = _token(store, "alice", b"more")
    with pytest.raises(ZeroDivisionError), store.storage.atomic():
        store.users.set_password("alice", "new hash")
        store.users.remove("bob")
        store.users.add("carol", "hash", NOW)
        _token(store, "carol", b"new")
        store.tokens.revoke("alice", more.id)
        store.tokens.revoke_others("alice", None)
        raise ZeroDivisionError
    assert list(store.users.all()) == [alice, bob]
    assert list(store.tokens.newest("alice", 100)) == [tokens[0], more]
    assert list(store.tokens.newest("bob", 100)) == [tokens[1]]
    assert store.tokens.find(b"new") is None
