"""A checked copy of an SQLite file, put in its place by one rename. Other programs may write."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import peewee
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.migrate import DATAS, History, Schema
from datas.adapters.sql.sqlite import BUSY_TIMEOUT, SqliteEngine
from datas.adapters.sql.sqlite_file import LOCKS, SIDES, ReadOnlyFile
from datas.domain.errors import CopyFailed, StorageUnavailable
from datas.operations.temporary import temporary_folder

_STEP = 1000  # pages, mostly 4 MB; Ctrl+C takes effect between two steps
_LOCK_TIMEOUT = 1.0  # seconds: another backup may use the file that is replaced
_ADVICE = {
    "read": "It must be a whole database of Datas, which you may read.",
    "written": "Its folder must exist, be writable, and have room for it. Nothing was changed.",
    "replaced": "It and its folder must be writable. Nothing was changed.",
}


class Copy(NamedTuple):
    """A checked copy: where it is, how many rows each table has, and its size in bytes."""

    path: Path
    rows: Mapping[str, int]
    size: int


def back_up(database: Path, file: Path) -> Copy:
    """Copy the database, as it is at one moment, to `file`. Other processes may write meanwhile.

    Raises: CopyFailed; then `file` stays as it was.
    """
    live, target = _resolved(database, file)
    _refuse_remains(target)
    with _checked_copy(live, target) as copy:
        return _put(copy, target)


def restore_backup(
    database: Path, file: Path, histories: Sequence[History] = (DATAS,), *, force: bool = False
) -> Copy:
    """Replace the database by a copy of `file`. No other process may have the database open.

    Raises: CopyFailed, StorageUnavailable; then the database stays as it was.
    """
    live, source = _resolved(database, file)
    if not force:
        _refuse_to_lose(live)
    with _checked_copy(source, live) as copy:
        _refuse_newer(copy.path, file, histories)
        with SqliteEngine(database).write_lock(check=False):
            if not force:
                _refuse_to_lose(live)  # another process may have made one
            return _put(copy, live)


def _resolved(database: Path, file: Path) -> tuple[Path, Path]:
    """Both paths without links. Raises: CopyFailed, if one is no file, or both are the same."""
    live, other = Path(os.path.realpath(database)), Path(os.path.realpath(file))
    for path in (live, other):
        if path.exists() and not path.is_file():
            raise CopyFailed(f"{path} is no file. Name one.")
    parts = [f"{live}{side}" for side in ("", *SIDES, *LOCKS)]
    if str(other) in parts or (live.exists() and other.exists() and other.samefile(live)):
        raise CopyFailed(f"{file} is the database itself, or a part of it. Name another file.")
    return live, other


def _refuse_to_lose(database: Path) -> None:
    """Raises: CopyFailed, if there is a database, or a WAL or journal of a lost one."""
    if _has_content(database):
        raise CopyFailed(
            f"{database} exists. To replace it, and lose what it holds, add --force. "
            "To keep that, first: datas backup FILE"
        )
    _refuse_remains(database, " To lose it instead, add --force.")


def _refuse_remains(database: Path, otherwise: str = "") -> None:
    *kept, _index = _sides(database)
    left = [str(side) for side in kept if _has_content(side)]
    if left and not _has_content(database):
        raise CopyFailed(
            f"{' and '.join(left)} may hold what was written last to a {database.name} that is "
            f"gone. Nothing was changed. Move it to where that is now.{otherwise}"
        )


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sides(database: Path) -> list[Path]:
    return [Path(f"{database}{side}") for side in SIDES]


@contextmanager
def _checked_copy(source: Path, target: Path) -> Iterator[Copy]:
    """A checked copy of `source`, in a temporary folder beside `target`, so on the same disk."""
    with _failing(target, "written"), temporary_folder(target) as folder:
        copy = folder / "copy"
        copy.touch(0o600)
        counts = _copy(source, copy, target)
        _check(copy, counts, source)
        _sync(copy)
        yield Copy(copy, counts, copy.stat().st_size)


def _copy(source: Path, copy: Path, target: Path) -> dict[str, int]:
    """Copy, and return each table's number of rows. The source's files do not change."""
    file = ReadOnlyFile(source)
    try:
        counts = _copy_once(file, copy, target)
    except CopyFailed:
        if not file.is_stale():
            raise
    else:
        if not file.is_stale():
            return counts
    # A process began to write meanwhile. Its WAL now gives the reader one consistent state.
    return _copy(source, copy, target)


def _copy_once(file: ReadOnlyFile, copy: Path, target: Path) -> dict[str, int]:
    source = file.path
    with _failing(source, "read"), closing(_read(file)) as reader:
        # One snapshot for counts and copy. Without it, each commit would restart the copy.
        reader.execute("BEGIN")
        counts = _count_rows(reader)
        if not {"datas", "schema_migration"} <= counts.keys():
            raise CopyFailed(f"{source} is no database of Datas. Name one that is.")
        with _failing(target, "written"), closing(_connect(copy)) as writer:
            reader.backup(writer, pages=_STEP, progress=lambda *_: None)
    return counts


def _check(copy: Path, counts: dict[str, int], source: Path) -> None:
    with _failing(source, "read"), closing(_connect(copy)) as reopened:
        # Not WAL: one file, which can also be read from a read-only disk.
        reopened.execute("PRAGMA journal_mode = DELETE")
        [fault] = reopened.execute("PRAGMA integrity_check(1)").fetchone()
        if fault != "ok" or _count_rows(reopened) != counts:
            raise CopyFailed(f"{source} is damaged ({fault}), and no copy was kept.")


def _connect(path: Path, timeout: float = BUSY_TIMEOUT, uri: str = "") -> sqlite3.Connection:
    """A connection to an existing file, without implicit transactions."""
    path.stat()
    uri = uri or f"{path.as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)


def _read(file: ReadOnlyFile) -> sqlite3.Connection:
    """A connection that changes nothing; if a killed program left a hot journal, one that may."""
    with suppress(StorageUnavailable):
        return _connect(file.path, uri=file.uri())
    return _connect(file.path)


def _count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 (our own tables)
        for (name,) in tables
    }


def _refuse_newer(copy: Path, file: Path, histories: Sequence[History]) -> None:
    database = peewee.SqliteDatabase(str(copy))
    with _failing(file, "read"), database.connection_context():
        unknown = Schema(database, histories).status().unknown
    if unknown:
        raise CopyFailed(
            f"{file} was written by a newer Datas (it has {', '.join(unknown)}). "
            "Restore it with that version."
        )


def _put(copy: Copy, target: Path) -> Copy:
    """Rename the copy to `target`, if no process has that open. The owner of the file stays.

    The WAL and journal of the old file are removed first: SQLite would apply them to the new one.
    """
    with _failing(target, "replaced"):
        with ExitStack() as stack:
            if target.exists():
                old = stack.enter_context(closing(_connect(target, _LOCK_TIMEOUT)))
                _close_to_others(old, target)
                before = target.stat()
                with suppress(PermissionError):
                    os.chown(copy.path, before.st_uid, before.st_gid)
            for side in _sides(target):
                side.unlink(missing_ok=True)
            copy.path.replace(target)
        _sync(target.parent)
    return copy._replace(path=target)


def _close_to_others(old: sqlite3.Connection, path: Path) -> None:
    """Bring the WAL into the database's file, and keep all other processes from opening it."""
    try:
        # Only the sole connection can leave WAL mode; exclusive locking keeps it the only one.
        old.execute("PRAGMA locking_mode = EXCLUSIVE")
        old.execute("PRAGMA journal_mode = DELETE")
        old.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise CopyFailed(
                f"{path} is in use, and was not changed. Stop the server, and whatever else has "
                "it open, and try again."
            ) from error
        if not error.sqlite_errorname.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failing(path: Path, action: str) -> Iterator[None]:
    """Raises: CopyFailed, for an error of the system or of SQLite with this file."""
    try:
        yield
    except (OSError, sqlite3.Error, peewee.PeeweeException) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise CopyFailed(f"{path} can't be {action}: {reason}. {_ADVICE[action]}") from error
