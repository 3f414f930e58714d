"""What every command needs: the settings, and the database that they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from datas.bootstrap import Services, build_services
from datas.cli.text import echo
from datas.database_urls import open_database, redacted_url
from datas.domain.access import Mode
from datas.domain.errors import (
    DomainError,
    StorageUnavailable,
    TokenNotFound,
    UsernameTaken,
    UserNotFound,
    UserOwnsRecords,
)
from datas.served import load_package
from datas.settings import InvalidSettings, Settings, unknown_names

if TYPE_CHECKING:
    from datas.adapters.sql.database import SqlDatabase

database_option = click.option(
    "--database",
    metavar="URL",
    help="Where records are kept [default: DATAS_DATABASE_URL, or sqlite:///datas.db].",
)


access_option = click.option(
    "--access",
    type=click.Choice([mode.value for mode in Mode]),
    help="What users and others may do [default: DATAS_ACCESS, or authenticated].",
)


def read_settings(**options: str | None) -> Settings:
    """The settings, with options of the command line in place of the environment's variables.

    Warn of each variable that is no setting, and remove it: a server started from here would warn
    again. Raises: ClickException, if settings can't be used.
    """
    for name, warning in unknown_names().items():
        echo(f"Warning: {warning}", err=True)
        del os.environ[name]
    try:
        return Settings.read(load_package, **options)
    except InvalidSettings as error:
        raise click.ClickException(f"these settings can't be used:\n{error}") from None


@contextmanager
def opened_database(settings: Settings, *, read_only: bool = False) -> Iterator["SqlDatabase"]:
    """The database, closed at the end. An error of the domain ends the command with one line."""
    url, package = settings.database_url, load_package(settings.collections)
    try:
        database = open_database(
            url,
            *(package.tables, package.histories, package.other_tables),
            auto_migrate=settings.auto_migrate,
            read_only=read_only,
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        with refusals(url):
            yield database
    finally:
        database.close()
        if database.engine.made:
            echo(f"A new database was made: {redacted_url(url)}", err=True)


@contextmanager
def opened_services(
    database: str | None, *, make: bool = False, read_only: bool = False
) -> Iterator[tuple[Services, str]]:
    """The services over the database, and its URL to show. See `opened_database` for errors.

    Without `make`, an absent database is an error: most likely this is the wrong folder.
    """
    settings = read_settings(database_url=database)
    with opened_database(settings, read_only=read_only) as opened:
        if not (make or opened.exists()):
            raise StorageUnavailable(
                "There is no database. Name another by --database, or make one with its first "
                "user: datas user add NAME"
            )
        package = load_package(settings.collections)
        yield build_services(settings, package, opened), redacted_url(settings.database_url)


@contextmanager
def refusals(url: str) -> Iterator[None]:
    """A block in which an error of the domain ends the command with one line."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(_explained(error, redacted_url(url))) from None


def _explained(error: DomainError, url: str) -> str:
    """The error in one line, with the database's URL or the command that helps."""
    match error:
        case StorageUnavailable():
            # libpq says which host, and why. SQLite's message would add nothing.
            said = f" ({error.__cause__})" if url.startswith("postgres") and error.__cause__ else ""
            return f"{url}: {error}{said}"
        case UserOwnsRecords():
            return f"{error} --give-to NAME does that."
        case UserNotFound():
            return f"there is no user {error.username} in {url}. See who there is: datas user list"
        case UsernameTaken():
            return f"{error} Or change its password: datas user password {error.username}"
        case TokenNotFound():
            return (
                f"this user has no token {error.token_id}. See what there is: datas token list NAME"
            )
        case _:
            return str(error)
