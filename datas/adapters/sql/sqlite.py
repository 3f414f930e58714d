"""What is SQLite's own: how a file is opened, and which process may write next."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import peewee
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql import sqlite_forks
from datas.adapters.sql.engine import Engine
from datas.adapters.sql.sqlite_errors import READ_ONLY, reason
from datas.adapters.sql.sqlite_file import Identity, make
from datas.adapters.sql.sqlite_lock import WriteLock
from datas.adapters.sql.sqlite_wal import WAL_LIMIT, Wal
from datas.domain.errors import StorageUnavailable

# Older ones can corrupt a WAL database that several connections write (https://sqlite.org/wal.html).
SAFE_VERSION = (3, 51, 3)

# Seconds that a writer waits for a program that locks the file without our lock.
BUSY_TIMEOUT = 5.0

# Memory for the pages that one large transaction changes.
CACHE_KIB = 65536

_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": "on",
    "journal_size_limit": WAL_LIMIT,
}
_REPLACED = (
    "The database file was moved, deleted or replaced while Datas ran. Nothing was changed. "
    "Put the same file back, or restart Datas to use what is there now."
)


class _Database(peewee.SqliteDatabase):
    """Peewee's, with connections that a fork can close."""

    def __init__(self, uri: Callable[[], str], pragmas: dict[str, object]) -> None:
        # IMMEDIATE: a transaction waits for its turn at BEGIN instead of failing half-way.
        super().__init__(
            "file:",  # until it connects
            pragmas=pragmas,
            timeout=BUSY_TIMEOUT,
            lock_type="IMMEDIATE",
            uri=True,
            factory=sqlite_forks.Connection,
            check_same_thread=False,
        )
        self._uri = uri

    def _connect(self) -> sqlite3.Connection:
        self.database = self._uri()
        connection = super()._connect()  # type: ignore[misc]  # not among its types
        sqlite_forks.watch(connection)
        return connection


class _Thread:
    """After how many forks this thread connected; whether it holds the write lock."""

    __slots__ = ("generation", "inside", "writes")

    def __init__(self) -> None:
        self.generation = 0
        self.writes = False
        self.inside = sqlite_forks.lock_of_thread()


class _Threads(threading.local):
    """Its one attribute differs in each thread."""

    def __init__(self) -> None:
        self.this = _Thread()


