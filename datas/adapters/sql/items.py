"""Items in the table `datas`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import Statement, parameter
from datas.adapters.sql.tables import ItemRow, UserRow
from datas.domain.errors import ItemNotFound, Unauthenticated, UserNotFound
from datas.domain.items import Draft, Item, search_key
from datas.domain.query import Filter, Query, Sort

_COLUMNS = (
    ItemRow.id,
    ItemRow.data,
    ItemRow.date_created,
    ItemRow.date_updated,
    ItemRow.version,
    ItemRow.owner,
)
_WRITTEN = (*_COLUMNS[1:], ItemRow.search_key)
# Which filters a list has; with them the SQL differs, and not with their values.
Given = tuple[bool, ...]

_to_text = ItemRow.date_created.db_value
_to_time = ItemRow.date_created.python_value


class SqlItems:
    """The `Items` and `ItemBatches` ports over one database."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        self._param = parameter(database.peewee)
        self._add = self._compile(
            ItemRow.insert(dict.fromkeys(_WRITTEN, self._param)).returning(ItemRow.id)
        )
        self._get = self._compile(ItemRow.select(*_COLUMNS).where(ItemRow.id == self._param))
        self._swap = self._compile(
            ItemRow.update(
                {
                    ItemRow.data: self._param,
                    ItemRow.date_updated: self._param,
                    ItemRow.version: self._param,
                    ItemRow.search_key: self._param,
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
        self._hold = self._compile(
            database.engine.locking(
                UserRow.select(UserRow.id).where(UserRow.username == self._param)
            )
        )
        later = [(ItemRow.date_updated > self._param, ItemRow.date_updated)]
        self._reassign = self._compile(
            ItemRow.update(
                {
                    ItemRow.date_updated: peewee.Case(None, later, self._param),
                    ItemRow.version: ItemRow.version + peewee.SQL("1"),
                    ItemRow.owner: self._param,
                }
            )
            .where(ItemRow.owner == self._param)
            .returning(ItemRow.id)
        )
        self._add_many = self._compile(ItemRow.insert(dict.fromkeys(_WRITTEN, self._param)))
        # Compiled at its first use, one for each shape: an order, from its start or from a place in
        # it, and which filters there are.
        self._lists: dict[tuple[object, ...], Statement] = {}

    def add(self, data: str, now: datetime, owner: str | None = None) -> Item:
        """Insert a row."""
        row = _new_row(Draft(data), _to_text(now), owner)
        try:
            [(item_id,)] = self._database.write(self._add, *row)
        except self._database.integrity_error:
            # The one constraint is that the owner exists.
            raise Unauthenticated(no_user=owner) from None
        return Item(item_id, data, now, now, 1, owner)

    def get(self, item_id: int) -> Item:
        """Select a row by its key, or raise ItemNotFound."""
        rows = self._database.read(self._get, item_id)
        if not rows:
            raise ItemNotFound(item_id)
        return _item(*rows[0])

    def find(self, query: Query) -> Sequence[Item]:
        """Select by key from a place on (never by OFFSET): page 10,000 costs what page 1 costs."""
        filters = _filters(query.filter)
        given = _given(filters)
        shape = (query.sort, query.after is None, *given)
        statement = self._shaped(shape, partial(self._list, query, given))
        values: list[object] = [value for value in filters if value is not None]
        if query.after is not None:
            item_id, value = query.after
            values += [item_id] if value is None else [_bound(value), item_id]
        return [_item(*row) for row in self._database.read(statement, *values, query.limit)]

    def count(self, which: Filter) -> int:
        """SELECT COUNT(*) WHERE …"""
        filters = _filters(which)
        given = _given(filters)
        statement = self._shaped(("count", *given), partial(self._count, given))
        values = (value for value in filters if value is not None)
        [(count,)] = self._database.read(statement, *values)
        return int(count)

    def swap(self, item: Item, version: int) -> bool:
        """UPDATE … WHERE id = ? AND version = ?"""
        time, key = _to_text(item.date_updated), search_key(item.data)
        values = (item.data, time, item.version, key, item.id, version)
        return bool(self._database.write(self._swap, *values))

    def remove(self, item_id: int, version: int) -> bool:
        """DELETE … WHERE id = ? AND version = ?"""
        return bool(self._database.write(self._remove, item_id, version))

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        """UPDATE … SET version = version + 1 WHERE owner = ?

        To the end of the transaction the owner gets no new ones, so that they may be removed in it.
        """
        try:
            with self._database.atomic():
                self._database.read(self._hold, owner)
                time = _to_text(now)
                return len(self._database.write(self._reassign, time, time, new_owner, owner))
        except self._database.integrity_error:
            raise UserNotFound(new_owner) from None

    def add_many(self, drafts: Iterable[Draft], now: datetime, owner: str | None = None) -> int:
        """Insert rows."""
        time = _to_text(now)
        rows = (_new_row(draft, time, owner) for draft in drafts)
        try:
            return self._database.write_many(self._add_many, rows)
        except self._database.integrity_error:
            raise Unauthenticated(no_user=owner) from None

    def _shaped(self, shape: tuple[object, ...], build: Callable[[], peewee.Query]) -> Statement:
        statement = self._lists.get(shape)
        if statement is None:
            statement = self._lists[shape] = self._compile(build())
        return statement

    def _list(self, query: Query, given: Given) -> peewee.Query:
        """One shape of a list; its parameters are the filters, the place and the limit."""
        field: peewee.Field = getattr(ItemRow, query.sort.field)
        column: Any = field
        created: Any = ItemRow.date_created
        if _reads_all(query.sort, given):
            # The table is read in its own order, and what is found is sorted. Walking an index and
            # looking each row up took ten times as long; an expression has no index.
            column, created = (
                peewee.Expression(each, "||", peewee.SQL("''")) for each in (field, created)
            )
        key = [ItemRow.id] if field is ItemRow.id else [column, ItemRow.id]
        selected = self._chosen(ItemRow.select(*_COLUMNS), given, created)
        if query.after is not None:
            row, place = peewee.Tuple(*key), peewee.Tuple(*[self._param] * len(key))
            selected = selected.where(row < place if query.sort.descending else row > place)
        order = [part.desc() for part in key] if query.sort.descending else key
        return selected.order_by(*order).limit(self._param)

    def _count(self, given: Given) -> peewee.Query:
        query = ItemRow.select(peewee.fn.COUNT(peewee.SQL("*")))
        return self._chosen(query, given, ItemRow.date_created)

    def _chosen(self, query: peewee.Query, given: Given, created: Any) -> peewee.Query:
        """Of what the query selects, the items that are meant."""
        position = getattr(peewee.fn, self._database.engine.position)
        conditions = (
            ItemRow.owner == self._param,
            position(ItemRow.search_key, self._param) > peewee.SQL("0"),
            created >= self._param,
            created < self._param,
        )
        for condition, is_given in zip(conditions, given, strict=True):
            query = query.where(condition) if is_given else query
        return query

    def _compile(self, query: peewee.Query) -> Statement:
        return Statement(self._database.peewee, query)


def _new_row(draft: Draft, time: str, owner: str | None) -> tuple[object, ...]:
    """The values of `_WRITTEN`, in their order."""
    return (draft.data, time, time, 1, owner, search_key(draft.data))


def _item(  # noqa: PLR0913, PLR0917 (a row)
    item_id: int, data: str, created: str, updated: str, version: int, owner: str | None
) -> Item:
    first = _to_time(created)
    # Most items were never changed: reading one time takes a quarter of what an item takes.
    last = first if updated == created else _to_time(updated)
    return Item(item_id, data, first, last, version, owner)


def _reads_all(sort: Sort, given: Given) -> bool:
    """Whether no index has both what is searched for and the order."""
    _, search, since, until = given
    return search or ((since or until) and sort.field != "date_created")


def _filters(which: Filter) -> tuple[str | None, ...]:
    """What is bound for each condition, in their order."""
    moments = (which.created_from, which.created_to)
    return (
        which.owner,
        None if which.search is None else search_key(which.search),
        *(None if moment is None else _to_text(moment) for moment in moments),
    )


def _given(filters: tuple[str | None, ...]) -> Given:
    return tuple(value is not None for value in filters)


def _bound(value: str | datetime) -> str:
    return value if isinstance(value, str) else _to_text(value)
