"""A database: its connections, its transactions, and its errors in the domain's words."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from peewee import Database, Select

from datas.adapters.sql.comparison import database_faults
from datas.adapters.sql.migrate import DATAS, History, Schema, SchemaStatus
from datas.adapters.sql.queries import Statement
from datas.adapters.sql.tables import OtherTables, Tables
from datas.domain.errors import StorageUnavailable

Rows = list[tuple[Any, ...]]

# How often a statement runs that others' keep from succeeding.
TRIES = 5
# Seconds that a thread waits for another one that brings the database up.
PATIENCE = 2.0
_MIGRATING = "The database is being opened or migrated. Nothing was changed. Try again in a moment."
_FOREIGN = (
    "The database can't be brought up: it has tables that Datas didn't make. "
    "If it is another program's, name another one."
)


class Engine(Protocol):
    """What one kind of database has of its own."""

    peewee: Database
    errors: tuple[type[Exception], ...]
    integrity_error: type[Exception]
    # The name of the function that finds a part of a text.
    position: str
    # SQL for the highest id that a table ever gave; and to set it, for an id and a table.
    last_id: str
    set_last_id: str
    # SQL that lets references be checked at the end of a transaction.
    defer_references: str

    def exists(self) -> bool:
        """Whether there is a database to connect to."""

    def prepare(self) -> None:
        """Whatever comes before the first connection. Raises: StorageUnavailable."""

    def turn(self) -> AbstractContextManager[None]:
        """A block in which the caller may write: one at a time where the database wants it so."""

    def many(self) -> AbstractContextManager[None]:
        """A block, in a transaction, in which so much is written that memory for it pays."""

    def migrating(self) -> AbstractContextManager[None]:
        """A block in which no other process changes the schema."""

    def release(self) -> None:
        """Give back this thread's connection, where it isn't the thread's own."""

    def close(self) -> None:
        """Close this thread's connection, or those that nobody uses."""

    def check(self) -> None:
        """Raises: StorageUnavailable, if what is connected to is the database no more."""

    def skipping_locked(self, query: Select) -> Select:
        """The query without rows that others are about to change, where there can be any."""

    def locking(self, query: Select) -> Select:
        """The query, so that nobody may refer to its rows until the transaction ends."""

    def can_repeat(self, error: BaseException) -> bool:
        """Whether a statement failed only because of others' at the same time."""

    def reason(self, error: BaseException) -> str | None:
        """What the error says of the database's state, in plain words; None: it is a bug."""


