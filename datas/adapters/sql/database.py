"""A database: its connections, its transactions, and its errors in the domain's words."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import peewee

from datas.adapters.sql.migrate import SchemaStatus, check_schema, migrate, schema_status
from datas.adapters.sql.queries import Statement
from datas.domain.errors import StorageUnavailable


class WriteQueue(Protocol):
    """Who writes next: one at a time where the database wants it so."""

    def turn(self) -> AbstractContextManager[None]:
        """A block in which the caller may write."""


class Driver(Protocol):
    """What every database driver names alike (PEP 249)."""

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 (the standard's name)
        """The parent of all its errors."""

    @property
    def IntegrityError(self) -> type[Exception]:  # noqa: N802 (the standard's name)
        """A constraint was violated."""


class SqlDatabase:
    """One database, opened at the first use in each thread; nothing is opened before.

    It is brought up by itself: absent tables are made, pending migrations run. With
    `auto_migrate=False` a database whose schema isn't current is refused instead.
    """

    def __init__(
        self,
        database: peewee.Database,
        queue: WriteQueue,
        driver: Driver,
        *,
        auto_migrate: bool = True,
    ) -> None:
        self.peewee = database
        self._queue = queue
        self._errors = (driver.Error, peewee.DatabaseError, peewee.InterfaceError)
        self.integrity_error = driver.IntegrityError
        self._auto_migrate = auto_migrate
        self._ready = False
        self._bringing_up = threading.Lock()

    def read(self, statement: Statement, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows. (A cursor that is left half-read would pin SQLite's WAL.)"""
        if not self._ready:
            self.bring_up()
        try:
            # Peewee owns the connection; its way of executing would double the time.
            connection = self.peewee.connection()
            rows: list[tuple[Any, ...]] = connection.execute(statement.sql, values).fetchall()
        except self._errors as error:
            raise _translated(error) from error
        return rows

    def write(self, statement: Statement, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement that changes something; return the rows that it says it returns.

        Outside `atomic()` it is a transaction of its own, kept for good when this returns.
        """
        if self.peewee.in_transaction():
            return self.read(statement, *values)
        if not self._ready:
            self.bring_up()
        with self._queue.turn():
            return self.read(statement, *values)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All changes of the block are kept, or, if it raises, none. Blocks can be nested."""
        if self.peewee.in_transaction():
            with self.peewee.atomic():
                yield
            return
        self.bring_up()
        with self._queue.turn():
            try:
                with self.peewee.atomic():
                    yield
            except self._errors as error:
                raise _translated(error) from error

    def bring_up(self) -> list[str]:
        """Open the database and make its schema current, once; return what was applied.

        Raises: StorageUnavailable.
        """
        with self._bringing_up:
            if self._ready:
                return []
            try:
                with self._queue.turn():
                    applied = migrate(self.peewee) if self._auto_migrate else []
                    check_schema(self.peewee)
            except self._errors as error:
                raise _translated(error) from error
            self._ready = True
            return applied

    def check(self) -> None:
        """Raises: StorageUnavailable, if the database is out of reach or of another schema."""
        self.bring_up()
        try:
            check_schema(self.peewee)
        except self._errors as error:
            raise _translated(error) from error

    def schema_status(self) -> SchemaStatus:
        """Which migrations are applied, pending, or a newer Datas's. Raises: StorageUnavailable."""
        try:
            return schema_status(self.peewee)
        except self._errors as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Close this thread's connection; others close when their threads end."""
        self.peewee.close()


# SQLite's result codes (https://sqlite.org/rescode.html) in plain words; extended codes by prefix.
_REASONS = {
    "SQLITE_BUSY": "The database is locked by another program. Try again in a moment.",
    "SQLITE_CANTOPEN": "The database file can't be opened. Its folder must exist and be writable.",
    "SQLITE_CORRUPT": "The database file is damaged. Restore it from a backup.",
    "SQLITE_FULL": "The disk that holds the database is full. Nothing was changed.",
    "SQLITE_IOERR": "The disk that holds the database fails. Nothing was changed.",
    "SQLITE_NOTADB": "The database file is not an SQLite database.",
    "SQLITE_READONLY": "The database is read-only. Nothing was changed.",
}


def _translated(error: BaseException) -> BaseException:
    """`StorageUnavailable`, if the driver speaks of the database's state; else our own bug as is.

    The whole chain is searched: a ROLLBACK that fails in its turn hides the first error.
    """
    seen: BaseException | None = error
    while seen is not None:
        name = getattr(seen, "sqlite_errorname", None) or ""
        for code, reason in _REASONS.items():
            if name.startswith(code):
                return StorageUnavailable(reason)
        seen = seen.__context__
    return error
