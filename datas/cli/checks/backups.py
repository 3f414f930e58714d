"""The check of backups: how old the newest is, and whether it is one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from datas.bootstrap import database_file, find_damage, inspect_file
from datas.cli.checks.case import Case, Finding, Findings, Sign, fault, quoted, warning
from datas.cli.checks.inside import SEARCH_TIMEOUT, SIDES
from datas.domain.errors import StorageUnavailable

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def backups(case: Case) -> Findings:
    """There is a backup of today."""
    make = "datas backup FILE, each day, by cron say."
    if case.backups is None:
        yield warning(
            "Nothing is known of backups.",
            "Make one, and name it: datas backup FILE, then datas doctor --backups FILE.",
        )
        return
    newest = _newest(case.backups)
    if newest is None:
        yield fault(f"There is no backup at {case.backups}.", make)
        return
    if why := _no_backup(newest, database_file(case.settings.database_url)):
        remedy = "Name backups alone, by --backups; and make one: datas backup FILE."
        yield fault(f"The newest file there, {newest}, is no backup of Datas: {why}", remedy)
        return
    age = case.now - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    sign = Sign.FAULT if age > WEEK else Sign.WARNING if age > DAY else Sign.OK
    text = f"The newest backup, {newest}, is {age / timedelta(hours=1):,.0f} hours old."
    if age < -DAY:
        yield warning(f"{newest} is of a time to come.", f"Look at it, and: {make}")
    else:
        yield Finding(sign, text, make if age > DAY else "")
    if newest.stat().st_mode & 0o044:
        text = f"Other users may read {newest}, and the hashes of passwords."
        yield warning(text, f"chmod 600 {quoted(newest)}")


def _newest(path: Path) -> Path | None:
    """The file itself, or the newest in a folder; in Litestream's, of whatever level it is.

    Hidden ones aren't meant: Litestream keeps its own of that kind beside the database.
    """
    files = [path] if path.is_file() else [*path.glob("[!.]*"), *path.glob("[!.]*/**/*.ltx")]
    there = filter(Path.is_file, files)
    return max(there, key=lambda file: file.stat().st_mtime, default=None)


def _no_backup(path: Path, database: Path | None) -> str:
    """Why it is none, or nothing."""
    if database is None:
        with path.open("rb") as dump:
            # See the sources of pg_dump: its custom format begins so.
            return "" if dump.read(5) == b"PGDMP" else "pg_dump --format=custom didn't make it."
    if str(path.resolve()) in {f"{database.resolve()}{side}" for side in SIDES}:
        return "it is the database itself, or a part of it."
    if path.suffix == ".ltx":
        return ""
    try:
        applied = inspect_file(path).schema.applied
    except StorageUnavailable as error:
        return str(error)
    return "".join((find_damage(path, SEARCH_TIMEOUT) or [])[:1]) if applied else "it is empty."
