"""Authors: who wrote the books."""

from typing import NamedTuple

from datas.domain.records import Collection
from datas.domain.rules import integer, optional, text


class AuthorDraft(NamedTuple):
    """What a client writes of an author."""

    name: str
    born: int | None = None  # the year


AUTHORS = Collection(
    name="author",
    plural="authors",
    draft=AuthorDraft,
    rules={"name": text(1, 200), "born": optional(integer(-3000, 3000))},
    sorts=("id", "name", "date_created", "date_updated"),
    search="name",
)
