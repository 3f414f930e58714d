"""The file of an SQLite database: which one it is, who makes it, how to read it unchanged."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from datas.domain.errors import StorageUnavailable

# What SQLite keeps beside a database: the log of changes, the old journal, the log's index.
SIDES = ("-wal", "-journal", "-shm")
# Locks have files of their own: closing any descriptor of the database drops SQLite's locks on it.
LOCKS = ("-lock", "-queue")

_GONE = (
    "The database file is gone; its lock files are still there. Put the file back. "
    "To make a new, empty database instead: datas migrate"
)
_LEFT = (
    "The database file is gone, and {} beside it may hold what was written last. "
    "Put the file back, or move what is left to where it is now."
)


class Identity(NamedTuple):
    """A file, whatever its name is now: its device and its inode."""

    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "Identity":
        """The file that the path leads to. Raises: OSError."""
        found = path.stat()
        return cls(found.st_dev, found.st_ino)

    @classmethod
    def read(cls, text: str) -> "Identity":
        """What `str` wrote. Raises: ValueError."""
        device, inode = map(int, text.split(":"))
        return cls(device, inode)

    def __str__(self) -> str:
        return f"{self.device}:{self.inode}"


def make(path: Path, *, anew: bool) -> bool:
    """Make an absent file, which only its owner may read; return whether this call made it.

    Without `anew` it is made only where no lock file shows that there was a database before.
    Raises: StorageUnavailable, OSError.
    """
    if path.exists():
        return False
    with _locked_folder(path.parent):
        if path.exists():
            return False
        for side in map(Path, (f"{path}{side}" for side in SIDES[:2])):
            if side.exists() and side.stat().st_size:
                raise StorageUnavailable(_LEFT.format(side.name))
        if not anew and any(Path(f"{path}{lock}").exists() for lock in LOCKS):
            raise StorageUnavailable(_GONE)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            return True
    return False


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    """A block that one process at a time enters, without a file that would stay."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network's disk may have no such lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class ReadOnlyFile:
    """A database file that is opened so that no byte of it, or beside it, changes.

    To read a WAL database SQLite makes a WAL and an index beside it, and changes the index; with
    `readonly_shm` it does not. Where both are absent no process has the database open, all of it
    is in the one file, and `immutable` needs neither. But SQLite then does not see that a process
    begins to write: `is_stale` does. (https://sqlite.org/wal.html#read_only_databases)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] | None = None

    def uri(self) -> str:
        """What to open now. Raises: StorageUnavailable.

        This process must have no connection to the file: closing it drops SQLite's locks.
        """
        self._seen = None
        try:
            if not self.path.is_file():
                raise StorageUnavailable("It is no file.")
            seen = self._look()
            with self.path.open("rb") as file:
                is_wal = file.read(20)[18:] == b"\2\2"
            wal, journal, index = (side.exists() and side for side in self._sides())
            hot = not is_wal and journal and journal.stat().st_size
            if last := (is_wal and not index and wal) or (hot and journal):
                raise StorageUnavailable(
                    f"Another program has it for itself, or was cut off: {last.name} is to be "
                    "brought in by the next start, or by datas migrate."
                )
        except OSError as error:
            raise StorageUnavailable(f"It can't be read: {error.strerror}.") from error
        alone = is_wal and not wal
        self._seen = seen if alone else None
        return f"file:{quote(str(self.path))}?mode=ro&{'immutable' if alone else 'readonly_shm'}=1"

    def is_stale(self) -> bool:
        """Whether what was read may be torn: a process has begun to write since `uri()`."""
        return self._seen is not None and self._seen != self._look()

    def _look(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError:
            return ()
        wal = self._sides()[0].exists()
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, wal

    def _sides(self) -> list[Path]:
        return [Path(f"{os.path.realpath(self.path)}{side}") for side in SIDES]
