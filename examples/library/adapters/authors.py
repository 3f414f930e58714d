"""The table of authors."""

import peewee

from datas.adapters.sql.tables import RecordRow


class AuthorRow(RecordRow):
    """One author."""

    name = peewee.TextField()
    born = peewee.IntegerField(null=True)

    class Meta:
        table_name = "authors"
