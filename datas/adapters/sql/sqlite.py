"""What is SQLite's own: where the file is, how it is opened, and who may write next."""

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import peewee
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.domain.errors import StorageUnavailable

# Older ones can corrupt a WAL database that several connections write (https://sqlite.org/wal.html).
SAFE_VERSION = (3, 51, 3)

# Seconds that a writer waits for its turn, longer than the longest batch takes; and for a program
# that locks the file without queueing.
PATIENCE = 30.0
BUSY_TIMEOUT = 5.0

# Memory for the pages that one large transaction changes.
CACHE_KIB = 65536

WRITABLE = "mode=rw"
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": "on"}
_LOCKED = "The database is locked for too long. Nothing was changed. Try again in a moment."
_REPLACED = (
    "The database file was deleted or replaced while the server ran. Nothing was changed. "
    "Restart the server."
)

_RESTORE = "To go back to a backup, stop the server and run `datas restore BACKUP --force`."
_DAMAGED = f"The database file is damaged. {_RESTORE}"

# SQLite's result codes (https://sqlite.org/rescode.html) in plain words; extended codes by prefix.
_REASONS = {
    "SQLITE_BUSY": "The database is locked by another program. Try again in a moment.",
    "SQLITE_CANTOPEN": (
        "The database file can't be opened. It must exist, be readable, and its folder be writable."
    ),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_FULL": "The disk that holds the database is full. Nothing was changed.",
    "SQLITE_IOERR": "The disk that holds the database fails. Nothing was changed.",
    "SQLITE_NOTADB": f"The database file is not an SQLite database. {_RESTORE}",
    "SQLITE_READONLY": "The database is read-only. Nothing was changed.",
}


