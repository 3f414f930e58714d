"""The table of items.

`IdField` makes the database remember the highest id ever given: an id is never used again, so that
an old ETag can't come to fit a new item.
"""

import peewee

from datas.adapters.sql.fields import IdField


def up(migrator, db):
    class Datas(peewee.Model):
        id = IdField()
        data = peewee.TextField()
        date_created = peewee.DateTimeField()
        date_updated = peewee.DateTimeField()
        version = peewee.IntegerField()

        class Meta:
            database = db
            table_name = "datas"

    db.create_tables([Datas], safe=False)