class SqliteEngine(Engine):
    """The `Engine` over one file, which is made at the first use if it is absent.

    With `anew=False` no file is made where there was one before. `file` names the only file that
    may be used, as `file_id` does.
    """

    errors = (sqlite3.Error, peewee.DatabaseError, peewee.InterfaceError)
    integrity_error = sqlite3.IntegrityError
    position = "INSTR"
    last_id = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    defer_references = "PRAGMA defer_foreign_keys = ON"
    set_last_id = (
        "INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq) "
        "SELECT (SELECT rowid FROM sqlite_sequence AS s WHERE s.name = t.name), t.name, n "
        "FROM (SELECT ? AS n, ? AS name) JOIN sqlite_master AS t USING (name) "
        "WHERE t.sql LIKE '%AUTOINCREMENT%'"
    )

    def __init__(self, path: Path, *, anew: bool = True, file: str | None = None) -> None:
        self.path = path
        self._name = os.fsencode(path)  # bytes: to convert a text takes longer
        pragmas = {} if self.read_only else _PRAGMAS
        self.peewee = _Database(self._uri, pragmas)
        self._anew = anew
        self._only = None if file is None else Identity.read(file)
        self._file = self._only
        self._device, self._inode = self._only or (0, 0)
        self._wal = Wal(path)
        self._lock = WriteLock(path)
        self._threads = _Threads()
        if not self.read_only and (fault := library_fault()):
            logging.getLogger("datas").warning(fault)

    @property
    def file_id(self) -> str:
        return str(self._file or "")

    def exists(self) -> bool:
        return self.path.exists()

    def prepare(self) -> None:
        """Make the file, if it is absent and may be made, and see that it is a WAL database."""
        if not self.path.parent.is_dir():
            raise StorageUnavailable("The database's folder does not exist. Make it first.")
        try:
            if self._only is None and make(self.path, anew=self._anew):
                self.made = True
                logging.getLogger("datas").info("A new database was made: %s", self.path)
            self._file = self._only or Identity.of(self.path)
            self._device, self._inode = self._file
            self.check()
            empty = not self.path.stat().st_size
        except OSError as error:
            reason = "The database's folder can't be written. The user that runs Datas needs to."
            raise StorageUnavailable(reason) from error
        if empty:
            # The first connection makes it a WAL database, for which SQLite doesn't wait.
            with self.write_lock():
                self.peewee.close()
                self.peewee.connect()

    def acquire(self) -> None:
        thread = self._threads.this
        if self._file is not None and not thread.writes:  # else `write_lock` has checked it
            self.check()
        if sqlite_forks.state.waiting:
            sqlite_forks.wait()
        thread.inside.acquire()
        if thread.generation != sqlite_forks.state.generation:
            self._reconnect()

    def release(self) -> None:
        """End what `acquire` began. The thread keeps its connection."""
        self._threads.this.inside.release()

    def _reconnect(self) -> None:
        """After a fork. Raises: StorageUnavailable; then `acquire` has begun nothing."""
        try:
            generation = sqlite_forks.checked_generation()
        except StorageUnavailable:
            sqlite_forks.leave()
            raise
        self.peewee.close()
        self._threads.this.generation = generation

    @contextmanager
    def write_lock(self, *, check: bool = True) -> Iterator[None]:
        """A block in which no other thread or process writes.

        Without `check` it may be entered whatever file is there, or none.
        Raises: StorageUnavailable, after `LOCK_TIMEOUT`.
        """
        if check and not self._lock.is_open:
            self.check()  # or lock files would be made where no database is
        sqlite_forks.enter()
        try:
            self._lock.acquire()
            try:
                if check:
                    self.check()
                    self._threads.this.writes = True
                yield
                if check:
                    self._wal.cut(self.peewee.connection, BUSY_TIMEOUT)
            finally:
                self._threads.this.writes = False
                self._lock.release()
        except StorageUnavailable as error:
            if str(error) == READ_ONLY:
                # A connection that was made while the file was read-only stays so.
                self.peewee.close()
            raise
        finally:
            sqlite_forks.leave()

    @contextmanager
    def bulk_write(self) -> Iterator[None]:
        """Keep what changes in memory: else pages are written again and again before the end."""
        connection = self.peewee.connection()
        [size] = connection.execute("PRAGMA cache_size").fetchone()
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA cache_size = {size}")

    def migrating(self) -> AbstractContextManager[None]:
        return self.write_lock()

    def close(self) -> None:
        sqlite_forks.enter()
        try:
            self.peewee.close()
        finally:
            sqlite_forks.leave()

    def check(self) -> None:
        """Raises: StorageUnavailable, if the path leads to another file than before, or to none.

        What is written to a file that has no name any more is lost when it is closed.
        """
        try:
            found = os.stat(self._name)  # noqa: PTH116 (half the time of Path's)
        except OSError:
            raise StorageUnavailable(_REPLACED) from None
        if found.st_ino != self._inode or found.st_dev != self._device:
            raise StorageUnavailable(_REPLACED)

    def reason(self, error: BaseException) -> str | None:
        return reason(error)

    def _uri(self) -> str:
        # Only `prepare` makes the file, so that other users may not read password hashes.
        return f"file:{quote(str(self.path))}?mode=rw"


def library_fault() -> str | None:
    """What is wrong with the SQLite that is loaded, if anything."""
    if sqlite3.sqlite_version_info >= SAFE_VERSION:
        return None
    return (
        f"SQLite {sqlite3.sqlite_version} can damage a database with several writers; "
        "install 3.51.3 or newer."
    )
