"""A database: its connections, its transactions, and its errors in the domain's words."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import peewee

from datas.adapters.sql.migrate import Schema, SchemaStatus
from datas.adapters.sql.queries import Statement
from datas.domain.errors import StorageUnavailable

_FOREIGN = (
    "The database can't be brought up: it has tables that Datas didn't make. "
    "If it is another program's, name another one."
)


class Engine(Protocol):
    """What one kind of database has of its own."""

    peewee: peewee.Database
    errors: tuple[type[Exception], ...]
    integrity_error: type[Exception]

    def exists(self) -> bool:
        """Whether there is a database to connect to."""

    def prepare(self) -> None:
        """Whatever comes before the first connection. Raises: StorageUnavailable."""

    def turn(self) -> AbstractContextManager[None]:
        """A block in which the caller may write: one at a time where the database wants it so."""

    def check(self) -> None:
        """Raises: StorageUnavailable, if what is connected to is the database no more."""

    def reason(self, error: BaseException) -> str | None:
        """What the error says of the database's state, in plain words; None: it is a bug."""


class SqlDatabase:
    """One database, opened at the first use in each thread; nothing is opened before.

    It is brought up by itself: absent tables are made, pending migrations run. With
    `auto_migrate=False` a database whose schema isn't current is refused instead.
    """

    def __init__(self, engine: Engine, *, auto_migrate: bool = True) -> None:
        self.peewee = engine.peewee
        self.integrity_error = engine.integrity_error
        self._engine = engine
        self._schema = Schema(engine.peewee)
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
        except self._engine.errors as error:
            raise self._translated(error) from error
        return rows

    def write(self, statement: Statement, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement that changes something; return the rows that it says it returns.

        Outside `atomic()` it is a transaction of its own, kept for good when this returns.
        """
        if self.peewee.in_transaction():
            return self.read(statement, *values)
        if not self._ready:
            self.bring_up()
        with self._engine.turn():
            return self.read(statement, *values)

    def write_many(self, statement: Statement, rows: Iterable[tuple[object, ...]]) -> int:
        """Run a statement once for each row, in one transaction; return how many rows it changed.

        Rows are taken one by one, so that they may be more than memory holds.
        """
        with self.atomic():
            cursor = self.peewee.connection().cursor()
            cursor.executemany(statement.sql, rows)
            changed: int = cursor.rowcount
            return changed

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All changes of the block are kept, or, if it raises, none. Blocks can be nested."""
        if self.peewee.in_transaction():
            with self.peewee.atomic():
                yield
            return
        self.bring_up()
        with self._engine.turn():
            try:
                with self.peewee.atomic():
                    yield
            except self._engine.errors as error:
                raise self._translated(error) from error

    def bring_up(self) -> list[str]:
        """Open the database and make its schema current, once; return what was applied.

        Raises: StorageUnavailable.
        """
        with self._bringing_up:
            if self._ready:
                return []
            applied: list[str] = []
            try:
                self._engine.prepare()
                # Who only reads waits for no writer: a turn is taken if there is something to do.
                if self._auto_migrate and self._schema.status().pending:
                    with self._engine.turn():
                        applied = self._schema.migrate()
                self._schema.check()
            except self._engine.errors as error:
                translated = self._translated(error)
                raise StorageUnavailable(_FOREIGN) if translated is error else translated from error
            self._ready = True
            return applied

    def check(self) -> None:
        """Raises: StorageUnavailable, if the database is out of reach or of another schema."""
        self.bring_up()
        self._engine.check()
        try:
            self._schema.check()
        except self._engine.errors as error:
            raise self._translated(error) from error

    def exists(self) -> bool:
        """Whether there is a database; asking makes none."""
        return self._engine.exists()

    def schema_status(self) -> SchemaStatus:
        """Which migrations are applied, pending, or a newer Datas's. Raises: StorageUnavailable."""
        if not self.exists():
            return SchemaStatus(applied=[], pending=self._schema.names(), unknown=[])
        try:
            return self._schema.status()
        except self._engine.errors as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Close this thread's connection; others close when their threads end."""
        self.peewee.close()

    def _translated(self, error: BaseException) -> BaseException:
        """`StorageUnavailable`, if it speaks of the database's state; else our own bug as it is.

        The whole chain is searched: a ROLLBACK that fails in its turn hides the first error.
        """
        seen: BaseException | None = error
        while seen is not None:
            if reason := self._engine.reason(seen):
                return StorageUnavailable(reason)
            seen = seen.__context__
        return error
