"""What every command needs: the settings, and the database that they name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from datas.bootstrap import Services, build_services, open_database, redacted_url
from datas.domain.errors import (
    DomainError,
    StorageUnavailable,
    TokenNotFound,
    UsernameTaken,
    UserNotFound,
    UserOwnsItems,
)
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
def opened_database(
    settings: Settings, *, auto_migrate: bool, read_only: bool = False
) -> Iterator["SqlDatabase"]:
    """The database, closed afterwards; what it refuses ends the command with one clear line."""
    url = settings.database_url
    try:
        database = open_database(url, auto_migrate=auto_migrate, read_only=read_only)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        with refusals(url):
            yield database
    finally:
        database.close()
        if database.engine.made:
            click.echo(f"A new database was made: {redacted_url(url)}", err=True)


@contextmanager
def opened_services(
    database: str | None, *, make: bool = False, read_only: bool = False
) -> Iterator[tuple[Services, str]]:
    """The services over the database, and its URL to show; what they refuse is one clear line.

    Without `make` an absent database is refused: more likely than not this is the wrong folder.
    """
    settings = read_settings(database)
    migrate = settings.auto_migrate
    with opened_database(settings, auto_migrate=migrate, read_only=read_only) as opened:
        if not (make or opened.exists()):
            raise StorageUnavailable(
                "There is no database. Name another by --database, or make one with its first "
                "user: datas user add NAME"
            )
        yield build_services(settings, opened), redacted_url(settings.database_url)


@contextmanager
def refusals(url: str) -> Iterator[None]:
    """What is refused in this block ends the command with one clear line."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(_explained(error, redacted_url(url))) from None


def _explained(error: DomainError, url: str) -> str:
    """The error in a line, with what the command line knows of it: where it was, what to run."""
    match error:
        case StorageUnavailable():
            # libpq's own words: which host, and why. SQLite has no more to say than we have.
            said = f" ({error.__cause__})" if url.startswith("postgres") and error.__cause__ else ""
            return f"{url}: {error}{said}"
        case UserOwnsItems():
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
