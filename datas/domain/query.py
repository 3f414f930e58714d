"""What a client may ask of the collection: which of it, how much, in which order, from where on."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from datas.domain.items import Item

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_SEARCH = 255


class Sort(NamedTuple):
    """An order of items: by one field, ties broken by id in the same direction.

    `data` is ordered by code point, whatever the store's language.
    """

    field: str = "id"
    descending: bool = False


BY_ID = Sort()
SORTS = tuple(
    Sort(field, descending)
    for field in ("id", "data", "date_created", "date_updated")
    for descending in (False, True)
)


class Filter(NamedTuple):
    """Which items are meant; None: whatever it is."""

    search: str | None = None  # a part of `data`, case folded
    created_from: datetime | None = None  # inclusive
    created_to: datetime | None = None  # exclusive
    owner: str | None = None


ALL = Filter()


class Position(NamedTuple):
    """A place in an order: just after this id, and after this value of the field that sorts."""

    id: int
    value: str | datetime | None = None


class Query(NamedTuple):
    """One page's worth of a question."""

    limit: int = DEFAULT_LIMIT
    sort: Sort = BY_ID
    after: Position | None = None
    filter: Filter = ALL


class Page(NamedTuple):
    """Items in order, where the next page starts (None: there is none), how many there are in all.

    The total is None unless it was asked for.
    """

    items: Sequence[Item]
    next: Position | None
    total: int | None = None


def search_faults(text: str) -> list[str]:
    """What is wrong with the part that is searched for, in words that follow its name."""
    faults = []
    if not 1 <= len(text) <= MAX_SEARCH:
        faults.append(f"must be 1 to {MAX_SEARCH} characters long.")
    if "\0" in text:
        faults.append("must not contain the NUL character (U+0000).")
    return faults


def position(item: Item, sort: Sort) -> Position:
    """The place just after an item."""
    return Position(item.id, None if sort.field == "id" else getattr(item, sort.field))
