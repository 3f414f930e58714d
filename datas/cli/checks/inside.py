"""Checks of the database, and of the file and the disk that hold it."""

import os
import pwd
import resource
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from datas.bootstrap import database_file, find_damage
from datas.cli.checks.case import Case, Finding, Findings, Sign, fault, quoted, warning

RELEASED = datetime(2026, 11, 22, tzinfo=UTC)  # no clock that goes right says less
DRIFT = timedelta(seconds=5)
LITTLE = 64_000_000  # bytes of a disk
LARGE = 100_000_000  # bytes of a database that is searched for more than a moment
SEARCH_TIMEOUT = 60.0  # seconds that this may take
SIDES = ("", "-wal", "-shm", "-journal", "-lock", "-queue")  # the parts of a database's name


def database(case: Case) -> Findings:
    """The database can be read."""
    file = database_file(case.settings.database_url)
    name = "by DATAS_DATABASE_URL or --database"
    if file and not (file.is_symlink() or file.exists()):
        text = f"There is no database at {file.absolute()}."
        yield fault(text, f"Name the right one {name}. To make a new one there: datas migrate.")
    elif file and file.is_file() and not os.access(file, os.R_OK):
        yield fault(f"You ({_user(os.geteuid())}) can't read {file}.", _as_owner(file))
    elif isinstance(case.found, str) and file:
        yield fault(
            case.found,
            f"If it is another program's, name Datas's {name}. If it is damaged, stop the servers: "
            "datas restore BACKUP --force.",
        )
    elif isinstance(case.found, str):
        remedy = 'Start the server, or mend DATAS_DATABASE_URL, until psql "$DATAS_DATABASE_URL"'
        yield fault(case.found, f"{remedy} gets in.")


def schema(case: Case) -> Findings:
    """The schema is current."""
    found = case.facts.schema
    if found.unknown:
        yield fault(
            f"A newer Datas wrote the database (it has {', '.join(found.unknown)}).",
            "Run that version, or go back: datas restore BACKUP --force, with one from before.",
        )
    if found.pending:
        yield Finding(
            Sign.WARNING if case.settings.auto_migrate else Sign.FAULT,
            f"Migrations are pending: {', '.join(found.pending)}.",
            "datas migrate. (A start does it too, unless DATAS_AUTO_MIGRATE=false.)",
        )


def rights(case: Case) -> Findings:
    """The database's files are their owner's alone, who can write them and their folder."""
    file, folder, me = case.file, case.file.parent, os.geteuid()
    there = [side for name in SIDES if (side := Path(f"{file}{name}")).exists()]
    owner = file.stat().st_uid
    for each in there:
        found, shown = each.stat(), quoted(each)
        if found.st_mode & 0o022:
            yield fault(f"Other users may write {each}.", f"chmod 600 {shown}")
        elif found.st_mode & 0o044:
            text = f"Other users may read {each}, and the hashes of passwords."
            yield warning(text, f"chmod 600 {shown}")
        if found.st_uid != owner:
            text = f"{each} isn't {_user(owner)}'s, who owns the database and may have to write it."
            yield fault(text, f"chown {_user(owner)} {shown}")
            continue
    if owner != me:
        yield warning(
            f"{file} is {_user(owner)}'s, and you are {_user(me)}: what you make beside it, its "
            "server can't write.",
            _as_owner(file),
        )
    for each in (folder, *there):
        if not os.access(each, os.W_OK):
            yield fault(f"You ({_user(me)}) can't write {each}.", _as_owner(each))
    if folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
        text = f"Anybody may put another file in the database's place, in {folder}."
        yield fault(text, f"chmod o-w {quoted(folder)}")


def _as_owner(path: Path) -> str:
    """What to do, so that the service may write it."""
    owner = path.stat().st_uid
    if owner == os.geteuid():
        return f"chmod u+rw{'x' * path.is_dir()} {quoted(path)}"
    if owner == 0:
        return f"Give it to the user that runs Datas: chown USER {quoted(path)}"
    return f"Run all of Datas as its owner: sudo -u {_user(owner)} datas …"


def _user(number: int) -> str:
    """A user's name, or the number of one who has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def disk(case: Case) -> Findings:
    """There is room on the disk."""
    file = case.file
    sizes = [side.stat().st_size for side in (file, Path(f"{file}-wal")) if side.exists()]
    free = shutil.disk_usage(file.parent).free
    text = (
        f"{free / 1e6:,.0f} MB are free, beside a database of {sizes[0] / 1e6:,.1f} MB and "
        f"{sum(sizes[1:]) / 1e6:,.1f} MB in its WAL."
    )
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < sum(sizes) + LITTLE:
        yield warning(f"No file may be over {limit / 1e6:,.1f} MB.", "ulimit -f unlimited")
    remedy = f"Make room. What takes it: du -xh {quoted(file.parent)} | sort -h"
    if free < LITTLE:
        yield fault(text, remedy)
    elif free < max(4 * LITTLE, sum(sizes)):
        yield warning(f"{text} A backup or a restore needs as much again.", remedy)
    else:
        yield Finding(Sign.OK, text)


def journal(case: Case) -> Findings:
    """The journal is a WAL: nobody who reads waits for who writes."""
    if case.file and case.facts.settings["journal_mode"] != "wal":
        yield warning(
            "The journal isn't a WAL: who reads waits for who writes.",
            "datas migrate, or the next start, sets it. If it stays so, the file is on a disk that "
            "can't, a network's say: move it, and name it by DATAS_DATABASE_URL.",
        )


def library(case: Case) -> Findings:
    """SQLite itself is new enough."""
    if case.file and (said := case.facts.settings["library"]):
        yield warning(said, "pip install pysqlite3 (Linux on x86-64), or a newer Python or system.")


def clock(case: Case) -> Findings:
    """The clock goes right, as far as can be seen from here."""
    newest, server = case.facts.newest, case.facts.settings.get("clock")
    now = case.now
    told, remedy = f"This machine's clock says {now:%F %T} UTC", "timedatectl set-ntp true"
    if now < RELEASED:
        yield fault(f"{told}, before this Datas was made.", remedy)
    if newest and newest > now + DRIFT:
        yield fault(f"{told}, and the newest item is of {newest:%F %T}.", remedy)
    ahead = datetime.fromtimestamp(float(server), UTC) - now if server else DRIFT
    if abs(ahead) > DRIFT:
        text = f"{told}, and PostgreSQL's is {ahead.total_seconds():+,.0f} s off."
        yield warning(text, f"On both: {remedy}")


def integrity(case: Case) -> Findings:
    """No damage was found. (A backup is searched deeper: datas backup FILE.)"""
    file = case.file if case.facts else None
    if file is None:
        return
    if file.stat().st_size > LARGE:
        click.echo(f"Looking for damage in {file}…", err=True)
    damage = find_damage(file, SEARCH_TIMEOUT)
    if damage is None:
        yield warning(
            f"To look for damage takes over {SEARCH_TIMEOUT:.0f} s, and was given up.",
            "A backup is checked to its end, however long that takes: datas backup FILE.",
        )
    for each in damage or ():
        yield fault(
            f"{file} is damaged: {each}.",
            "Stop the servers, keep a copy of all its files, and: datas restore BACKUP --force.",
        )
