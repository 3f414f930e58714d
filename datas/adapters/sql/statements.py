"""The SQL of one collection, compiled once; a request only binds values.

Peewee takes about 90 µs to build a statement, and running it takes about 3 µs.
"""

from collections.abc import Callable, Iterable
from operator import ge, lt
from typing import Any

import peewee

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import compiled, parameter
from datas.adapters.sql.tables import RecordRow, Table, UserRow
from datas.domain.query import Conditions, Operator, Query, Sort, search_key
from datas.domain.records import ENVELOPE

# What is bound for one condition, and in which order, depends on fields and operators alone.
Shape = tuple[object, ...]

_RANGES = {Operator.FROM: ge, Operator.BELOW: lt}


class Statements:
    """The statements over one table. Lists are compiled at their first use, one for each shape."""

    def __init__(self, database: SqlDatabase, table: Table) -> None:
        self._database = database
        self._row: type[RecordRow] = table.row
        self._param = parameter(database.peewee)
        self._compiled: dict[Shape, str] = {}
        row, param = self._row, self._param
        fields = self._named(table.collection.fields)
        envelope = self._named(ENVELOPE)
        self._selected = [*envelope, *fields]
        this = (row.id == param) & (row.version == param)
        written = [*envelope[1:], row.search_key, *fields]
        new = row.insert_many([[param] * len(written)], fields=written)
        # Peewee sets columns in the order of the model, which is that of the draft: see comparison.
        changed = [row.date_updated, row.version, row.search_key, *fields]
        self.add_many = self.compile(new)
        self.add = self.compile(new.returning(row.id))
        self.get = self.compile(row.select(*self._selected).where(row.id == param))
        swapped = row.update(dict.fromkeys(changed, param)).where(this)
        self.swap = self.compile(swapped.returning(row.id))
        self.remove = self.compile(row.delete().where(this).returning(row.id))
        later = [(row.date_updated > param, row.date_updated)]
        reassigned = {
            row.date_updated: peewee.Case(None, later, param),
            row.version: row.version + peewee.SQL("1"),
            row.owner: param,
        }
        of_owner = row.update(reassigned).where(row.owner == param)
        self.reassign = self.compile(of_owner.returning(row.id))
        users = UserRow.select(UserRow.id).where(UserRow.username == param)
        self.lock_owner = self.compile(database.engine.locking(users))

    def compile(self, query: peewee.Node) -> str:
        return compiled(self._database.peewee, query)

    def find(self, query: Query) -> tuple[str, list[object]]:
        """SELECT the page after a place, by key and never by OFFSET; and the values to bind."""
        shape = ("find", query.sort, query.after is None, *_shape(query.where))
        values = [*self._values(query.where), *self._place(query), query.limit]
        return self._once(shape, lambda: self._page(query)), values

    def scan(self, query: Query) -> tuple[str, list[object]]:
        """SELECT what is found among the next rows, and the last of these; and the values to bind.

        The LIMIT is inside: it leads both databases along the index of the order, and the cost of
        a step does not depend on how much is found. The last column says whether a row is found.
        """
        own = tuple(each for each in query.where if each.field == "owner")
        rest = tuple(each for each in query.where if each.field != "owner")
        shape = ("scan", query.sort, query.after is None, *_shape(own), "found", *_shape(rest))
        values = [*self._values(rest), *self._values(own), *self._place(query), query.limit]
        return self._once(shape, lambda: self._step(query, own, rest)), values

    def count(self, where: Conditions) -> tuple[str, list[object]]:
        """SELECT COUNT(*); and the values to bind."""
        statement = self._once(("count", *_shape(where)), lambda: self._counted(where))
        return statement, self._values(where)

    def _once(self, shape: Shape, build: Callable[[], peewee.Node]) -> str:
        if shape not in self._compiled:
            self._compiled[shape] = self.compile(build())
        return self._compiled[shape]

    def _counted(self, where: Conditions) -> peewee.Query:
        counted = self._row.select(peewee.fn.COUNT(peewee.SQL("*")))
        return counted.where(*self._conditions(where)) if where else counted

    def _page(self, query: Query) -> peewee.Query:
        key = self._key(query.sort)
        reads_all = _reads_all(query)
        if reads_all:
            # The table is read in its own order, and what is found is sorted. To walk an index and
            # look each row up took ten times as long; an expression has no index.
            key = [part if part.name == "id" else _no_index(part) for part in key]
        chosen = self._row.select(*self._selected)
        conditions = self._conditions(query.where, has_index=not reads_all)
        return self._after(chosen, query, key, conditions).limit(self._param)

    def _step(self, query: Query, own: Conditions, rest: Conditions) -> peewee.Node:
        key = self._key(query.sort)
        found: Any = peewee.SQL("(1 = 1)")
        if rest:
            found = peewee.NodeList(self._conditions(rest), " AND ", parens=True)
        chosen = self._row.select(*self._selected, found.alias("_found"))
        inner = self._after(chosen, query, key, self._conditions(own)).limit(self._param)
        names = ", ".join(f'"{each.column_name}"' for each in self._selected)
        ways = (" DESC", "") if query.sort.descending else ("", " DESC")
        order, backwards = (", ".join(f'"{each.column_name}"{way}' for each in key) for way in ways)
        return peewee.SQL(
            f"WITH step AS MATERIALIZED ({self.compile(inner)}) "  # noqa: S608 (no values)
            f'SELECT {names}, "_found" FROM step WHERE "_found" '
            f"OR id = (SELECT id FROM step ORDER BY {backwards} LIMIT 1) ORDER BY {order}"
        )

    def _after(
        self, chosen: peewee.Query, query: Query, key: list[Any], conditions: list[Any]
    ) -> peewee.Query:
        if conditions:
            chosen = chosen.where(*conditions)
        descending = query.sort.descending
        if query.after is not None:
            row, place = peewee.Tuple(*key), peewee.Tuple(*[self._param] * len(key))
            chosen = chosen.where(row < place if descending else row > place)
        return chosen.order_by(*(part.desc() if descending else part for part in key))

    def _key(self, sort: Sort) -> list[Any]:
        return self._named(dict.fromkeys((sort.field, "id")))

    def _named(self, names: Iterable[str]) -> list[Any]:
        return [getattr(self._row, name) for name in names]

    def _conditions(self, where: Conditions, *, has_index: bool = True) -> list[Any]:
        param = self._param
        position = getattr(peewee.fn, self._database.engine.position)
        conditions = []
        for name, operator, _ in where:
            column: Any = getattr(self._row, name)
            if operator is Operator.CONTAINS:
                conditions.append(position(self._row.search_key, param) > peewee.SQL("0"))
            elif operator in _RANGES:
                bounded = column if has_index else _no_index(column)
                conditions.append(_RANGES[operator](bounded, param))
            else:
                conditions.append(column == param)
        return conditions

    def _values(self, where: Conditions) -> list[object]:
        return [
            search_key(value)
            if operator is Operator.CONTAINS
            else getattr(self._row, name).db_value(value)
            for name, operator, value in where
        ]

    def _place(self, query: Query) -> list[object]:
        if query.after is None:
            return []
        record_id, value = query.after
        if value is None:
            return [record_id]
        return [getattr(self._row, query.sort.field).db_value(value), record_id]


def _shape(where: Conditions) -> list[tuple[str, Operator]]:
    return [(name, operator) for name, operator, _ in where]


def _reads_all(query: Query) -> bool:
    """Whether no index has both what is searched for and the order."""
    return any(
        operator is Operator.CONTAINS or (operator in _RANGES and name != query.sort.field)
        for name, operator, _ in query.where
    )


def _no_index(field: Any) -> Any:
    return peewee.fn.COALESCE(field, field)
