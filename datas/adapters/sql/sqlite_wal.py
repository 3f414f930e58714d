"""The write-ahead log of an SQLite file, and how it stays small."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

# Bytes over which a writer cuts the WAL; seconds that it waits for readers to do so; and seconds
# until the next try, if they took longer.
WAL_LIMIT = 8 * 2**20
CUT_TIMEOUT = 2.0
CUT_PAUSE = 5.0


class Wal:
    """SQLite begins its WAL anew only when no reader needs it.

    While readers overlap that never is so, unless a writer waits for them: it holds the write lock,
    so that readers that come meanwhile don't need the WAL.
    """

    def __init__(self, database: Path) -> None:
        self._path = f"{os.path.realpath(database)}-wal"
        self._next_cut = 0.0

    def cut(self, connect: Callable[[], sqlite3.Connection], busy_timeout: float) -> None:
        """Empty a WAL that has grown over `WAL_LIMIT`. `busy_timeout` holds again afterwards."""
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 (half the time of Path's)
        except OSError:
            return
        if size <= WAL_LIMIT or time.monotonic() < self._next_cut:
            return
        connection = connect()
        # What was written is committed: nothing here may make it fail.
        with suppress(sqlite3.Error):
            connection.execute(f"PRAGMA busy_timeout = {CUT_TIMEOUT * 1000:.0f}")
            [(waited, *_)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._next_cut = time.monotonic() + CUT_PAUSE if waited else 0.0
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout * 1000:.0f}")
