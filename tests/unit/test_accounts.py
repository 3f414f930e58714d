"""The use cases of users, over memory."""

from dataclasses import replace

import pytest

from datas.adapters.memory import MemoryRepository
from datas.adapters.memory_accounts import MemoryTokens, MemoryUsers
from datas.domain.access import ANONYMOUS, SYSTEM, Actor
from datas.domain.errors import (
    InvalidUser,
    RegistrationClosed,
    StorageUnavailable,
    Unauthenticated,
    UsernameTaken,
    UserNotFound,
    UserOwnsRecords,
    WrongCredentials,
)
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Query
from datas.domain.throttle import MAX_FROM_ONE_ADDRESS
from tests.unit.conftest import PASSWORD, PlainPasswords, World

NEW_PASSWORD = "battery staple"


def _tokens(world: World, username: str, count: int) -> list[tuple[Actor, str]]:
    """Actors with their secrets."""
    user = world.accounts().get_user(username)
    issued = [world.accounts().issue_token(user) for _ in range(count)]
    return [(Actor(username, token.id), secret) for token, secret in issued]


def test_a_name_is_stored_in_lower_case(plain_world: World) -> None:
    """It is found in any case."""
    bob = plain_world.accounts().register("Bob.B-1_", PASSWORD)
    assert bob.username == "bob.b-1_"
    assert bob.date_joined == plain_world.clock.time
    assert plain_world.accounts().get_user("BOB.b-1_") == bob
    assert [user.username for user in plain_world.accounts().list_users()] == ["alice", "bob.b-1_"]


@pytest.mark.parametrize("username", ["alice", "ALICE"])
def test_a_name_is_unique(plain_world: World, username: str) -> None:
    """A second registration changes nothing."""
    with pytest.raises(UsernameTaken):
        plain_world.accounts().register(username, NEW_PASSWORD)
    assert plain_world.accounts().get_user("alice").password_hash == PASSWORD


@pytest.mark.parametrize(
    "username",
    [
        "",
        "a",
        "a" * 33,
        "a b",
        "älice",
        "ali\u212ae",
        "alice\n",
        "a/b",
        "-h",
        "--",
        ".bob",
        "_bob",
        None,
        7,
    ],
)
def test_a_bad_name_is_refused(plain_world: World, username: str) -> None:
    """Two to 32 of a few ASCII characters. A letter that only folds to one of them is refused.

    A name begins with no sign: a command line would read it as an option.
    """
    with pytest.raises(InvalidUser) as caught:
        plain_world.accounts().register(username, PASSWORD)
    assert list(caught.value.errors) == ["username"]


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257, "\ud800" * 8, None, 12345678])
def test_a_bad_password_is_refused_everywhere(plain_world: World, password: str) -> None:
    """At registration and in both ways to change it. The old password stays."""
    accounts = plain_world.accounts()
    with pytest.raises(InvalidUser) as caught:
        accounts.register("bob", password)
    assert list(caught.value.errors) == ["password"]
    with pytest.raises(InvalidUser) as caught:
        accounts.set_password("alice", password)
    assert list(caught.value.errors) == ["password"]
    with pytest.raises(InvalidUser) as caught:
        plain_world.accounts().change_password(Actor("alice"), PASSWORD, password)
    assert list(caught.value.errors) == ["new_password"]
    assert [user.password_hash for user in accounts.list_users()] == [PASSWORD]


def test_a_bad_name_and_a_bad_password_are_reported_together(plain_world: World) -> None:
    """A client can correct both faults at once."""
    with pytest.raises(InvalidUser) as caught:
        plain_world.accounts().register("", "")
    assert list(caught.value.errors) == ["username", "password"]


def test_only_the_system_can_register_users_where_registration_is_closed(
    plain_world: World,
) -> None:
    """Without a token and with one, a client is refused."""
    for actor in (ANONYMOUS, Actor("alice", 1)):
        with pytest.raises(RegistrationClosed):
            plain_world.accounts().register("bob", PASSWORD, actor=actor)
    assert plain_world.accounts().register("bob", PASSWORD, actor=SYSTEM)
    opened = plain_world.accounts(registration_open=True)
    assert opened.register("carol", PASSWORD, actor=ANONYMOUS)


def test_me_is_the_user_of_the_token(plain_world: World) -> None:
    """Without a token, or after the user was removed, it is refused."""
    accounts = plain_world.accounts()
    assert accounts.me(Actor("alice", 1)) == accounts.get_user("alice")
    for nobody in (ANONYMOUS, SYSTEM, Actor("bob", 1)):
        with pytest.raises(Unauthenticated):
            accounts.me(nobody)


def test_a_changed_password_revokes_all_tokens_but_the_one_in_use(world: World) -> None:
    """The old password is wrong from then on, and the new one gets a token."""
    world.accounts().register("alice", PASSWORD)
    world.accounts().register("bob", PASSWORD)
    (_, lost), (in_use, kept), (_, lost_too) = _tokens(world, "alice", 3)
    [(_, his)] = _tokens(world, "bob", 1)
    world.accounts().change_password(in_use, PASSWORD, NEW_PASSWORD)
    accounts = world.accounts()
    assert accounts.authenticate(kept) == in_use
    assert accounts.authenticate(his)
    for secret in (lost, lost_too):
        with pytest.raises(Unauthenticated):
            accounts.authenticate(secret)
    with pytest.raises(WrongCredentials):
        accounts.sign_in("alice", PASSWORD, address="")
    assert accounts.sign_in("alice", NEW_PASSWORD, address="")


