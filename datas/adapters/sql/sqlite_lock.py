"""The write lock of an SQLite file: the queue of its writers."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datas.adapters.sql.sqlite_file import LOCKS
from datas.domain.errors import StorageUnavailable
from datas.domain.forks import renew_in_child

# Seconds that a writer waits for other threads, longer than the longest batch takes.
LOCK_TIMEOUT = 30.0
_LOCKED = "The database is locked for too long. Nothing was changed. Try again in a moment."


class WriteLock:
    """Writers queue: by a lock for this process's threads, then by an `flock`.

    SQLite's own busy wait is unfair: it sleeps up to 0.1 s between looks, and the slowest of 64
    writers waited seconds. The kernel releases an `flock` when its process dies, however it dies.
    An `flock` has no timeout: while another process that holds it is stopped, the first thread
    waits for it, and the threads behind it give up in time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._descriptors: list[int] = []
        renew_in_child(self, WriteLock._renew)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block in which this thread holds it. Raises: StorageUnavailable."""
        threads = self._threads
        if not threads.acquire(timeout=LOCK_TIMEOUT):
            raise StorageUnavailable(_LOCKED)
        try:
            with self._held_by_process():
                yield
        finally:
            threads.release()

    @contextmanager
    def _held_by_process(self) -> Iterator[None]:
        lock, queue = self._opened()
        # A process that waits for the write lock holds the queue lock. So the process that just
        # released the write lock, and is awake already, cannot take it again first.
        fcntl.flock(queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            fcntl.flock(queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)

    def _opened(self) -> list[int]:
        if not self._descriptors:
            try:
                self._descriptors = [_open(Path(f"{self._path}{lock}")) for lock in LOCKS]
            except OSError as error:
                reason = (
                    "The lock files beside the database can't be written. They must belong to "
                    "the user that runs Datas."
                )
                raise StorageUnavailable(reason) from error
        return self._descriptors

    def _renew(self) -> None:
        """In a forked child: an inherited `flock` would exclude neither the parent nor others."""
        self._threads = threading.Lock()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
