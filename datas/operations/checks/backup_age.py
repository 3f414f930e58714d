"""The check of backups: how old the newest is, and whether it is one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.sqlite_reader import SqliteReader
from datas.database_urls import database_file
from datas.domain.errors import StorageUnavailable
from datas.operations.checks.context import (
    Context,
    Findings,
    fault,
    inspect_schema,
    ok,
    quoted,
    warning,
)
from datas.operations.checks.storage import SUFFIXES, find_damage

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def backups(context: Context) -> Findings:
    """There is a backup of today."""
    make = "datas backup FILE, each day, for example by cron."
    if context.backups is None:
        yield warning(
            "No place of backups is named.",
            "Make one, and name it: datas backup FILE, then datas doctor --backups FILE.",
        )
        return
    newest = _newest(context.backups)
    if newest is None:
        yield fault(f"There is no backup at {context.backups}.", make)
        return
    if reason := _no_backup(newest, database_file(context.settings.database_url)):
        remedy = "Name a folder of backups alone, by --backups; and make one: datas backup FILE."
        yield fault(f"The newest file there, {newest}, is no backup of Datas: {reason}", remedy)
        return
    age = datetime.now(UTC) - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    found = fault if age > WEEK else warning if age > DAY else ok
    text = f"The newest backup, {newest}, is {age / timedelta(hours=1):,.0f} hours old."
    yield found(text, make if age > DAY else "")
    if newest.stat().st_mode & 0o044:
        text = f"Other users may read {newest}, and the hashes of passwords."
        yield warning(text, f"chmod 600 {quoted(newest)}")


def _newest(path: Path) -> Path | None:
    """The file itself, or the newest of a folder. In Litestream's folder, of whatever level.

    Hidden files don't count: Litestream keeps files of its own beside the database.
    """
    files = [path] if path.is_file() else [*path.glob("[!.]*"), *path.glob("[!.]*/**/*.ltx")]
    there = filter(Path.is_file, files)
    return max(there, key=lambda file: file.stat().st_mtime, default=None)


def _no_backup(path: Path, live: Path | None) -> str:
    """Why a file is no backup of the database `live` (None: PostgreSQL); empty if it is one."""
    if live is None:
        with path.open("rb") as dump:
            # pg_dump's custom format begins so (pg_backup_archiver.c, WriteHead).
            return "" if dump.read(5) == b"PGDMP" else "pg_dump --format=custom didn't make it."
    if str(path.resolve()) in {f"{live.resolve()}{suffix}" for suffix in SUFFIXES}:
        return "it is the database itself, or a part of it."
    if path.suffix == ".ltx":
        return ""
    try:
        applied = inspect_schema(SqlDatabase(SqliteReader(path))).applied
    except StorageUnavailable as error:
        return str(error)
    return "".join((find_damage(path) or [])[:1]) if applied else "it is empty."
