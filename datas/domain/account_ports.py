"""What users and tokens need from outside: where they are kept, and how passwords are hashed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from datas.domain.credentials import Attempt, Purpose, Token, User


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
        """Replace the hash `before`, atomically. False: it is another, or the user is gone."""

    def remove(self, username: str) -> None:
        """Delete a user, the user's tokens, and the answers stored for the user's retries.

        A later user of the same name gets none of them. Raises: UserOwnsRecords.
        """


class Tokens(Protocol):
    """Storage of tokens. Each method raises `StorageUnavailable` if the store can't work."""

    def add(self, token: Token, digest: bytes) -> Token:
        """Store a token; return it with its id. Raises: Unauthenticated, if the user is gone."""

    def find(self, digest: bytes) -> Token | None:
        """The token with this digest, also if it has expired."""

    def get(self, username: str, token_id: int) -> Token | None:
        """One token of a user, also if it has expired."""

    def newest(self, username: str, limit: int) -> Sequence[Token]:
        """A user's newest tokens, by id."""

    def keep_newest(self, username: str, limit: int) -> None:
        """Delete a user's tokens except the newest."""

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
        """Delete the oldest attempts before `before`, and those after `after`: `limit` of each."""
