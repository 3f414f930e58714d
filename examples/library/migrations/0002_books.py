"""The table of books."""

import peewee

from datas.adapters.sql.fields import DateField, DecimalField, TextsField
from datas.adapters.sql.migrate import create_record_table, reference


def up(migrator, db):
    """Create the table."""
    fields = {
        "title": peewee.TextField(),
        "pages": peewee.IntegerField(null=True),
        "price": DecimalField(2, null=True),
        "isbn": peewee.TextField(null=True, unique=True),
        "status": peewee.TextField(),
        "published": DateField(null=True),
        "in_print": peewee.BooleanField(),
        "tags": TextsField(),
        "author_id": reference("authors", null=True),
    }
    create_record_table(db, "books", fields, ["title", "date_created", "date_updated"])
