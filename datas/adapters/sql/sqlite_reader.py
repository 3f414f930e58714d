"""An SQLite file that is only read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.sqlite import SqliteEngine
from datas.adapters.sql.sqlite_file import ReadOnlyFile
from datas.domain.errors import StorageUnavailable


class SqliteReader(SqliteEngine):
    """The `Engine` over a file of which, and beside which, no byte changes."""

    read_only = True

    def __init__(self, path: Path) -> None:
        self._source = ReadOnlyFile(path)
        super().__init__(path)

    @property
    def journal_mode(self) -> str:
        """`wal` or `delete`. It must have been opened."""
        return "wal" if self._source.is_wal else "delete"

    def prepare(self) -> None:
        """Nothing."""

    def confirm(self) -> None:
        """Raises: OperationalError, if a process has begun to write what was read."""
        if self._source.is_stale():
            raise sqlite3.OperationalError("the file has changed")

    def can_repeat(self, error: BaseException) -> bool:
        """Whether a process has begun to write: its log is to be read too."""
        if not self._source.is_stale():
            return False
        self.peewee.close()
        return True

    @contextmanager
    def write_lock(self, *, check: bool = True) -> Iterator[None]:
        """Raises: StorageUnavailable."""
        raise StorageUnavailable("The database is opened to be read. Nothing was changed.")
        yield

    def check(self) -> None:
        """Nothing: it is closed soon."""

    def _uri(self) -> str:
        return self._source.uri()
