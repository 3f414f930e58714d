"""The table of authors."""

import peewee

from datas.adapters.sql.migrate import create_record_table


def up(migrator, db):
    """Create the table."""
    fields = {"name": peewee.TextField(), "born": peewee.IntegerField(null=True)}
    create_record_table(db, "authors", fields, ["name", "date_created", "date_updated"])
