"""Items: everything that the domain needs to know about the records of `datas`."""

from typing import NamedTuple

from datas.domain.records import Collection
from datas.domain.rules import text


class ItemDraft(NamedTuple):
    """What a client writes of an item."""

    data: str


ITEMS = Collection(
    name="item",
    plural="items",
    path="datas",
    draft=ItemDraft,
    rules={"data": text(1, 255)},
    sorts=("id", "data", "date_created", "date_updated"),
    search="data",
)