class SqlDatabase:
    """One database, opened at the first use in each thread; nothing is opened before.

    It is brought up by itself: absent tables are made, pending migrations run. With
    `auto_migrate=False` a database whose schema isn't current is refused instead.
    """

    def __init__(
        self,
        engine: Engine,
        tables: Tables | None = None,
        histories: Sequence[History] = (),
        other_tables: OtherTables = (),
        *,
        auto_migrate: bool = True,
    ) -> None:
        self.peewee = engine.peewee
        self.integrity_error = engine.integrity_error
        self.engine = engine
        self._schema = Schema(engine.peewee, histories or (DATAS,))
        self.tables = tables or {}
        self.other_tables = other_tables
        self._auto_migrate = auto_migrate
        self._ready = False
        self._bringing_up = threading.Lock()

    def read(self, statement: Statement, *values: object) -> Rows:
        """Return all rows. (A cursor that is left half-read would pin SQLite's WAL.)"""
        if not self._ready:
            self.bring_up()
        return self._run(statement.sql, values)

    def look(self, sql: str) -> Rows:
        """Return the rows of a query to a database of whatever schema, which stays as it is."""
        return self._run(sql, ())

    def write(self, statement: Statement, *values: object) -> Rows:
        """Run one statement that changes something; return the rows that it says it returns.

        Outside `atomic()` it is a transaction of its own, kept for good when this returns.
        """
        if self.peewee.in_transaction():
            return self.read(statement, *values)
        if not self._ready:
            self.bring_up()
        with self.engine.turn():
            return self.read(statement, *values)

    def write_many(self, statement: Statement, rows: Iterable[tuple[object, ...]]) -> int:
        """Run a statement once for each row, in one transaction; return how many rows it changed.

        Rows are taken one by one, so that they may be more than memory holds.
        """
        with self.atomic(), self.engine.many():
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
        with self.engine.turn(), self._translating(), self.peewee.atomic():
            yield

    def savepoint(self) -> AbstractContextManager[Any]:
        """A block whose failure leaves the transaction around it usable, if there is one."""
        return self.peewee.atomic() if self.peewee.in_transaction() else nullcontext()

    @contextmanager
    def bulk_write(self) -> Iterator[None]:
        """A transaction in which much is written."""
        with self.atomic(), self.engine.many():
            yield

    def bring_up(self) -> list[str]:
        """Open the database and make its schema current, once; return what was applied.

        Raises: StorageUnavailable.
        """
        if self._ready:
            return []
        # Else one migration would keep every thread, until nobody is left to answer for health.
        if not self._bringing_up.acquire(timeout=PATIENCE):
            raise StorageUnavailable(_MIGRATING)
        try:
            applied = [] if self._ready else self._migrate()
            self._ready = True
            return applied
        finally:
            self._bringing_up.release()

    def _migrate(self) -> list[str]:
        applied: list[str] = []
        try:
            self.engine.prepare()
            # Who only reads waits for no writer: a turn is taken if there is something to do.
            for name in self._schema.status().pending if self._auto_migrate else ():
                with self.engine.migrating():
                    applied += self._schema.migrate(name)
            self._schema.check()
            if faults := list(database_faults(self.peewee, self.tables, self.other_tables)):
                raise StorageUnavailable(" ".join(faults))
        except self.engine.errors as error:
            raise StorageUnavailable(self._reason(error) or _FOREIGN) from error
        finally:
            self.engine.release()
        return applied

    def check(self) -> None:
        """Raises: StorageUnavailable, if the database is out of reach or of another schema."""
        self.bring_up()
        self.engine.check()
        with self._translating():
            self._schema.check()

    def exists(self) -> bool:
        """Whether there is a database; asking makes none."""
        return self.engine.exists()

    def schema_status(self) -> SchemaStatus:
        """Which migrations are applied, pending, or a newer Datas's. Raises: StorageUnavailable."""
        if not self.exists():
            return SchemaStatus(applied=[], pending=self._schema.names(), unknown=[])
        with self._translating():
            return self._schema.status()

    def close(self) -> None:
        """Close this thread's connection; others do when given back, or with their threads."""
        self.engine.close()

    def _run(self, sql: str, values: tuple[object, ...], tries: int = TRIES) -> Rows:
        # `_translating`, unrolled: it would take 1 µs of the 6 that a short statement takes.
        try:
            # Peewee owns the connection; its way of executing would double the time.
            rows: Rows = self.peewee.connection().execute(sql, values).fetchall()
        except self.engine.errors as error:
            # A transaction is its owner's to repeat: only they know what else happened in it.
            if tries == 1 or self.peewee.in_transaction() or not self.engine.can_repeat(error):
                if reason := self._reason(error):
                    raise StorageUnavailable(reason) from error
                raise
        else:
            return rows
        finally:
            self.engine.release()
        return self._run(sql, values, tries - 1)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Tell of the database's state by `StorageUnavailable`; our own bugs stay as they are.

        At the end this thread's connection is given back.
        """
        try:
            yield
        except self.engine.errors as error:
            if reason := self._reason(error):
                raise StorageUnavailable(reason) from error
            raise
        finally:
            self.engine.release()

    def _reason(self, error: BaseException) -> str | None:
        """What the first error says of the database's state, that has something to say.

        A ROLLBACK that fails in its turn hides what it was for.
        """
        said = None
        seen: BaseException | None = error
        while seen is not None:
            said = self.engine.reason(seen) or said
            seen = seen.__context__
        return said
