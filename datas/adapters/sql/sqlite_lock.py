"""The write lock of an SQLite file: the queue of its writers."""

import fcntl
import os
import threading
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

    @property
    def is_open(self) -> bool:
        """Whether its files are there, as this process has seen."""
        return bool(self._descriptors)

    def acquire(self) -> None:
        """Wait for it. Raises: StorageUnavailable."""
        if not self._threads.acquire(timeout=LOCK_TIMEOUT):
            raise StorageUnavailable(_LOCKED)
        try:
            lock, queue = self._descriptors or self._open()
            # A process that waits for the write lock holds the queue lock. So the process that just
            # released the write lock, and is awake already, cannot take it again first.
            fcntl.flock(queue, fcntl.LOCK_EX)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            finally:
                fcntl.flock(queue, fcntl.LOCK_UN)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        """Let the next writer have it."""
        if self._descriptors:  # else this is a child that was forked while its parent held it
            fcntl.flock(self._descriptors[0], fcntl.LOCK_UN)
            self._threads.release()

    def _open(self) -> list[int]:
        try:
            for lock in LOCKS:
                name, flags = f"{self._path}{lock}", os.O_RDWR | os.O_CREAT
                self._descriptors.append(os.open(name, flags, 0o600))
        except OSError as error:
            self._renew_descriptors()
            reason = (
                "The lock files beside the database can't be written. They must belong to "
                "the user that runs Datas."
            )
            raise StorageUnavailable(reason) from error
        return self._descriptors

    def _renew(self) -> None:
        """In a forked child: an inherited `flock` would exclude neither the parent nor others."""
        self._threads = threading.Lock()
        self._renew_descriptors()

    def _renew_descriptors(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
