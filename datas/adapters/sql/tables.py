"""The tables as they are now. `migrations/` says how they came about."""

from datetime import datetime

import peewee

from datas.domain.errors import StorageUnavailable

_DAMAGED = "The database is damaged: it has a time that is none. Restore it from a backup."


class UtcField(peewee.Field):
    """A moment: aware and in UTC outside, inside fixed-width RFC 3339 text that sorts by time."""

    field_type = "DATETIME"

    def db_value(self, value: datetime) -> str:
        """`2026-11-22T16:00:00.123456Z`"""
        return value.isoformat("T", "microseconds")[:26] + "Z"

    def python_value(self, value: str) -> datetime:
        """The moment that `db_value` wrote. Raises: StorageUnavailable, if it can't have."""
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise StorageUnavailable(_DAMAGED) from error
        if moment.tzinfo is None:
            raise StorageUnavailable(_DAMAGED)
        return moment


class IdField(peewee.AutoField):
    """An id that is never used again: from a sequence, or, where there are none, AUTOINCREMENT."""

    def ddl(self, ctx: peewee.Context) -> peewee.NodeList:
        """The column's definition."""
        definition = super().ddl(ctx)
        if self.model._meta.database.sequences:  # noqa: SLF001 (so Peewee calls its public part)
            return definition
        return peewee.NodeList((definition, peewee.SQL("AUTOINCREMENT")))


class ItemRow(peewee.Model):
    """One item. Its id is never used again: see the first migration."""

    id = peewee.AutoField()
    data = peewee.TextField()
    date_created = UtcField()
    date_updated = UtcField()
    version = peewee.IntegerField()
    owner = peewee.TextField(null=True)
    search_key = peewee.TextField()

    class Meta:
        table_name = "datas"


class IdempotencyRow(peewee.Model):
    """One request that named an Idempotency-Key, and its answer."""

    actor = peewee.TextField()
    key = peewee.TextField()
    fingerprint = peewee.BlobField()
    date_created = UtcField()
    answer = peewee.BlobField()

    class Meta:
        table_name = "idempotency"
        primary_key = peewee.CompositeKey("actor", "key")


class UserRow(peewee.Model):
    """One user. The folded name is what other tables refer to."""

    id = peewee.AutoField()
    username = peewee.TextField(unique=True)
    date_joined = UtcField()
    password_hash = peewee.TextField()

    class Meta:
        table_name = "users"


class TokenRow(peewee.Model):
    """One token of a user, with whom it is deleted."""

    id = peewee.AutoField()
    username = peewee.TextField()
    digest = peewee.BlobField(unique=True)
    label = peewee.TextField()
    date_created = UtcField()
    date_expires = UtcField()

    class Meta:
        table_name = "tokens"


class AttemptRow(peewee.Model):
    """One failed password attempt."""

    id = peewee.AutoField()
    username = peewee.TextField()
    purpose = peewee.TextField()
    address = peewee.TextField()
    date = UtcField()

    class Meta:
        table_name = "attempts"


# Who is referred to comes first.
TABLES: tuple[type[peewee.Model], ...] = (UserRow, TokenRow, ItemRow, IdempotencyRow, AttemptRow)
