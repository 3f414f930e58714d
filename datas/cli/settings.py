"""What every command needs: the settings, and the database that they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from datas.bootstrap import open_database
from datas.domain.errors import StorageUnavailable
from datas.settings import InvalidSettings, Settings, unknown_names

if TYPE_CHECKING:
    from datas.adapters.sql.database import SqlDatabase

database_option = click.option(
    "--database",
    metavar="URL",
    help="Where items are kept [default: DATAS_DATABASE_URL, or sqlite:///datas.db].",
)


def read_settings(database: str | None) -> Settings:
    """The environment's settings with `--database` on top; names that mean nothing are warned of.

    What is read here is what a server started from here reads in its turn.
    """
    if database is not None:
        os.environ["DATAS_DATABASE_URL"] = database
    for name, warning in unknown_names().items():
        click.echo(f"Warning: {warning}", err=True)
        del os.environ[name]
    try:
        return Settings.read()
    except InvalidSettings as error:
        raise click.ClickException(f"these settings can't be used:\n{error}") from None


@contextmanager
def opened_database(settings: Settings, *, auto_migrate: bool) -> Iterator["SqlDatabase"]:
    """The database, closed afterwards; what it refuses ends the command with one clear line."""
    database = open_database(settings.database_url, auto_migrate=auto_migrate)
    try:
        yield database
    except StorageUnavailable as error:
        raise click.ClickException(f"{settings.database_url}: {error}") from None
    finally:
        database.close()
