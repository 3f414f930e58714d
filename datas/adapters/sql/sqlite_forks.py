"""Closes all SQLite connections before a fork; each thread connects again afterwards.

SQLite keeps account of a file's locks in the memory of its process. A child that uses an inherited
connection, or a new one beside an inherited one, trusts in locks that the kernel does not know, and
its commits can be lost (https://sqlite.org/howtocorrupt.html, section 2.6). So a fork waits until
no thread is inside SQLite, and closes what is open.
"""

import os
import threading
import time
import weakref
from contextlib import suppress

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.domain.errors import StorageUnavailable

# Seconds that a fork waits for the other threads' statements and transactions.
FORK_TIMEOUT = 30.0
_UNSAFE = (
    "This process was forked while the database was in use, inside a transaction or by a thread "
    "that did not end in time. It cannot use the database. Fork outside of transactions."
)


class Connection(sqlite3.Connection):  # type: ignore[misc]
    """The driver's; a subclass can be referred to weakly."""


class _Thread(threading.local):
    """`inside` is locked while this thread is inside SQLite."""

    def __init__(self) -> None:
        self.inside = threading.RLock()
        with state.forking:
            _locks.add(weakref.ref(self.inside, _locks.discard))


class _State:
    """`generation` grows with each fork: a connection of an earlier one is closed.

    `forking` is locked during a fork, and `waiting` is true then: threads that are outside of
    SQLite stay outside. `ready` holds the other threads' locks, if all connections were closed.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.forking = threading.Lock()
        self.waiting = False
        self.ready: list[threading.RLock] | None = None
        self.inherited: list[Connection] = []
        self.unsafe = False


state = _State()
_locks: set["weakref.ref[threading.RLock]"] = set()
_connections: set["weakref.ref[Connection]"] = set()
_thread = _Thread()


def enter() -> None:
    """Begin to use SQLite in this thread; calls can be nested. A fork in progress is waited for."""
    if state.waiting:
        wait()
    _thread.inside.acquire()


def wait() -> None:
    """Let a fork in progress end, unless this thread is what it waits for."""
    if not _is_mine(_thread.inside):
        with state.forking:
            pass


def lock_of_thread() -> "threading.RLock":
    """What `enter` locks in this thread."""
    return _thread.inside


def leave() -> None:
    """End what `enter` began."""
    _thread.inside.release()


def watch(connection: Connection) -> None:
    """Let a fork close this connection."""
    _connections.add(weakref.ref(connection, _connections.discard))


def checked_generation() -> int:
    """The number of forks so far. Raises: StorageUnavailable, if this child cannot use SQLite."""
    if state.unsafe:
        raise StorageUnavailable(_UNSAFE)
    return state.generation


def _before() -> None:
    mine = _thread.inside
    state.forking.acquire()
    state.waiting = True
    state.ready = None if _is_mine(mine) else _lock_others(mine)
    opened = [found for reference in tuple(_connections) if (found := reference())]
    if state.ready is None:
        # The child must not close them either: that could take from the file what others write.
        state.inherited = opened
        return
    for connection in opened:
        with suppress(sqlite3.Error):
            connection.close()
    _connections.clear()
    state.generation += 1


def _lock_others(mine: threading.RLock) -> list[threading.RLock] | None:
    """Wait until no other thread is inside SQLite. None: it took too long."""
    end = time.monotonic() + FORK_TIMEOUT
    locked: list[threading.RLock] = []
    for reference in tuple(_locks):
        lock = reference()
        if lock is None or lock is mine:
            continue
        if not lock.acquire(timeout=max(0.0, end - time.monotonic())):
            _release(locked)
            return None
        locked.append(lock)
    return locked


def _after_in_parent() -> None:
    _release(state.ready or [])
    state.ready, state.inherited = None, []
    state.waiting = False
    state.forking.release()


def _after_in_child() -> None:
    # Without `ready` a thread was inside SQLite, or a C program forked and called no `_before`.
    state.unsafe |= state.ready is None and bool(state.inherited or _connections)
    state.ready, state.waiting = None, False
    state.forking = threading.Lock()
    state.generation += 1
    _locks.clear()
    _locks.add(weakref.ref(_thread.inside, _locks.discard))


def _release(locks: list[threading.RLock]) -> None:
    for lock in locks:
        lock.release()


def _is_mine(lock: threading.RLock) -> bool:
    owned: bool = lock._is_owned()  # type: ignore[attr-defined]  # noqa: SLF001 (as Condition does)
    return owned


os.register_at_fork(
    before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)
