"""What is SQLite's own: where the file is, how it is opened, and who may write next."""

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import peewee
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.database import SqlDatabase
from datas.domain.errors import StorageUnavailable

# Older ones can corrupt a WAL database that several connections write (https://sqlite.org/wal.html).
SAFE_VERSION = (3, 51, 3)

# Seconds that a writer waits for its turn: longer than the longest batch takes.
PATIENCE = 15.0

_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": "on"}
_LOCKED = "Another program keeps the database locked. Nothing was changed. Try again in a moment."


def open_sqlite(path: Path, *, auto_migrate: bool = True) -> SqlDatabase:
    """The database in one file, which is made at the first use if it is absent."""
    if sqlite3.sqlite_version_info < SAFE_VERSION:
        logging.getLogger("datas").warning(
            "SQLite %s can damage a database with several writers; install 3.51.3 or newer.",
            sqlite3.sqlite_version,
        )
    # IMMEDIATE: a transaction waits for its turn at BEGIN instead of failing half-way.
    database = peewee.SqliteDatabase(
        str(path), pragmas=_PRAGMAS, timeout=PATIENCE, lock_type="IMMEDIATE"
    )
    return SqlDatabase(database, FileQueue(path), sqlite3, auto_migrate=auto_migrate)


class FileQueue:
    """The queue of writers to one SQLite file: a lock for this process's threads, then an `flock`.

    SQLite's own busy wait is unfair: it sleeps up to 0.1 s between looks, and the slowest of 64
    writers waited seconds. The kernel frees an `flock` when its process dies, however it dies.
    """

    def __init__(self, path: Path) -> None:
        # Files of their own: closing any descriptor of the database drops SQLite's locks on it.
        self._paths = path, Path(f"{path}-lock"), Path(f"{path}-queue")
        self._descriptors: tuple[int, int] | None = None
        self._threads = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else writes. Raises: StorageUnavailable, after `PATIENCE`.

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
                yield
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def _opened(self) -> tuple[int, int]:
        if self._descriptors is None:
            database, lock, queue = self._paths
            try:
                # Nobody else may read password hashes. Only a file that is made here is opened.
                with suppress(FileExistsError):
                    os.close(os.open(database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                self._descriptors = _open(lock), _open(queue)
            except OSError as error:
                raise StorageUnavailable(
                    "The database's folder can't be written. It must exist and be writable."
                ) from error
        return self._descriptors


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
