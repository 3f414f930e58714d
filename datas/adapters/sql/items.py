"""Items in the table `datas`."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import Statement, parameter
from datas.adapters.sql.tables import ItemRow
from datas.domain.errors import ItemNotFound, Unauthenticated
from datas.domain.items import Item
from datas.domain.query import SORTS, Query, Sort

_COLUMNS = (
    ItemRow.id,
    ItemRow.data,
    ItemRow.date_created,
    ItemRow.date_updated,
    ItemRow.version,
    ItemRow.owner,
)
_to_text = ItemRow.date_created.db_value
_to_time = ItemRow.date_created.python_value


class SqlItems:
    """The `Items` port over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._param = parameter(database.peewee)
        self._add = self._compile(
            ItemRow.insert(dict.fromkeys(_COLUMNS[1:], self._param)).returning(ItemRow.id)
        )
        self._get = self._compile(ItemRow.select(*_COLUMNS).where(ItemRow.id == self._param))
        self._swap = self._compile(
            ItemRow.update(
                {
                    ItemRow.data: self._param,
                    ItemRow.date_updated: self._param,
                    ItemRow.version: self._param,
                }
            )
            .where((ItemRow.id == self._param) & (ItemRow.version == self._param))
            .returning(ItemRow.id)
        )
        self._remove = self._compile(
            ItemRow.delete()
            .where((ItemRow.id == self._param) & (ItemRow.version == self._param))
            .returning(ItemRow.id)
        )
        self._give = self._compile(
            ItemRow.update(
                {
                    ItemRow.date_updated: self._param,
                    ItemRow.version: ItemRow.version + peewee.SQL("1"),
                    ItemRow.owner: self._param,
                }
            )
            .where(ItemRow.owner == self._param)
            .returning(ItemRow.id)
        )
        # A list has one statement for each shape: an order, from its start or from a place in it,
        # everybody's items or one user's.
        self._find = {
            (sort, from_start, owned): self._compile(
                self._list(sort, from_start=from_start, owned=owned)
            )
            for sort, from_start, owned in product(SORTS, (True, False), (True, False))
        }

    def add(self, data: str, now: datetime, owner: str | None = None) -> Item:
        """Insert a row."""
        time = _to_text(now)
        try:
            [(item_id,)] = self._database.write(self._add, data, time, time, 1, owner)
        except self._database.integrity_error:
            # The one constraint is that the owner exists: they were removed a moment ago.
            raise Unauthenticated(bad_token=True) from None
        return Item(item_id, data, now, now, 1, owner)

    def get(self, item_id: int) -> Item:
        """Select a row by its key, or raise ItemNotFound."""
        rows = self._database.read(self._get, item_id)
        if not rows:
            raise ItemNotFound(item_id)
        return _item(*rows[0])

    def find(self, query: Query) -> Sequence[Item]:
        """Select by key from a place on (never by OFFSET): page 10,000 costs what page 1 costs."""
        statement = self._find[query.sort, query.after is None, query.owner is not None]
        values: list[object] = [] if query.owner is None else [query.owner]
        if query.after is not None:
            values.append(query.after.id)
        return [_item(*row) for row in self._database.read(statement, *values, query.limit)]

    def swap(self, item: Item, version: int) -> bool:
        """UPDATE … WHERE id = ? AND version = ?"""
        values = (item.data, _to_text(item.date_updated), item.version, item.id, version)
        return bool(self._database.write(self._swap, *values))

    def remove(self, item_id: int, version: int) -> bool:
        """DELETE … WHERE id = ? AND version = ?"""
        return bool(self._database.write(self._remove, item_id, version))

    def give(self, owner: str, heir: str, now: datetime) -> int:
        """UPDATE … SET version = version + 1 WHERE owner = ?"""
        return len(self._database.write(self._give, _to_text(now), heir, owner))

    def _list(self, sort: Sort, *, from_start: bool, owned: bool) -> peewee.Query:
        place = ItemRow.id < self._param if sort.descending else ItemRow.id > self._param
        query = ItemRow.select(*_COLUMNS).limit(self._param)
        query = query.order_by(ItemRow.id.desc() if sort.descending else ItemRow.id)
        query = query.where(ItemRow.owner == self._param) if owned else query
        return query if from_start else query.where(place)

    def _compile(self, query: peewee.Query) -> Statement:
        return Statement(self._database.peewee, query)


def _item(  # noqa: PLR0913, PLR0917 (a row)
    item_id: int, data: str, created: str, updated: str, version: int, owner: str | None
) -> Item:
    return Item(item_id, data, _to_time(created), _to_time(updated), version, owner)
