"""Inspection of a database: its schema and its damage. No file is changed, or made beside it."""

import time
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.migrate import SchemaStatus
from datas.adapters.sql.sqlite_reader import SqliteReader
from datas.adapters.sql.tables import all_tables
from datas.domain.errors import StorageUnavailable

MAX_REPORTED = 5  # damages


def find_damage(path: Path, seconds: float) -> list[str] | None:
    """What is damaged in an SQLite file, in a few lines; None, if the search takes longer.

    Raises: StorageUnavailable, if the file can't be opened.
    """
    database = SqlDatabase(SqliteReader(path))
    end = time.monotonic() + seconds
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


def inspect_schema(database: SqlDatabase) -> SchemaStatus:
    """The schema of a database; its connection is closed. Raises: StorageUnavailable."""
    errors: tuple[type[Exception], ...] = (*database.engine.errors, TypeError, ValueError)
    try:
        status = database.schema_status()
        tables = database.table_names()
    except errors as error:
        reason = f"It isn't as Datas makes its databases ({error})."
        raise StorageUnavailable(reason) from error
    finally:
        database.close()
    if not status.applied and tables:
        raise StorageUnavailable("Its tables aren't those that Datas makes.")
    every = all_tables(database.tables, database.other_tables)
    names = {table._meta.table_name for table in every}  # noqa: SLF001 (Peewee's documented name)
    if not status.pending and (missing := names - tables):
        raise StorageUnavailable(f"It lacks the table {min(missing)}.")
    return status
