"""Connections to PostgreSQL: a few, lent for a statement or a transaction, and never a dead one."""

import re
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.abc import PQGen

from datas.domain.errors import StorageUnavailable
from datas.domain.forks import renew_in_child

# Connections of one process. While a statement is silent, one more shows whether the server is.
MAX_CONNECTIONS = 10
# Seconds that a thread waits for a connection, or for a database that may be away.
CONNECT_TIMEOUT = 2.0
# Seconds without a word from the server after which another connection asks whether it is there.
PROBE_AFTER = 1.0
# Seconds that a statement may take while the database is there.
STATEMENT_TIMEOUT = 30.0
# Seconds between two looks for a database that is away.
RETRY_PAUSE = 0.25

_AWAY = "The database can't be reached. Nothing was changed. Try again in a moment."
# How a healthy server, or pgbouncer, refuses one more connection. No error code says so, and the
# message of a server in another language is not recognised: that server counts as silent.
_REFUSAL = re.compile("too many (clients|connections)|connection slots are reserved|no more conn")

_BUSY = "All connections to the database are in use. Nothing was changed. Try again in a moment."


class Cursor(psycopg.Cursor[tuple[Any, ...]]):
    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows; none, as SQLite's, after a statement that returns nothing."""
        return super().fetchall() if self.description else []


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up when the server is silent and the database is away.

    libpq itself would wait for ever: the kernel of a stopped server still accepts bytes.
    """

    pool: "Pool | None" = None
    has_timeout = True

    def wait(self, gen: PQGen[Any], *args: Any, **kwargs: Any) -> Any:
        """What `gen` returns. Raises: OperationalError."""
        try:
            return super().wait(self._watched(gen), *args, **kwargs)
        except psycopg.errors.ReadOnlySqlTransaction:
            # The primary has become a standby. The next connection may find the new one.
            self.close()
            raise

    def _watched(self, gen: PQGen[Any]) -> PQGen[Any]:
        try:
            state = next(gen)
            since = time.monotonic()
            while True:
                ready = yield state
                if ready:
                    since = time.monotonic()
                else:
                    self._check_server(since)
                state = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _check_server(self, since: float) -> None:
        if self.pool is None:
            alone = time.monotonic() - since > CONNECT_TIMEOUT
            gone, late = alone, False
        else:
            gone = not self.pool.alive(since)
            late = self.has_timeout and time.monotonic() - since > STATEMENT_TIMEOUT
        if gone or late:
            # Else a ROLLBACK would wait in its turn.
            self.close()
            raise (psycopg.OperationalError if gone else psycopg.errors.QueryCanceled)


class Pool:
    """Up to `MAX_CONNECTIONS`, each made when it is needed and kept.

    Only the keeper connects, a thread that runs while there is something to do. So no thread waits
    longer than `CONNECT_TIMEOUT`, however long connecting takes; and while the database is away,
    `take` fails at once and the keeper goes on trying.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._begin()
        # In a child, forget the parent's connections. (The driver ends none that another opened.)
        renew_in_child(self, Pool._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._open = 0
        self._keeper_runs = False
        self._closed = False
        self._last_answer = 0.0
        self._away: Exception | None = None

    def take(self) -> Connection:
        """Lend a connection that was alive a moment ago. Raises: StorageUnavailable."""
        end = time.monotonic() + CONNECT_TIMEOUT
        with self._changed:
            self._closed = False
            while True:
                if self._away:
                    self._start_keeper()
                    raise _unavailable(self._away) from self._away
                if connection := self._idle_connection():
                    return connection
                if self._open < MAX_CONNECTIONS:
                    self._start_keeper()
                if not self._changed.wait(max(0, end - time.monotonic())):
                    self._refuse()

    def give_back(self, connection: Connection) -> None:
        """Take a connection back; one that is of no use any more is closed."""
        with self._changed:
            idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            if idle and not self._closed and not self._away:
                self._idle.append(connection)
            else:
                connection.close()
                self._open -= 1
            self._changed.notify()

    def alive(self, since: float) -> bool:
        """Whether the server answered lately, to a thread that waits since then or to another."""
        with self._changed:
            silent = time.monotonic() - max(since, self._last_answer)
            if silent > PROBE_AFTER:
                self._start_keeper()
            if silent > CONNECT_TIMEOUT:
                self._mark_away(psycopg.OperationalError("the server does not answer"))
            return not self._away

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back; the next `take` opens it."""
        with self._changed:
            self._closed, self._away = True, None
            self._close_idle()

    def _idle_connection(self) -> Connection | None:
        """The connection used last, if the server hasn't said good-bye on it."""
        while self._idle:
            connection = self._idle.pop()
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN)
            if not poll.poll(0):
                return connection
            connection.close()
            self._open -= 1
        return None

    def _refuse(self) -> None:
        # The threads that use them see whether the database is there.
        if self._open:
            raise StorageUnavailable(_BUSY)
        self._mark_away(psycopg.OperationalError("connecting takes too long"))

    def _mark_away(self, error: Exception) -> None:
        if not self._away:
            self._away = error
            self._close_idle()
            self._changed.notify_all()
        self._start_keeper()

    def _close_idle(self) -> None:
        self._open -= len(self._idle)
        while self._idle:
            self._idle.pop().close()

    def _start_keeper(self) -> None:
        if not self._keeper_runs:
            threading.Thread(target=self._run_keeper, daemon=True, name="datas-connect").start()
            self._keeper_runs = True

    def _run_keeper(self) -> None:
        """Connect, again and again while the database is away, and see that it answers."""
        while True:
            try:
                connection = self._connect()
            except Exception as error:  # noqa: BLE001 (the waiting threads raise it)
                if not self._connecting_failed(error):
                    break
                time.sleep(RETRY_PAUSE)
            else:
                self._connected(connection)
                break

    def _connecting_failed(self, error: Exception) -> bool:
        with self._changed:
            if self._open and _REFUSAL.search(str(error)):
                self._last_answer = time.monotonic()
            elif not self._open and not self._closed:
                self._mark_away(error)
            self._keeper_runs = bool(self._away)
            return self._keeper_runs

    def _connected(self, connection: Connection) -> None:
        with self._changed:
            self._keeper_runs, self._away, self._last_answer = False, None, time.monotonic()
            if self._closed or self._open >= MAX_CONNECTIONS:
                connection.close()
            else:
                connection.pool = self
                self._idle.append(connection)
                self._open += 1
            self._changed.notify_all()


def _unavailable(error: Exception) -> StorageUnavailable:
    return StorageUnavailable(str(error) if isinstance(error, StorageUnavailable) else _AWAY)
