"""`datas backup` and `datas restore`: a checked copy of an SQLite file, renamed at its end."""

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from glob import escape
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import peewee
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.migrate import Schema
from datas.adapters.sql.sqlite import BUSY_TIMEOUT, SqliteEngine
from datas.cli.settings import database_option, read_settings, refusals
from datas.cli.text import echo
from datas.database_urls import POSTGRESQL, sqlite_file
from datas.domain.errors import CopyFailed

_STEP = 1000  # pages, mostly 4 MB; between two steps Ctrl+C is heard
_SIDES = ("-wal", "-journal", "-shm")  # what SQLite keeps beside a database; the last: an index
_PARTS = {"lock", "copy", *(f"copy{side}" for side in _SIDES)}  # of a temporary folder
_PATIENCE = 1.0  # seconds that a file which is to be replaced may be in use: by another backup, say
_ADVICE = {
    "read": "It must be a whole database of Datas, which you may read.",
    "written": "Its folder must exist, be writable, and have room for it. Nothing was changed.",
    "replaced": "It and its folder must be writable. Nothing was changed.",
}


# A URL may hold a password, so the commands name the variable.
_PG_DUMP = 'pg_dump --format=custom --file={0}.partial "$DATAS_DATABASE_URL" && mv {0}.partial {0}'
_PG_RESTORE = (
    'pg_restore --clean --if-exists --single-transaction --dbname="$DATAS_DATABASE_URL" {0}'
)

file_argument = click.argument("file", type=click.Path(path_type=Path))


class Copy(NamedTuple):
    """A checked copy: where it is, how many items it has, and its size in bytes."""

    path: Path
    items: int
    size: int


@click.command()
@file_argument
@database_option
def backup(file: Path, database: str | None) -> None:
    """Copy the database to FILE, while servers go on.

    The copy is checked, and on the disk, before it gets its name. A FILE that exists is replaced
    then, and stays whole until then. It holds password hashes: only its owner may read it.
    """
    url = read_settings(database_url=database).database_url
    refuse_postgresql(url, _PG_DUMP, file)
    with refusals(url):
        copy = back_up(sqlite_file(url), file)
    echo(f"Items backed up: {copy.items:,}, in {copy.path} ({copy.size:,} bytes).")


@click.command()
@file_argument
@database_option
@click.option("--force", is_flag=True, help="Replace a database that exists.")
def restore(file: Path, database: str | None, *, force: bool) -> None:
    """Put the backup FILE in the place of the database. Stop servers first.

    FILE is checked before anything is changed. If it is of an older schema, the next start brings
    it up to date.
    """
    url = read_settings(database_url=database).database_url
    refuse_postgresql(url, _PG_RESTORE, file)
    with refusals(url):
        copy = restore_backup(sqlite_file(url), file, force=force)
    echo(f"Items restored: {copy.items:,}, in {copy.path} ({copy.size:,} bytes).")


def refuse_postgresql(url: str, instead: str, file: Path) -> None:
    """Raises: ClickException, which names the program to run instead."""
    if url.startswith(POSTGRESQL):
        command = instead.format(shlex.quote(str(file)))
        raise click.ClickException(f"PostgreSQL has programs of its own for this. Run: {command}")


def back_up(database: Path, file: Path) -> Copy:
    """Copy the database, as it is at one moment, to `file`; others may write meanwhile.

    Raises: CopyFailed. What `file` was before it stays then.
    """
    live, target = _apart(database, file)
    _refuse_left(target)
    with _checked_copy(live, target) as copy:
        return _put(copy, target)


def restore_backup(database: Path, file: Path, *, force: bool = False) -> Copy:
    """Put a copy of `file` in the place of the database, which nobody else may have open.

    Raises: CopyFailed, StorageUnavailable. What the database was before it stays then.
    """
    live, source = _apart(database, file)
    if not force:
        _refuse_to_lose(live)
    with _checked_copy(source, live) as copy:
        _refuse_newer(copy.path, file)
        with SqliteEngine(database).turn(check=False):
            if not force:
                _refuse_to_lose(live)  # a database may have been made meanwhile
            return _put(copy, live)


def _apart(database: Path, file: Path) -> tuple[Path, Path]:
    """Both without links, if they are files, or absent, and not the same."""
    live, other = Path(os.path.realpath(database)), Path(os.path.realpath(file))
    for path in (live, other):
        if path.exists() and not path.is_file():
            raise CopyFailed(f"{path} is no file. Name one.")
    parts = [f"{live}{side}" for side in ("", *_SIDES, "-lock", "-queue")]
    if str(other) in parts or (live.exists() and other.exists() and other.samefile(live)):
        raise CopyFailed(f"{file} is the database itself, or a part of it. Name another file.")
    return live, other


