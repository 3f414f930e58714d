"""Inspection of a database: its schema and its damage. No file is changed, or made beside it."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.migrate import History, SchemaStatus
from datas.adapters.sql.sqlite import SqliteEngine
from datas.adapters.sql.tables import OtherTables, Tables, all_tables
from datas.domain.errors import StorageUnavailable

MAX_REPORTED = 5  # damages


def inspect_file(
    path: Path,
    tables: Tables | None = None,
    histories: Sequence[History] = (),
    other_tables: OtherTables = (),
) -> SchemaStatus:
    """The schema of an SQLite file. Raises: StorageUnavailable."""
    engine = SqliteEngine(path, how=_how_to_open(path))
    return inspect_schema(SqlDatabase(engine, tables, histories, other_tables))


def find_damage(path: Path, seconds: float) -> list[str] | None:
    """What is damaged in an SQLite file, in a few lines; None, if the search takes longer.

    Raises: StorageUnavailable, if the file can't be opened.
    """
    how = _how_to_open(path)
    database = SqlDatabase(SqliteEngine(path, how=how))
    end = time.monotonic() + seconds
    try:
        database.look("SELECT 1")
        database.peewee.connection().set_progress_handler(lambda: time.monotonic() > end, 100_000)
        found = [fault for (fault,) in database.look(f"PRAGMA quick_check({MAX_REPORTED})")]
        orphans = database.look("PRAGMA foreign_key_check")[:MAX_REPORTED]
    except (StorageUnavailable, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_INTERRUPT":
            return None
        found, orphans = [str(error)], []
    finally:
        database.close()
    found = [" ".join(fault.split()) for fault in found if fault != "ok"]
    found += [f"row {row} of {table} names one that {of} lacks" for table, row, of, _ in orphans]
    # Another program may have opened the file and written to it meanwhile.
    return find_damage(path, seconds) if found and how != _how_to_open(path) else found


def inspect_schema(database: SqlDatabase) -> SchemaStatus:
    """The schema of a database; its connection is closed. Raises: StorageUnavailable."""
    errors: tuple[type[Exception], ...] = (*database.engine.errors, TypeError, ValueError)
    try:
        status = database.schema_status()
        tables = set(database.peewee.get_tables())
    except errors as error:
        reason = f"It isn't as Datas makes its databases ({error})."
        raise StorageUnavailable(reason) from error
    finally:
        database.engine.release()
        database.close()
    if not status.applied and tables:
        raise StorageUnavailable("Its tables aren't those that Datas makes.")
    every = all_tables(database.tables, database.other_tables)
    names = {table._meta.table_name for table in every}  # noqa: SLF001 (Peewee's documented name)
    if not status.pending and (missing := names - tables):
        raise StorageUnavailable(f"It lacks the table {min(missing)}.")
    return status


def _how_to_open(path: Path) -> str:
    """The URI parameters by which SQLite opens a file and changes nothing.

    To read a WAL database, SQLite makes a WAL and an index beside it, and changes the index. With
    `readonly_shm` it doesn't. A database without WAL and index is open nowhere and complete in its
    one file: `immutable` needs neither. (https://sqlite.org/wal.html#read_only_databases)

    Raises: StorageUnavailable. This process must have no connection to the file: SQLite's locks are
    lost when any descriptor of the file is closed.
    """
    try:
        if not path.is_file():
            raise StorageUnavailable("It is no file.")
        with path.open("rb") as file:
            is_wal = file.read(20)[18:] == b"\2\2"
        sides = (Path(f"{os.path.realpath(path)}-{side}") for side in ("wal", "shm", "journal"))
        wal, index, journal = (side.exists() and side for side in sides)
        hot = not is_wal and journal and journal.stat().st_size
        if last := (is_wal and not index and wal) or (hot and journal):
            raise StorageUnavailable(
                f"Another program has it for itself, or was cut off: {last.name} is to be brought "
                "in by the next start, or by datas migrate."
            )
    except OSError as error:
        raise StorageUnavailable(f"It can't be read: {error.strerror}.") from error
    return "mode=ro&immutable=1" if is_wal and not wal else "mode=ro&readonly_shm=1"
