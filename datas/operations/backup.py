"""`datas backup` and `datas restore`: the database as one file, and back."""

import shlex
from pathlib import Path

import click

from datas.cli.settings import database_option, read_settings, refusals
from datas.cli.text import echo
from datas.database_urls import is_postgresql, sqlite_file
from datas.operations.sqlite_copy import Copy, back_up, restore_backup
from datas.served import Package, load_package

# A URL may hold a password, so the commands name the variable.
_PG_DUMP = 'pg_dump --format=custom --file={0}.partial "$DATAS_DATABASE_URL" && mv {0}.partial {0}'
_PG_RESTORE = (
    'pg_restore --clean --if-exists --single-transaction --dbname="$DATAS_DATABASE_URL" {0}'
)

file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@file_argument
@database_option
def backup(file: Path, database: str | None) -> None:
    """Copy the database to FILE, while servers go on.

    The copy is checked, and on the disk, before it gets its name. A FILE that exists is replaced
    then, and stays whole until then. It holds password hashes: only its owner may read it.
    """
    settings = read_settings(database_url=database)
    url = settings.database_url
    refuse_postgresql(url, _PG_DUMP, file)
    with refusals(url):
        copy = back_up(sqlite_file(url), file)
    echo(_description(copy, load_package(settings.collections), "backed up"))


@click.command()
@file_argument
@database_option
@click.option("--force", is_flag=True, help="Replace a database that exists.")
def restore(file: Path, database: str | None, *, force: bool) -> None:
    """Put the backup FILE in the place of the database. Stop servers first.

    FILE is checked before anything is changed. If it is of an older schema, the next start brings
    it up to date.
    """
    settings = read_settings(database_url=database)
    url, package = settings.database_url, load_package(settings.collections)
    refuse_postgresql(url, _PG_RESTORE, file)
    with refusals(url):
        copy = restore_backup(sqlite_file(url), file, package.histories, force=force)
    echo(_description(copy, package, "restored"))


def _description(copy: Copy, package: Package, what_happened: str) -> str:
    """`Items backed up: 2, in /srv/copy.db (81,920 bytes).`, or each collection's number."""
    counts = {
        plural: copy.rows.get(table.row._meta.table_name, 0)  # noqa: SLF001 (Peewee's documented name)
        for plural, table in package.tables.items()
    }
    served = [each.collection.plural for each in package.collections]
    named = [plural for plural, count in counts.items() if count or plural in served]
    if len(named) == 1:
        head = f"{package.tables[named[0]].collection.plural_title} {what_happened}: "
        numbers = f"{counts[named[0]]:,}"
    else:
        head = f"Records {what_happened}: {sum(counts.values()):,}: "
        numbers = ", ".join(f"{plural} {counts[plural]:,}" for plural in named)
    return f"{head}{numbers}, in {copy.path} ({copy.size:,} bytes)."


def refuse_postgresql(url: str, instead: str, file: Path) -> None:
    """Raises: ClickException, which names the program to run instead."""
    if is_postgresql(url):
        command = instead.format(shlex.quote(str(file)))
        raise click.ClickException(f"PostgreSQL has programs of its own for this. Run: {command}")
