"""Checks of the database, and of the file and the disk that hold it."""

import os
import pwd
import resource
import shutil
import stat
import time
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.sqlite import library_fault
from datas.adapters.sql.sqlite_reader import SqliteReader
from datas.database_urls import database_file
from datas.domain.errors import StorageUnavailable
from datas.operations.checks.context import Context, Findings, fault, ok, quoted, warning

MIN_FREE = 64_000_000  # bytes of a disk
SEARCH_TIMEOUT = 60.0  # seconds
MAX_REPORTED = 5  # damages
SUFFIXES = ("", "-wal", "-shm", "-journal", "-lock", "-queue")  # of a database's files


def database(context: Context) -> Findings:
    """The database can be read."""
    file = database_file(context.settings.database_url)
    option = "by DATAS_DATABASE_URL or --database"
    if file and not (file.is_symlink() or file.exists()):
        text = f"There is no database at {file.absolute()}."
        yield fault(text, f"Name the right one {option}. To make a new one there: datas migrate.")
    elif file and file.is_file() and not os.access(file, os.R_OK):
        yield fault(f"You ({_user(os.geteuid())}) can't read {file}.", _as_owner(file))
    elif isinstance(context.schema, str) and file:
        yield fault(
            context.schema,
            f"If it belongs to another program, name Datas's {option}. If it is damaged, stop the "
            "servers, and: datas restore BACKUP --force.",
        )
    elif isinstance(context.schema, str):
        remedy = 'Start the server, or correct DATAS_DATABASE_URL, until psql "$DATAS_DATABASE_URL"'
        yield fault(context.schema, f"{remedy} connects.")


def schema(context: Context) -> Findings:
    """The schema is current."""
    status = context.require_schema()
    if status.unknown:
        yield fault(
            f"A newer Datas wrote the database (it has {', '.join(status.unknown)}).",
            "Run that version, or restore a backup made before it: datas restore BACKUP --force.",
        )
    if status.pending:
        found = warning if context.settings.auto_migrate else fault
        yield found(
            f"Migrations are pending: {', '.join(status.pending)}.",
            "datas migrate. (A start does it too, unless DATAS_AUTO_MIGRATE=false.)",
        )


def rights(context: Context) -> Findings:
    """Only their owner may read and write the database's files."""
    file, me = context.file, os.geteuid()
    files = [each for suffix in SUFFIXES if (each := Path(f"{file}{suffix}")).exists()]
    owner = file.stat().st_uid
    for each in files:
        found, path = each.stat(), quoted(each)
        if found.st_mode & 0o022:
            yield fault(f"Other users may write {each}.", f"chmod 600 {path}")
        elif found.st_mode & 0o044:
            text = f"Other users may read {each}, and the hashes of passwords."
            yield warning(text, f"chmod 600 {path}")
        if found.st_uid != owner:
            text = f"{each} belongs to {_user(found.st_uid)}, and the database to {_user(owner)}."
            yield fault(text, f"chown {_user(owner)} {path}")
    if owner != me:
        yield warning(
            f"{file} belongs to {_user(owner)}, and you are {_user(me)}. The server can't write "
            "files that you make beside it.",
            _as_owner(file),
        )
    for each in (file.parent, *files):
        if not os.access(each, os.W_OK):
            yield fault(f"You ({_user(me)}) can't write {each}.", _as_owner(each))
    if file.parent.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        text = f"Anybody may replace the database's file, in {file.parent}."
        yield fault(text, f"chmod o-w {quoted(file.parent)}")


def disk(context: Context) -> Findings:
    """There is room on the disk."""
    file = context.file
    sizes = [each.stat().st_size for each in (file, Path(f"{file}-wal")) if each.exists()]
    free = shutil.disk_usage(file.parent).free
    text = (
        f"{free / 1e6:,.0f} MB are free, beside a database of {sizes[0] / 1e6:,.1f} MB and "
        f"{sum(sizes[1:]) / 1e6:,.1f} MB in its WAL."
    )
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < sum(sizes) + MIN_FREE:
        yield warning(f"No file may be over {limit / 1e6:,.1f} MB.", "ulimit -f unlimited")
    remedy = f"Make room. To see what takes it: du -xh {quoted(file.parent)} | sort -h"
    if free < MIN_FREE:
        yield fault(text, remedy)
    elif free < max(4 * MIN_FREE, sum(sizes)):
        yield warning(f"{text} A backup or a restore needs as much again.", remedy)
    else:
        yield ok(text)


def integrity(context: Context) -> Findings:
    """No damage was found. (A backup is searched deeper: datas backup FILE.)"""
    file = context.file
    context.require_schema()
    if text := library_fault():
        yield warning(text, "pip install pysqlite3 (Linux on x86-64), or a newer Python or system.")
    damage = find_damage(file)
    if damage is None:
        yield warning(
            f"The search for damage takes over {SEARCH_TIMEOUT:.0f} s, and was given up.",
            "A backup is searched to its end, however long that takes: datas backup FILE.",
        )
    for each in damage or ():
        yield fault(
            f"{file} is damaged: {each}.",
            "Stop the servers, keep a copy of all its files, and: datas restore BACKUP --force.",
        )


def find_damage(path: Path) -> list[str] | None:
    """What is damaged in an SQLite file, in a few lines; None, if the search takes too long."""
    database = SqlDatabase(SqliteReader(path))
    end = time.monotonic() + SEARCH_TIMEOUT
    try:
        database.query("SELECT 1")
        database.peewee.connection().set_progress_handler(lambda: time.monotonic() > end, 100_000)
        found = [fault for (fault,) in database.query(f"PRAGMA quick_check({MAX_REPORTED})")]
        orphans = database.query("PRAGMA foreign_key_check")[:MAX_REPORTED]
    except (StorageUnavailable, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_INTERRUPT":
            return None
        found, orphans = [str(error)], []
    finally:
        database.close()
    found = [" ".join(fault.split()) for fault in found if fault != "ok"]
    found += [f"row {row} of {table} names one that {of} lacks" for table, row, of, _ in orphans]
    return found


def _as_owner(path: Path) -> str:
    """How to make the path writable for the service."""
    owner = path.stat().st_uid
    if owner == os.geteuid():
        return f"chmod u+rw{'x' * path.is_dir()} {quoted(path)}"
    if owner == 0:
        return f"Give it to the user that runs Datas: chown USER {quoted(path)}"
    return f"Run all of Datas as its owner: sudo -u {_user(owner)} datas …"


def _user(number: int) -> str:
    """A user's name, or the number if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
