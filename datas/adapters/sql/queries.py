"""Queries compiled once: Peewee builds the SQL at start, a request only binds parameters."""

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
