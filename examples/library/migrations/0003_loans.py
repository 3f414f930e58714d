"""The table of loans: one row for each book that is out."""

import peewee

from datas.adapters.sql.fields import MomentField


def up(migrator, db):
    """Create the table. A book that is out can't be deleted."""

    class Loans(peewee.Model):
        book_id = peewee.BigIntegerField(
            primary_key=True, constraints=[peewee.SQL('REFERENCES "books" ("id")')]
        )
        date_lent = MomentField()
        lent_by = peewee.TextField(null=True)

        class Meta:
            database = db
            table_name = "loans"

    db.create_tables([Loans], safe=False)
