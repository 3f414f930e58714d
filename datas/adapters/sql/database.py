"""A database: its connections, its transactions, and its errors in the domain's words."""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from datas.adapters.sql.comparison import database_faults
from datas.adapters.sql.engine import Engine
from datas.adapters.sql.migrate import DATAS, History, Schema, SchemaStatus
from datas.adapters.sql.tables import OtherTables, Tables
from datas.domain.errors import StorageUnavailable
from datas.domain.forks import renew_in_child

Rows = list[tuple[Any, ...]]

# How often a statement runs that fails only because of other statements.
TRIES = 5
# Seconds that a thread waits for another one that brings the database up.
MIGRATION_TIMEOUT = 2.0
_MIGRATING = "The database is being opened or migrated. Nothing was changed. Try again in a moment."
_FORKED = (
    "This process was forked inside a transaction, which is the parent's. Fork outside of one."
)
_FOREIGN = (
    "The database can't be brought up: it has tables that Datas didn't make. "
    "If it is another program's, name another one."
)


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
        other_tables: OtherTables | None = None,
        *,
        auto_migrate: bool = True,
    ) -> None:
        self.peewee = engine.peewee
        self.integrity_error = engine.integrity_error
        self.engine = engine
        self._schema = Schema(engine.peewee, histories or (DATAS,))
        self.tables = tables or {}
        self.other_tables = other_tables or ()
        self._other_tables = other_tables
        self._auto_migrate = auto_migrate
        self._ready = False
        self._bringing_up = threading.Lock()
        self._ended = ""
        self._inherited: list[object] = []
        renew_in_child(self, SqlDatabase._renew)

    def read(self, statement: str, *values: object) -> Rows:
        """Return all rows. (A cursor that is left half-read would pin SQLite's WAL.)"""
        if not self._ready:
            self.bring_up()
        return self._run(statement, values)

    def query(self, sql: str) -> Rows:
        """Return the rows of a query to a database of whatever schema, which stays as it is."""
        return self._run(sql, ())

    def write(self, statement: str, *values: object) -> Rows:
        """Run one statement that changes something; return the rows that it says it returns.

        Outside `atomic()` it is a transaction of its own, kept for good when this returns.
        """
        if self.peewee.in_transaction():
            return self.read(statement, *values)
        if not self._ready:
            self.bring_up()
        with self.engine.write_lock():
            return self.read(statement, *values)

    def write_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> int:
        """Run a statement once for each row, in one transaction; return how many rows it changed.

        Rows are taken one by one, so that they may be more than memory holds.
        """
        with self.bulk_write():
            cursor = self.peewee.connection().cursor()
            cursor.executemany(statement, rows)
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
        with self.engine.write_lock(), self._translating(), self.peewee.atomic():
            yield

    def savepoint(self) -> AbstractContextManager[Any]:
        """A block whose failure leaves a transaction around it usable."""
        return self.peewee.atomic() if self.peewee.in_transaction() else nullcontext()

    @contextmanager
    def bulk_write(self) -> Iterator[None]:
        with self.atomic(), self.engine.bulk_write():
            yield

    def bring_up(self) -> list[str]:
        """Open the database and make its schema current, once; return what was applied.

        Raises: StorageUnavailable.
        """
        if self._ended:
            raise StorageUnavailable(self._ended)
        if self._ready:
            return []
        # Without a limit one migration would hold every thread, and none could answer /healthz.
        if not self._bringing_up.acquire(timeout=MIGRATION_TIMEOUT):
            raise StorageUnavailable(_MIGRATING)
        try:
            applied = [] if self._ready else self._migrate()
            self._ready = True
            return applied
        finally:
            self._bringing_up.release()

    def _migrate(self) -> list[str]:
        try:
            self.engine.prepare()
            with self._acquired():
                return self._apply_pending()
        except self.engine.errors as error:
            raise StorageUnavailable(self._reason(error) or _FOREIGN) from error

    def _apply_pending(self) -> list[str]:
        applied: list[str] = []
        # A reader waits for no writer: the lock is taken only if there is something to do.
        if self._auto_migrate and self._schema.status().pending:
            with self.engine.migrating():
                applied = self._schema.migrate()
        self._schema.check()
        if faults := list(database_faults(self.peewee, self.tables, self._other_tables)):
            raise StorageUnavailable(" ".join(faults))
        return applied

    @contextmanager
    def _acquired(self) -> Iterator[None]:
        self.engine.acquire()
        try:
            yield
        finally:
            self.engine.release()

    def check(self) -> None:
        """Raises: StorageUnavailable, if the database is out of reach or of another schema."""
        self.bring_up()
        with self._translating():
            self._schema.check()

    def exists(self) -> bool:
        return self.engine.exists()

    def other_programs(self) -> list[str]:
        """The packages that made tables here, and are not served. Raises: StorageUnavailable."""
        with self._translating():
            return self._schema.other_programs()

    def schema_status(self) -> SchemaStatus:
        """Raises: StorageUnavailable."""
        if not self.exists():
            return self._schema.status(is_absent=True)
        with self._translating():
            return self._schema.status()

    def table_names(self) -> set[str]:
        """Raises: StorageUnavailable."""
        with self._translating():
            return set(self.peewee.get_tables())

    def close(self) -> None:
        """Close this thread's connection; others do when given back, or with their threads."""
        self.engine.close()

    def end(self, reason: str) -> None:
        """Close it, and let every later use raise StorageUnavailable for this reason."""
        self._ended, self._ready = reason, False
        self.close()

    def _renew(self) -> None:
        """In a forked child: the parent goes on with its connection and its transaction."""
        self._bringing_up = threading.Lock()
        if self.peewee.in_transaction():
            self._ended, self._ready = _FORKED, False
        if not self.peewee.is_closed():
            # To close it here could end the parent's session, or drop locks on its file.
            self._inherited.append(self.peewee.connection())
            self.peewee.dispose()

    def _run(self, sql: str, values: tuple[object, ...], tries: int = TRIES) -> Rows:
        # `_translating`, unrolled: it would take 1 µs of the 6 that a short statement takes.
        self.engine.acquire()
        try:
            # Peewee owns the connection; its way of executing would double the time.
            rows: Rows = self.peewee.connection().execute(sql, values).fetchall()
            if self.engine.read_only:
                self.engine.confirm()
        except OverflowError:
            if tries == 1:
                raise
            values = tuple(map(_comparable, values))
        except self.engine.errors as error:
            # A statement of a transaction can't be repeated alone.
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
        """Raises: StorageUnavailable, for the database's state; our own bugs stay as they are."""
        try:
            with self._acquired():
                yield
        except self.engine.errors as error:
            if reason := self._reason(error):
                raise StorageUnavailable(reason) from error
            raise

    def _reason(self, error: BaseException) -> str | None:
        # A ROLLBACK that fails in its turn hides the error before it: the first one counts.
        said = None
        seen: BaseException | None = error
        while seen is not None:
            said = self.engine.reason(seen) or said
            seen = seen.__context__
        return said


def _comparable(value: object) -> object:
    """A number that SQLite's 64 bits cannot hold is larger, or smaller, than all in its columns."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return math.inf if value > 0 else -math.inf
    return value
