"""The tables as they are now. `migrations/` says how they came about."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import peewee

from datas.adapters.sql.fields import MomentField
from datas.domain.records import Collection


class RecordRow(peewee.Model):
    """What each table of records has. A table adds a column for each field of its draft, in order.

    `search_key` holds the text that a search looks through, or is empty.
    """

    id = peewee.AutoField()
    date_created = MomentField()
    date_updated = MomentField()
    version = peewee.IntegerField()
    owner = peewee.TextField(null=True)
    search_key = peewee.TextField()


class ItemRow(RecordRow):
    data = peewee.TextField()

    class Meta:
        table_name = "datas"


class Table(NamedTuple):
    """A collection, and the table that keeps its records."""

    collection: Collection[Any]
    row: type[RecordRow]


Tables = Mapping[str, Table]  # by the collection's plural
OtherTables = Sequence[type[peewee.Model]]  # of a package's own, which are no collection's


class IdempotencyRow(peewee.Model):
    """One request that named an Idempotency-Key, and its answer."""

    actor = peewee.TextField()
    key = peewee.TextField()
    fingerprint = peewee.BlobField()
    date_created = MomentField()
    answer = peewee.BlobField()

    class Meta:
        table_name = "idempotency"
        primary_key = peewee.CompositeKey("actor", "key")


class UserRow(peewee.Model):
    """One user. The folded name is what other tables refer to."""

    id = peewee.AutoField()
    username = peewee.TextField(unique=True)
    date_joined = MomentField()
    password_hash = peewee.TextField()

    class Meta:
        table_name = "users"


class TokenRow(peewee.Model):
    """One token of a user, with whom it is deleted."""

    id = peewee.AutoField()
    username = peewee.TextField()
    digest = peewee.BlobField(unique=True)
    label = peewee.TextField()
    date_created = MomentField()
    date_expires = MomentField()

    class Meta:
        table_name = "tokens"


class AttemptRow(peewee.Model):
    id = peewee.AutoField()
    username = peewee.TextField()
    purpose = peewee.TextField()
    address = peewee.TextField()
    date = MomentField()

    class Meta:
        table_name = "attempts"


def all_tables(tables: Tables, others: OtherTables = ()) -> tuple[type[peewee.Model], ...]:
    """Every table of a database; a table that another one refers to comes first."""
    records = (table.row for table in tables.values())
    return (UserRow, TokenRow, *records, *others, IdempotencyRow, AttemptRow)
