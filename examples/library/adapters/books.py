"""The table of books."""

import peewee

from datas.adapters.sql.fields import DateField, DecimalField, TextsField
from datas.adapters.sql.tables import RecordRow


class BookRow(RecordRow):
    """One book."""

    title = peewee.TextField()
    pages = peewee.IntegerField(null=True)
    price = DecimalField(2, null=True)
    isbn = peewee.TextField(null=True)
    status = peewee.TextField()
    published = DateField(null=True)
    in_print = peewee.BooleanField()
    tags = TextsField()
    author_id = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "books"
