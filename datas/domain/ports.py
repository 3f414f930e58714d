"""What the domain needs from outside. Each adapter in `datas/adapters/` implements one of these."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from datas.domain.credentials import Attempt, Purpose, Token, User
from datas.domain.items import Draft, Item
from datas.domain.query import Filter, Query


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """The present, aware and in UTC."""


class Storage(Protocol):
    """What all stores of one database share: the transaction."""

    def atomic(self) -> AbstractContextManager[None]:
        """A block whose changes happen together, or, if it raises, not at all."""


class Items(Protocol):
    """Where items are kept. It stores; rules, permissions and versions are the service's.

    Every method raises `StorageUnavailable` if the store can't do its work.
    """

    def add(self, data: str, now: datetime, owner: str | None = None) -> Item:
        """Store a new item at version 1 and return it. Its id was never used before.

        Raises: Unauthenticated, if the owner is a user no more.
        """

    def get(self, item_id: int) -> Item:
        """Return one item. Raises: ItemNotFound."""

    def find(self, query: Query) -> Sequence[Item]:
        """Return up to `query.limit` items that follow `query.after`, in the order asked for."""

    def count(self, which: Filter) -> int:
        """Return how many items there are."""

    def swap(self, item: Item, version: int) -> bool:
        """Store `item` in the place of its earlier self if that is still at `version`.

        One atomic compare-and-set. False: it is at another version, or gone.
        """

    def remove(self, item_id: int, version: int) -> bool:
        """Delete an item if it is still at `version`; as atomic as `swap`."""


class ItemBatches(Protocol):
    """What is done to many items at once. The same store as `Items`, and the same errors."""

    def add_many(self, drafts: Iterable[Draft], now: datetime, owner: str | None = None) -> int:
        """Store new items in this order, all or none; return how many they were.

        Raises: Unauthenticated, if the owner is a user no more.
        """

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        """Change the owner of all items of one user; return how many items changed.

        Raises: UserNotFound, if there is no such new owner.
        """


class Passwords(Protocol):
    """Hashing of passwords, slow on purpose."""

    def hash(self, password: str) -> str:
        """A new salted hash."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password has this hash. None takes as long, and is False."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""


class Users(Protocol):
    """Storage of users. Each method raises `StorageUnavailable` if the store can't work."""

    def add(self, username: str, password_hash: str, now: datetime) -> User:
        """Raises: UsernameTaken."""

    def get(self, username: str) -> User | None:
        """The user with this folded name."""

    def all(self) -> Sequence[User]:
        """All users by name."""

    def set_password(self, username: str, password_hash: str) -> None:
        """Replace the hash, whatever it was."""

    def swap_password(self, username: str, before: str, after: str) -> bool:
        """Replace the hash `before`: one atomic compare-and-set.

        False: the user has another hash, or does not exist.
        """

    def remove(self, username: str) -> None:
        """Delete a user, the user's tokens, and the answers stored for the user's retries.

        A later user of the same name gets none of them. Raises: UserOwnsItems.
        """


class Tokens(Protocol):
    """Storage of tokens. Each method raises `StorageUnavailable` if the store can't work."""

    def add(self, token: Token, digest: bytes) -> Token:
        """Store a token (its id is ignored) and return it with its id.

        Raises: Unauthenticated, if its user does not exist any more.
        """

    def find(self, digest: bytes) -> Token | None:
        """The token with this digest, also if it has expired."""

    def of(self, username: str) -> Sequence[Token]:
        """A user's tokens by id."""

    def revoke(self, username: str, token_id: int) -> bool:
        """Delete one token of a user. False: the user has no such token."""

    def revoke_others(self, username: str, token_id: int | None) -> None:
        """Delete all tokens of a user except this one."""

    def purge(self, username: str, expired: datetime) -> None:
        """Delete the tokens of a user that expire at `expired` or before."""


class Attempts(Protocol):
    """Storage of failed password attempts, shared by all workers.

    Each method raises `StorageUnavailable` if the store can't work.
    """

    def recent(
        self, username: str, purpose: Purpose, since: datetime, until: datetime, limit: int
    ) -> Sequence[Attempt]:
        """The newest attempts after `since` and up to `until`, newest first."""

    def add(self, attempt: Attempt) -> None:
        """Store one."""

    def clear(self, attempt: Attempt) -> None:
        """Delete the attempts with this attempt's username, purpose and address."""

    def clear_all(self, username: str) -> None:
        """Delete all attempts with a username."""

    def purge(self, before: datetime, after: datetime, limit: int) -> None:
        """Delete the oldest attempts before `before`, and attempts after `after`.

        At most `limit` of each.
        """
