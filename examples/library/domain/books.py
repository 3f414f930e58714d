"""Books: everything that the domain needs to know about them."""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from datas.domain import rules
from datas.domain.records import Collection


class Status(StrEnum):
    """Where a book stands."""

    ON_SHELF = "on-shelf"
    IN_REPAIR = "in-repair"
    REFERENCE = "reference"  # to be read here only


class BookDraft(NamedTuple):
    """What a client writes of a book."""

    title: str
    pages: int | None = None
    price: Decimal | None = None
    isbn: str | None = None
    status: str = Status.ON_SHELF
    published: date | None = None
    in_print: bool = True
    tags: tuple[str, ...] = ()
    author_id: int | None = None


def isbn_faults(isbn: object) -> list[str]:
    """What is wrong with an ISBN-13: its digits, weighted 1 and 3 in turn, add up to tens."""
    if not isinstance(isbn, str) or not re.fullmatch("97[89][0-9]{10}", isbn, re.ASCII):
        return ["must be the 13 digits of an ISBN, such as 9780441478125."]
    total = sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(isbn))
    return [] if total % 10 == 0 else ["has a digit that is wrong: its check digit differs."]


BOOKS = Collection(
    name="book",
    plural="books",
    draft=BookDraft,
    rules={
        "title": rules.text(1, 200),
        "pages": rules.optional(rules.integer(1, 100_000)),
        "price": rules.optional(rules.decimal(2, 0, "99999.99")),
        "isbn": rules.optional(isbn_faults),
        "status": rules.choice(Status),
        "published": rules.optional(rules.calendar_date()),
        "in_print": rules.boolean(),
        "tags": rules.texts(rules.text(1, 30), 10),
        "author_id": rules.optional(rules.reference()),
    },
    sorts=("id", "title", "date_created", "date_updated"),
    search="title",
    unique=("isbn",),
    references={"author_id": "authors"},
)
