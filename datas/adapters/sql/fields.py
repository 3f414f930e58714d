"""Columns whose values a database keeps in another form than the domain has them."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import peewee

from datas.domain.errors import StorageUnavailable

_DAMAGED = "The database is damaged: {} cannot be read. Restore it from a backup."


class MomentField(peewee.Field):
    """A moment, aware and in UTC; kept as RFC 3339 text of one width, which sorts by time."""

    field_type = "DATETIME"

    def db_value(self, value: datetime | None) -> str | None:
        """`2026-11-22T16:00:00.123456Z`"""
        return None if value is None else value.isoformat("T", "microseconds")[:26] + "Z"

    def python_value(self, value: str | None) -> datetime | None:
        """The moment. Raises: StorageUnavailable, for a text that is none."""
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise StorageUnavailable(_DAMAGED.format("a date")) from error
        if moment.tzinfo is None:
            raise StorageUnavailable(_DAMAGED.format("a date"))
        return moment


class DateField(peewee.Field):
    """A `datetime.date`; kept as text, which sorts by day."""

    field_type = "TEXT"

    def db_value(self, value: date | None) -> str | None:
        """`2026-11-22`"""
        return None if value is None else value.isoformat()

    def python_value(self, value: str | None) -> date | None:
        """The day. Raises: StorageUnavailable, for a text that is none."""
        try:
            return None if value is None else date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise StorageUnavailable(_DAMAGED.format("a date")) from error


class DecimalField(peewee.BigIntegerField):
    """A `Decimal` of so many places; kept as a whole number of its smallest unit, such as cents."""

    def __init__(self, places: int, **options: Any) -> None:
        self.places = places
        super().__init__(**options)

    def db_value(self, value: Decimal | None) -> int | None:
        """1250 for 12.50"""
        return None if value is None else int(value.scaleb(self.places))

    def python_value(self, value: int | None) -> Decimal | None:
        """12.50 for 1250"""
        return None if value is None else Decimal(value).scaleb(-self.places)


class TextsField(peewee.TextField):
    """A tuple of texts; kept as JSON."""

    def db_value(self, value: tuple[str, ...] | None) -> str | None:
        """`["red","blue"]`"""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def python_value(self, value: str | None) -> tuple[str, ...] | None:
        """The texts. Raises: StorageUnavailable, for what is no JSON."""
        try:
            return None if value is None else tuple(json.loads(value))
        except (TypeError, ValueError) as error:
            raise StorageUnavailable(_DAMAGED.format("a list")) from error


class IdField(peewee.AutoField):
    """An id that is never used again: from a sequence, or, where there are none, AUTOINCREMENT."""

    def ddl(self, ctx: peewee.Context) -> peewee.NodeList:
        """The column's definition."""
        definition = super().ddl(ctx)
        if self.model._meta.database.sequences:  # noqa: SLF001 (so Peewee calls its public part)
            return definition
        return peewee.NodeList((definition, peewee.SQL("AUTOINCREMENT")))
