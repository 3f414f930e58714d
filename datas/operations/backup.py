"""`datas backup` and `datas restore`: the database as one file, and back."""

import shlex
from pathlib import Path

import click

from datas.cli.settings import database_option, read_settings, refusals
from datas.database_urls import is_postgresql, sqlite_file
from datas.operations.sqlite_copy import back_up, restore_backup

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
    url = read_settings(database_url=database).database_url
    refuse_postgresql(url, _PG_DUMP, file)
    with refusals(url):
        copy = back_up(sqlite_file(url), file)
    click.echo(f"Items backed up: {copy.items:,}, in {copy.path} ({copy.size:,} bytes).")


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
    click.echo(f"Items restored: {copy.items:,}, in {copy.path} ({copy.size:,} bytes).")


def refuse_postgresql(url: str, instead: str, file: Path) -> None:
    """Raises: ClickException, which names the program to run instead."""
    if is_postgresql(url):
        command = instead.format(shlex.quote(str(file)))
        raise click.ClickException(f"PostgreSQL has programs of its own for this. Run: {command}")
