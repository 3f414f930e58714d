"""Users, tokens and sign-in attempts as values; the rules of names, passwords and labels."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from datas.domain.characters import character_faults, has_lone_surrogate
from datas.domain.errors import InvalidUser

MIN_USERNAME, MAX_USERNAME = 2, 32
MIN_PASSWORD, MAX_PASSWORD = 8, 256
MAX_LABEL = 64
# A name begins with no sign: a command line would read "-bob" as an option, and ".bob" is hidden.
USERNAME = f"[A-Za-z0-9][A-Za-z0-9._-]{{{MIN_USERNAME - 1},{MAX_USERNAME - 1}}}"
_USERNAME = re.compile(USERNAME, re.ASCII)


@dataclass(frozen=True, slots=True)
class User:
    """A person. `username` is unique, and in its folded form (see `fold`)."""

    id: int
    username: str
    date_joined: datetime
    password_hash: str = field(repr=False)


class Token(NamedTuple):
    """A secret that stands for a user until it expires or is revoked. Only its digest is stored."""

    id: int
    username: str
    label: str
    date_created: datetime
    date_expires: datetime


class Purpose(StrEnum):
    """What a password is tried for. Each purpose has a count of its own."""

    SIGN_IN = "sign-in"
    CHANGE_PASSWORD = "change-password"  # noqa: S105 (the name of a purpose)


class Attempt(NamedTuple):
    """One password attempt that has not succeeded (yet).

    `address` is what they are counted by: the client's address, or for a change of password the
    token, such as `token 7`.
    """

    username: str
    purpose: Purpose
    address: str
    date: datetime


# Each of these functions says what is wrong with a value, in words that follow the field's name.


def username_faults(username: object) -> list[str]:
    if not isinstance(username, str):
        return ["must be a string."]
    if not _USERNAME.fullmatch(username):
        allowed = "letters a to z, digits, dot, underscore, hyphen; first a letter or a digit."
        return [f"must be {MIN_USERNAME} to {MAX_USERNAME} characters long: {allowed}"]
    return []


def password_faults(password: object) -> list[str]:
    if not isinstance(password, str):
        return ["must be a string."]
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return [f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters long."]
    if has_lone_surrogate(password):
        return ["must not contain a lone surrogate (U+D800 to U+DFFF)."]
    return []


def label_faults(label: object) -> list[str]:
    if not isinstance(label, str):
        return ["must be a string."]
    if len(label) > MAX_LABEL:
        return [f"must be at most {MAX_LABEL} characters long."]
    return character_faults(label)


def check_fields(**faults: list[str]) -> None:
    """Raises: InvalidUser, with the faults of every field that has some."""
    found = {name: texts for name, texts in faults.items() if texts}
    if found:
        raise InvalidUser(found)


def fold(username: str) -> str:
    """The form of a username that is stored and compared: ASCII lower case."""
    return username.lower()