class SqliteEngine:
    """The `Engine` over one file, which is made at the first use if it is absent.

    Writers to it queue: a lock for this process's threads, then an `flock`. SQLite's own busy wait
    is unfair: it sleeps up to 0.1 s between looks, and the slowest of 64 writers waited seconds.
    The kernel frees an `flock` when its process dies, however it dies.

    `how` is what a URI says of opening the file (https://sqlite.org/uri.html); who only reads it
    says so by another one.
    """

    errors: tuple[type[Exception], ...] = (
        sqlite3.Error,
        peewee.DatabaseError,
        peewee.InterfaceError,
    )
    integrity_error: type[Exception] = sqlite3.IntegrityError
    position = "INSTR"
    last_id = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    defer_references = "PRAGMA defer_foreign_keys = ON"
    set_last_id = (
        "INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq) "
        "SELECT (SELECT rowid FROM sqlite_sequence AS s WHERE s.name = t.name), t.name, n "
        "FROM (SELECT ? AS n, ? AS name) JOIN sqlite_master AS t USING (name) "
        "WHERE t.sql LIKE '%AUTOINCREMENT%'"
    )

    def __init__(self, path: Path, *, how: str = WRITABLE) -> None:
        if how == WRITABLE and (fault := library_fault()):
            logging.getLogger("datas").warning(fault)
        self.path = path
        # Only `prepare` makes the file, so that nobody else may read password hashes.
        # IMMEDIATE: a transaction waits for its turn at BEGIN instead of failing half-way.
        self.peewee: peewee.Database = peewee.SqliteDatabase(
            f"file:{quote(str(path))}?{how}",
            uri=True,
            pragmas=_PRAGMAS if how == WRITABLE else {},
            timeout=BUSY_TIMEOUT,
            lock_type="IMMEDIATE",
        )
        # Files of their own: closing any descriptor of the database drops SQLite's locks on it.
        self._lock_files = Path(f"{path}-lock"), Path(f"{path}-queue")
        self._descriptors: tuple[int, int] | None = None
        self._file: tuple[int, int] | None = None
        self._threads = threading.Lock()

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def prepare(self) -> None:
        """Make the file and those of the locks, if they are absent."""
        if not self.path.absolute().parent.is_dir():
            raise StorageUnavailable("The database's folder does not exist. Make it first.")
        try:
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self._file = _identity(self.path)
            empty = not self.path.stat().st_size
        except OSError as error:
            reason = "The database's folder can't be written. Whoever runs Datas must be able to."
            raise StorageUnavailable(reason) from error
        if empty:
            # The first connection makes it a WAL database, for which SQLite doesn't wait.
            with self.turn():
                self.peewee.connect(reuse_if_open=True)

    @contextmanager
    def turn(self, *, check: bool = True) -> Iterator[None]:
        """A block in which nobody else writes. Raises: StorageUnavailable, after `PATIENCE`.

        Without `check` it is one for whatever file is there, or none.

        An `flock` knows no timeout: while another process holds it and is stopped, the thread at
        the head of this queue waits for it, and those behind it give up in time.
        """
        if not self._threads.acquire(timeout=PATIENCE):
            raise StorageUnavailable(_LOCKED)
        try:
            lock, queue = self._opened()
            # Who waits for the lock holds the queue: whoever frees the lock can't take it again
            # before them, as it would by being awake already.
            fcntl.flock(queue, fcntl.LOCK_EX)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            finally:
                fcntl.flock(queue, fcntl.LOCK_UN)
            try:
                if check:
                    self.check()
                yield
            except StorageUnavailable as error:
                if str(error) == _REASONS["SQLITE_READONLY"]:
                    # A connection that was made while nobody could write would stay so.
                    self.peewee.close()
                raise
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    @contextmanager
    def many(self) -> Iterator[None]:
        """Keep what changes in memory: else pages are written again and again before the end."""
        connection = self.peewee.connection()
        [size] = connection.execute("PRAGMA cache_size").fetchone()
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA cache_size = {size}")

    def migrating(self) -> AbstractContextManager[None]:
        """A writer's turn."""
        return self.turn()

    def release(self) -> None:
        """Nothing: a thread keeps its connection."""

    def close(self) -> None:
        """Close this thread's connection."""
        self.peewee.close()

    def skipping_locked(self, query: peewee.Select) -> peewee.Select:
        """The query as it is: nobody else writes."""
        return query

    def locking(self, query: peewee.Select) -> peewee.Select:
        """As it is: a transaction is the only writer."""
        return query

    def can_repeat(self, error: BaseException) -> bool:
        """Never: writers queue."""
        return False

    def check(self) -> None:
        """Raises: StorageUnavailable, if the path leads to another file than it did, or to none.

        What is written to a file that has no name any more is lost when it is closed.
        """
        try:
            found = _identity(self.path)
        except OSError:
            found = None
        if found != self._file:
            raise StorageUnavailable(_REPLACED)

    def reason(self, error: BaseException) -> str | None:
        """By the name of SQLite's result code."""
        name = getattr(error, "sqlite_errorname", None) or ""
        if isinstance(error, sqlite3.OperationalError) and not name:
            return _DAMAGED  # the driver's own error, for a text that isn't UTF-8
        return next((text for code, text in _REASONS.items() if name.startswith(code)), None)

    def _opened(self) -> tuple[int, int]:
        if self._descriptors is None:
            lock, queue = self._lock_files
            try:
                self._descriptors = _open(lock), _open(queue)
            except OSError as error:
                reason = (
                    "The lock files beside the database can't be written. They must belong to "
                    "whoever runs Datas."
                )
                raise StorageUnavailable(reason) from error
        return self._descriptors


def library_fault() -> str | None:
    """What is wrong with the SQLite that is loaded, if anything."""
    if sqlite3.sqlite_version_info >= SAFE_VERSION:
        return None
    return (
        f"SQLite {sqlite3.sqlite_version} can damage a database with several writers; "
        "install 3.51.3 or newer."
    )


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 (half the time of Path's)
    return found.st_dev, found.st_ino


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