def _refuse_to_lose(database: Path) -> None:
    """Raises: CopyFailed, if there is a database, or what was written last to one that is gone."""
    if _holds_something(database):
        raise CopyFailed(
            f"{database} exists. To replace it, and lose what it holds, add --force. "
            "To keep that, first: datas backup FILE"
        )
    _refuse_left(database, " To lose it instead, add --force.")


def _refuse_left(database: Path, otherwise: str = "") -> None:
    *kept, _index = _sides(database)
    left = [str(side) for side in kept if _holds_something(side)]
    if left and not _holds_something(database):
        raise CopyFailed(
            f"{' and '.join(left)} may hold what was written last to a {database.name} that is "
            f"gone. Nothing was changed. Move it to where that is now.{otherwise}"
        )


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sides(database: Path) -> list[Path]:
    return [Path(f"{database}{side}") for side in _SIDES]


@contextmanager
def _checked_copy(source: Path, target: Path) -> Iterator[Copy]:
    """A whole copy of `source` on the disk of `target`, in a temporary folder beside it."""
    with _told(target, "written"), _temporary_folder(target) as folder:
        copy = folder / "copy"
        copy.touch(0o600)
        counts = _copy(source, copy, target)
        _check(copy, counts, source)
        _sync(copy)
        yield Copy(copy, counts["datas"], copy.stat().st_size)


@contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target that is gone after the block, as are those of killed processes."""
    for left in target.parent.glob(f"{escape(target.name)}.????????.datas-copy"):
        _clear_up(left)
    with TemporaryDirectory(".datas-copy", f"{target.name}.", target.parent) as name:
        folder = Path(name)
        with (folder / "new").open("wb") as lock:
            with suppress(OSError):  # on a disk without locks nobody clears up
                fcntl.flock(lock, fcntl.LOCK_EX)
            # Others find it locked, or not at all.
            (folder / "new").rename(folder / "lock")
            yield folder


def _clear_up(folder: Path) -> None:
    """Remove a temporary folder whose process is dead, and nothing that isn't one."""
    with suppress(OSError), (folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if {path.name for path in folder.iterdir()} <= _PARTS:
            rmtree(folder)


def _copy(source: Path, copy: Path, target: Path) -> dict[str, int]:
    """Copy, and return how many rows each table has."""
    with _told(source, "read"), closing(_connect(source)) as reader:
        # One snapshot for counts and copy. Without, each commit of others starts the copy anew.
        reader.execute("BEGIN")
        counts = _count_rows(reader)
        if not {"datas", "schema_migration"} <= counts.keys():
            raise CopyFailed(f"{source} is no database of Datas. Name one that is.")
        with _told(target, "written"), closing(_connect(copy)) as writer:
            reader.backup(writer, pages=_STEP, progress=lambda *_: None)
    return counts


def _check(copy: Path, counts: dict[str, int], source: Path) -> None:
    with _told(source, "read"), closing(_connect(copy)) as reopened:
        # Not WAL: one file, which can be read where nobody may write.
        reopened.execute("PRAGMA journal_mode = DELETE")
        [fault] = reopened.execute("PRAGMA integrity_check(1)").fetchone()
        if fault != "ok" or _count_rows(reopened) != counts:
            raise CopyFailed(f"{source} is damaged ({fault}), and no copy was kept.")


def _connect(path: Path, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection to a file that exists, and no transaction that nobody began."""
    path.stat()
    uri = f"{path.as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)


def _count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 (our own tables)
        for (name,) in tables
    }


def _refuse_newer(copy: Path, file: Path) -> None:
    database = peewee.SqliteDatabase(str(copy))
    with _told(file, "read"), database.connection_context():
        unknown = Schema(database).status().unknown
    if unknown:
        raise CopyFailed(
            f"{file} was written by a newer Datas (it has {', '.join(unknown)}). "
            "Restore it with that version."
        )


def _put(copy: Copy, target: Path) -> Copy:
    """Rename the copy to `target`, whose owner stays, if nobody has that open.

    What SQLite kept beside it would be applied to the file that takes its place, and goes before.
    """
    with _told(target, "replaced"), ExitStack() as stack:
        if target.exists():
            _take(stack.enter_context(closing(_connect(target, _PATIENCE))), target)
            before = target.stat()
            with suppress(PermissionError):
                os.chown(copy.path, before.st_uid, before.st_gid)
        for side in _sides(target):
            side.unlink(missing_ok=True)
        copy.path.replace(target)
    with _told(target, "replaced"):
        _sync(target.parent)
    return copy._replace(path=target)


def _take(old: sqlite3.Connection, path: Path) -> None:
    """Bring all of a database into its one file, and let nobody else open it from now on."""
    try:
        # Only who has a database alone may leave WAL, and in this mode remains alone.
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
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path, deed: str) -> Iterator[None]:
    """Raises: CopyFailed, for what the system or SQLite refuses to do with this file."""
    try:
        yield
    except (OSError, sqlite3.Error, peewee.PeeweeException) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise CopyFailed(f"{path} can't be {deed}: {reason}. {_ADVICE[deed]}") from error
