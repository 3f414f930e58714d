"""The item, and the rules that its data must keep."""

from datetime import datetime
from typing import NamedTuple

from datas.domain.errors import InvalidItem

MIN_LENGTH = 1
MAX_LENGTH = 255

# Unicode's White_Space property, spelled out: `str.isspace` and the `\s` of regular expressions
# disagree with it and with one another.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Item(NamedTuple):
    """One row of datas, as it was at one moment. Times are aware and in UTC."""

    id: int
    data: str
    date_created: datetime
    date_updated: datetime
    version: int
    owner: str | None = None


class Draft(NamedTuple):
    """What of an item its writer chooses; the rest is the service's and the store's."""

    data: str


def data_faults(data: object) -> list[str]:
    """What is wrong with `data`, in words that follow its name; an empty list if nothing is."""
    if not isinstance(data, str):
        return ["must be a string."]
    faults = []
    if not MIN_LENGTH <= len(data) <= MAX_LENGTH:
        faults.append(f"must be {MIN_LENGTH} to {MAX_LENGTH} characters long.")
    elif not data.strip(WHITE_SPACE):
        faults.append("must have a character that is not white space.")
    return faults + character_faults(data)


def character_faults(text: str) -> list[str]:
    """Which characters it has that no database could keep; in the same words."""
    faults = []
    if "\0" in text:
        faults.append("must not contain the NUL character (U+0000).")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        faults.append("must not contain a lone surrogate (U+D800 to U+DFFF).")
    return faults


def check_data(data: str) -> None:
    """Raises: InvalidItem, if `data` breaks a rule."""
    if faults := data_faults(data):
        raise InvalidItem({"data": faults})


def search_key(text: str) -> str:
    """What of a text counts in a search: case doesn't (Unicode's full case folding)."""
    return text.casefold()
