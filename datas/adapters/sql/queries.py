"""Peewee's queries as SQL."""

import peewee


class Statement:
    """A Peewee query as SQL text. Building one takes about 90 µs, running its SQL about 3 µs.

    Where a value is to be bound later the query has `parameter(database)`; values are bound in
    the order in which these stand in the SQL.
    """

    def __init__(self, database: peewee.Database, query: peewee.Node) -> None:
        self.sql, bound = database.get_sql_context().sql(query).query()
        if bound:
            raise ValueError(f"a compiled statement can't keep values: {self.sql} {bound}")


def parameter(database: peewee.Database) -> peewee.SQL:
    """The place of a value that is bound later (`?` or `%s`)."""
    return peewee.SQL(database.param)


def bound(database: peewee.Database, query: peewee.Query) -> tuple["Statement", list[object]]:
    """A query as SQL, and the values in it: for one use."""
    sql, values = database.get_sql_context().sql(query).query()
    return Statement(database, peewee.SQL(sql)), values
