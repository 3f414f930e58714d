"""What a client may ask of the collection: how much of it, in which order, from where on."""

from collections.abc import Sequence
from typing import NamedTuple

from datas.domain.items import Item

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class Sort(NamedTuple):
    """An order of items: by one field, ties broken by id in the same direction."""

    field: str = "id"
    descending: bool = False


BY_ID = Sort()
SORTS = (BY_ID, Sort(descending=True))


class Position(NamedTuple):
    """A place in an order: just after the item with this id."""

    id: int


class Query(NamedTuple):
    """One page's worth of a question."""

    limit: int = DEFAULT_LIMIT
    sort: Sort = BY_ID
    after: Position | None = None
    owner: str | None = None  # this user's items alone


class Page(NamedTuple):
    """Items in order, and where the next page starts (None: there is none)."""

    items: Sequence[Item]
    next: Position | None
