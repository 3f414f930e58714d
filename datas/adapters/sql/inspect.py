"""What a database tells of itself. It is only read: no file is changed, or made beside it."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.migrate import SchemaStatus
from datas.adapters.sql.sqlite import library_fault
from datas.adapters.sql.sqlite_reader import SqliteReader
from datas.adapters.sql.tables import TABLES
from datas.domain.errors import StorageUnavailable

_SHOWN = 5  # damages
_NEWEST = "SELECT (SELECT max(date_created) FROM datas), (SELECT max(date_updated) FROM datas)"
_SETTINGS = (
    "SELECT name, setting FROM pg_settings UNION ALL SELECT 'user', quote_ident(current_user) "
    "UNION ALL SELECT 'clock', extract(epoch FROM clock_timestamp())::text "
    "UNION ALL SELECT 'standbys', count(*)::text FROM pg_stat_replication"
)


class Facts(NamedTuple):
    """What is true of a database.

    `newest` is the latest moment that an item names. `settings` are a server's, by PostgreSQL's
    names, and of a file its `journal_mode`, and `library` if SQLite itself is at fault.
    """

    schema: SchemaStatus
    newest: datetime | None
    settings: dict[str, str]


def inspect_file(path: Path) -> Facts:
    """What is true of an SQLite file. Raises: StorageUnavailable."""
    engine = SqliteReader(path)
    facts = _facts(SqlDatabase(engine), {"library": library_fault() or ""})
    return facts._replace(settings=facts.settings | {"journal_mode": engine.journal_mode})


def inspect_server(database: SqlDatabase) -> Facts:
    """What is true of a database on a server. Raises: StorageUnavailable."""
    from datas.adapters.sql.pool import MAX_CONNECTIONS  # noqa: PLC0415 (it needs the driver)

    settings = {"connections_of_a_worker": f"{MAX_CONNECTIONS + 1}"}
    return _facts(database, settings, _SETTINGS)


def find_damage(path: Path, seconds: float) -> list[str] | None:
    """What is damaged in an SQLite file, in a few lines; None, if looking takes longer.

    Raises: StorageUnavailable, if it can't be opened.
    """
    database = SqlDatabase(SqliteReader(path))
    end = time.monotonic() + seconds
    try:
        database.query("SELECT 1")
        database.peewee.connection().set_progress_handler(lambda: time.monotonic() > end, 100_000)
        found = [fault for (fault,) in database.query(f"PRAGMA quick_check({_SHOWN})")]
        orphans = database.query("PRAGMA foreign_key_check")[:_SHOWN]
    except (StorageUnavailable, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorname", None) == "SQLITE_INTERRUPT":
            return None
        found, orphans = [str(error)], []
    finally:
        database.close()
    found = [" ".join(fault.split()) for fault in found if fault != "ok"]
    found += [f"row {row} of {table} names one that {of} lacks" for table, row, of, _ in orphans]
    return found


def _facts(database: SqlDatabase, settings: dict[str, str], more: str | None = None) -> Facts:
    errors: tuple[type[Exception], ...] = (*database.engine.errors, TypeError, ValueError)
    try:
        schema = database.schema_status()
        if not schema.applied and database.peewee.get_tables():
            raise StorageUnavailable("Its tables aren't those that Datas makes.")
        names = {table._meta.table_name for table in TABLES}  # noqa: SLF001 (Peewee's documented name)
        if not schema.pending and (missing := names.difference(database.peewee.get_tables())):
            raise StorageUnavailable(f"It lacks the table {min(missing)}.")
        dates = database.query(_NEWEST)[0] if schema.applied else ()
        settings |= dict(database.query(more)) if more else {}
        moments = [datetime.fromisoformat(date).replace(tzinfo=UTC) for date in dates if date]
    except errors as error:
        raise _strange(error) from error
    finally:
        database.close()
    return Facts(schema, max(moments, default=None), settings)


def _strange(error: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"It isn't as Datas makes its databases ({error}).")