def test_a_change_needs_the_old_password(plain_world: World) -> None:
    """A token alone is not enough, and a failed change revokes nothing."""
    accounts = plain_world.accounts()
    (actor, _), (_, secret) = _tokens(plain_world, "alice", 2)
    with pytest.raises(WrongCredentials):
        plain_world.accounts().change_password(actor, "wrong password", NEW_PASSWORD)
    with pytest.raises(Unauthenticated):
        plain_world.accounts().change_password(ANONYMOUS, PASSWORD, NEW_PASSWORD)
    assert accounts.get_user("alice").password_hash == PASSWORD
    assert plain_world.accounts().authenticate(secret)


def test_a_password_set_by_the_system_revokes_every_token(plain_world: World) -> None:
    """The user may have lost the password to another person."""
    [(_, secret)] = _tokens(plain_world, "alice", 1)
    plain_world.accounts().set_password("Alice", NEW_PASSWORD)
    assert plain_world.accounts().get_user("alice").password_hash == NEW_PASSWORD
    with pytest.raises(Unauthenticated):
        plain_world.accounts().authenticate(secret)
    with pytest.raises(UserNotFound):
        plain_world.accounts().set_password("nobody", NEW_PASSWORD)


class _Unavailable(MemoryTokens):
    """A store that fails in the middle of something."""

    def revoke_others(self, username: str, token_id: int | None) -> None:
        raise StorageUnavailable


def test_a_password_is_set_and_tokens_are_revoked_or_neither(plain_world: World) -> None:
    """If revoking fails, the old password stays."""
    accounts = plain_world.accounts()
    accounts = replace(accounts, tokens=_Unavailable(plain_world.memory))
    with pytest.raises(StorageUnavailable):
        accounts.set_password("alice", NEW_PASSWORD)
    assert accounts.get_user("alice").password_hash == PASSWORD


def test_a_removed_user_gets_no_password(plain_world: World) -> None:
    """Also if the user is removed while the password is hashed."""

    class Removing(PlainPasswords):
        def hash(self, password: str) -> str:
            MemoryUsers(plain_world.memory).remove("alice")
            return password

    with pytest.raises(UserNotFound):
        replace(plain_world, passwords=Removing()).accounts().set_password("alice", NEW_PASSWORD)


def test_a_password_set_by_the_system_ends_a_wait(plain_world: World) -> None:
    """After too many attempts, the user can sign in at once, and change the password again."""
    accounts = plain_world.accounts()
    [(actor, _)] = _tokens(plain_world, "alice", 1)
    for _ in range(MAX_FROM_ONE_ADDRESS):
        with pytest.raises(WrongCredentials):
            accounts.sign_in("alice", "wrong password", address="")
        with pytest.raises(WrongCredentials):
            accounts.change_password(actor, "wrong password", NEW_PASSWORD)
    plain_world.accounts().set_password("alice", NEW_PASSWORD)
    token, _ = accounts.sign_in("alice", NEW_PASSWORD, address="")
    accounts.change_password(Actor("alice", token.id), NEW_PASSWORD, PASSWORD)


def test_removing_a_user_deletes_the_users_tokens(plain_world: World) -> None:
    """A second removal finds no user."""
    accounts = plain_world.accounts()
    [(_, secret)] = _tokens(plain_world, "alice", 1)
    assert accounts.remove_user("Alice") == 0
    with pytest.raises(UserNotFound):
        accounts.remove_user("alice")
    with pytest.raises(Unauthenticated):
        plain_world.accounts().authenticate(secret)


def test_a_user_with_items_is_not_removed(plain_world: World) -> None:
    """The items need a new owner, who must be another user."""
    accounts, items = plain_world.accounts(), MemoryRepository(plain_world.memory, ITEMS)
    item = items.add(ItemDraft("hers"), plain_world.clock.time, "alice")
    with pytest.raises(UserOwnsRecords):
        accounts.remove_user("alice")
    with pytest.raises(UserNotFound):
        accounts.remove_user("alice", new_owner="nobody")
    with pytest.raises(InvalidUser, match="another user"):
        accounts.remove_user("alice", new_owner="Alice")
    assert list(items.find(Query())) == [item]
    assert accounts.get_user("alice")


def test_a_removed_users_items_get_the_new_owner(plain_world: World) -> None:
    """Each is a change. The number of items is returned."""
    accounts, items = plain_world.accounts(), MemoryRepository(plain_world.memory, ITEMS)
    accounts.register("bob", PASSWORD)
    for data in ("one", "two"):
        items.add(ItemDraft(data), plain_world.clock.time, "alice")
    assert accounts.remove_user("alice", new_owner="BOB") == 2
    assert [(item.owner, item.version) for item in items.find(Query())] == [("bob", 2)] * 2
    with pytest.raises(UserNotFound):
        accounts.get_user("alice")
