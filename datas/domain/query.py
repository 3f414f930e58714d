"""What can be asked of a collection: which records, how many, in which order, from where on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from operator import eq, ge, lt
from typing import Any, Generic, NamedTuple

from datas.domain.characters import character_faults
from datas.domain.records import D, Record, value_of

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_SEARCH = 255


class Operator(StrEnum):
    """How a field is compared with a value. A field that is None meets no condition."""

    EQUAL = "="
    FROM = ">="
    BELOW = "<"
    CONTAINS = "contains"  # case folded


class Filter(NamedTuple):
    """What a list can be asked: a field, and how it is compared with the value that is given."""

    field: str
    operator: Operator = Operator.EQUAL


class Condition(NamedTuple):
    """A filter with its value. Records meet all conditions of a question."""

    field: str
    operator: Operator
    value: Any


Conditions = tuple[Condition, ...]


class Sort(NamedTuple):
    """An order of records: by one field; ties break by id, in the same direction.

    Text is ordered by code point, whatever the store's language.
    """

    field: str = "id"
    descending: bool = False


BY_ID = Sort()


class Position(NamedTuple):
    """A place in an order: after this id, and this value of the field that sorts (None: the id)."""

    id: int
    value: str | int | Decimal | date | datetime | None = None


class Query(NamedTuple):
    """One page's worth of a question."""

    limit: int = DEFAULT_LIMIT
    sort: Sort = BY_ID
    after: Position | None = None
    where: Conditions = ()


class Page(NamedTuple, Generic[D]):
    """Records in order; where the next page starts, if there is one; their total, if asked for."""

    records: Sequence[Record[D]]
    next: Position | None
    total: int | None = None


def search_key(text: str) -> str:
    """A text as searches compare it: in Unicode's full case folding."""
    return text.casefold()


_COMPARISONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: eq,
    Operator.FROM: ge,
    Operator.BELOW: lt,
    Operator.CONTAINS: lambda text, part: search_key(part) in search_key(text),
}


def meets(record: Record[Any], conditions: Conditions) -> bool:
    """Whether a record meets all conditions: what every store must answer."""
    for name, operator, wanted in conditions:
        value = value_of(record, name)
        if value is None or not _COMPARISONS[operator](value, wanted):
            return False
    return True


def search_faults(text: str) -> list[str]:
    """What is wrong with a text to search for."""
    fits = 1 <= len(text) <= MAX_SEARCH
    length = [] if fits else [f"must be 1 to {MAX_SEARCH} characters long."]
    return length + character_faults(text)


def position(record: Record[Any], sort: Sort) -> Position:
    """The place just after a record."""
    return Position(record.id, None if sort.field == "id" else value_of(record, sort.field))
