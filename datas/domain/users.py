"""Users and their tokens, the rules of their names and passwords, and where they are kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from datas.domain.errors import InvalidUser

MIN_USERNAME, MAX_USERNAME = 2, 32
MIN_PASSWORD, MAX_PASSWORD = 8, 256
MAX_LABEL = 64
# The first is no sign, or a command line would take the name for an option, or hide a file.
USERNAME = f"[A-Za-z0-9][A-Za-z0-9._-]{{{MIN_USERNAME - 1},{MAX_USERNAME - 1}}}"
_USERNAME = re.compile(USERNAME, re.ASCII)


@dataclass(frozen=True, slots=True)
class User:
    """A person. The name is unique in its folded form, which is the one kept."""

    id: int
    username: str
    date_joined: datetime
    password_hash: str = field(repr=False)


class Token(NamedTuple):
    """A secret that stands for a user until it expires or is revoked; only its digest is kept."""

    id: int
    username: str
    label: str
    date_created: datetime
    date_expires: datetime


class Attempt(NamedTuple):
    """One try to sign in that didn't succeed (yet)."""

    username: str
    address: str
    date: datetime


def username_faults(username: object) -> list[str]:
    """What is wrong with a username, in words that follow its name."""
    if not isinstance(username, str):
        return ["must be a string."]
    if not _USERNAME.fullmatch(username):
        allowed = "letters a to z, digits, dot, underscore, hyphen; first a letter or a digit."
        return [f"must be {MIN_USERNAME} to {MAX_USERNAME} characters long: {allowed}"]
    return []


def password_faults(password: object) -> list[str]:
    """What is wrong with a password, in words that follow its name."""
    if not isinstance(password, str):
        return ["must be a string."]
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return [f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters long."]
    if any("\ud800" <= character <= "\udfff" for character in password):
        return ["must not contain a lone surrogate (U+D800 to U+DFFF)."]
    return []


def label_faults(label: object) -> list[str]:
    """What is wrong with a token's label, in words that follow its name."""
    if not isinstance(label, str):
        return ["must be a string."]
    if len(label) > MAX_LABEL:
        return [f"must be at most {MAX_LABEL} characters long."]
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in label):
        return ["must contain neither the NUL character nor a lone surrogate."]
    return []


def check_fields(**faults: list[str]) -> None:
    """Raises: InvalidUser, with the faults of all fields that have some."""
    found = {name: texts for name, texts in faults.items() if texts}
    if found:
        raise InvalidUser(found)


def fold(username: str) -> str:
    """The form of a username that is kept and compared."""
    return username.lower()


def change_of(username: str) -> str:
    """As whose a user's tries to change their password count: nobody's name has a space.

    Else a stranger who guesses at the sign-in would keep them from it.
    """
    return f"{username} (change)"


class Passwords(Protocol):
    """How passwords are kept. Hashing is slow on purpose."""

    def hash(self, password: str) -> str:
        """A new salted hash."""

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is this password's. None takes the same time, and is nobody's."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether today's parameters differ from those of the hash."""


class Users(Protocol):
    """Where users are kept. Each method raises `StorageUnavailable` if the store can't work."""

    def add(self, username: str, password_hash: str, now: datetime) -> User:
        """Store a user. Raises: UsernameTaken."""

    def get(self, username: str) -> User | None:
        """Return a user, or None."""

    def all(self) -> Sequence[User]:
        """Return all users by name."""

    def set_password(self, username: str, password_hash: str) -> None:
        """Store another hash."""

    def swap_password(self, username: str, before: str, after: str) -> bool:
        """Store a hash in the place of this one: one atomic compare-and-set.

        False: there is another hash, or no such user.
        """

    def remove(self, username: str) -> None:
        """Delete a user, their tokens, and the answers kept for their retries.

        Whoever takes the name later gets none of them. Raises: UserOwnsItems.
        """


class Tokens(Protocol):
    """Where tokens are kept. Each method raises `StorageUnavailable` if the store can't work."""

    def add(self, token: Token, digest: bytes) -> Token:
        """Store a token (its id is ignored) and return it with its id.

        Raises: Unauthenticated, if its user is one no more.
        """

    def find(self, digest: bytes) -> Token | None:
        """Return the token with this digest, expired or not."""

    def of(self, username: str) -> Sequence[Token]:
        """Return a user's tokens by id."""

    def revoke(self, username: str, token_id: int) -> bool:
        """Delete one token of a user. False: there is none."""

    def revoke_others(self, username: str, token_id: int | None) -> None:
        """Delete all tokens of a user but this one."""

    def purge(self, username: str, expired: datetime) -> None:
        """Delete the tokens of a user that expire at `expired` or before."""


class Attempts(Protocol):
    """Where tries to sign in are counted, for all workers."""

    def recent(
        self, username: str, since: datetime, until: datetime, limit: int
    ) -> Sequence[Attempt]:
        """Return the newest tries after `since` and up to `until`, newest first."""

    def add(self, attempt: Attempt) -> None:
        """Store one."""

    def clear(self, username: str, address: str | None = None) -> None:
        """Delete those of a username, from one address or from anywhere."""

    def purge(self, before: datetime, after: datetime, limit: int) -> None:
        """Delete up to `limit` of those before a moment, the oldest first, and after another."""
