"""`datas user` and `datas token`: users, and the tokens that stand for them.

A password is never an argument: other users of the machine see arguments, and shells store them.
"""

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import click

from datas.bootstrap import Services
from datas.cli.settings import database_option, opened_services
from datas.cli.text import echo, printable
from datas.domain.access import Actor
from datas.domain.credentials import MAX_LABEL, MAX_PASSWORD, MIN_PASSWORD, username_faults
from datas.domain.errors import UsernameTaken, UserNotFound
from datas.domain.rules import MAX_INTEGER


def _checked_name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> object:
    """Refuse an invalid name before a password is typed for it."""
    if name is not None and (faults := username_faults(name)):
        raise click.ClickException(f"{name!r} can't be a username: it {' '.join(faults)}")
    return name


name_argument = click.argument("name", callback=_checked_name)


@click.group()
def user() -> None:
    """Make, list and remove users."""


@click.group()
def token() -> None:
    """Issue, list and revoke tokens, which stand for a user."""


@user.command("add")
@name_argument
@database_option
def add_user(name: str, database: str | None) -> None:
    """Make a user.

    The password is asked for. Without a terminal it is read as one line from standard input.
    """
    with opened_services(database, make=True) as (services, url):
        _refuse_taken(services, name)
        added = services.accounts.register(name, _read_password())
    credentials = f'{{"username": "{added.username}", "password": "…"}}'
    echo(
        f"User {added.username} can sign in now, where records are kept in {url}:\n"
        f"  With a password:  curl localhost:8000/api/tokens --json '{credentials}'\n"
        f"  On this machine:  TOKEN=$(datas token issue {added.username})\n"
        "  What a token is for, and more: docs/how-to/users-and-tokens.md"
    )


@user.command("list")
@database_option
def list_users(database: str | None) -> None:
    """Show all users by name."""
    with opened_services(database, read_only=True) as (services, url):
        users = services.accounts.list_users()
    if users:
        _echo_table(("NAME", "JOINED (UTC)"), ((one.username, one.date_joined) for one in users))
    else:
        echo(f"There are no users in {url}. Make one: datas user add NAME", err=True)


@user.command("password")
@name_argument
@database_option
def set_password(name: str, database: str | None) -> None:
    """Set a user's password, and revoke the user's tokens.

    The password is asked for. Without a terminal it is read as one line from standard input.
    """
    with opened_services(database) as (services, _):
        username = services.accounts.get_user(name).username
        services.accounts.set_password(username, _read_password())
    echo(f"User {username} has another password. The tokens of before are worthless.")


@user.command("remove")
@name_argument
@click.option(
    "--give-to", metavar="NAME", callback=_checked_name, help="The new owner of the user's records."
)
@database_option
def remove_user(name: str, give_to: str | None, database: str | None) -> None:
    """Remove a user, and the user's tokens.

    A user who owns records can't be removed: --give-to gives them to another user.
    """
    with opened_services(database) as (services, _):
        reassigned = services.accounts.remove_user(name, new_owner=give_to)
    echo(f"User {name.lower()} is removed.")
    if give_to is not None:
        echo(f"Records given to {give_to.lower()}: {reassigned}.")


@token.command("issue")
@name_argument
@click.option(
    "--label", default="", help=f"What the token is for, in {MAX_LABEL} characters or fewer."
)
@database_option
def issue_token(name: str, label: str, database: str | None) -> None:
    """Issue a token: its secret, alone on standard output.

    TOKEN=$(datas token issue alice) keeps it in a variable of the shell.
    """
    with opened_services(database) as (services, _):
        issued, secret = services.accounts.issue_token(
            services.accounts.get_user(name), label=label
        )
        first = services.package.first_request
    echo(secret)
    echo(
        f"Token {issued.id} stands for {issued.username} until {_moment(issued.date_expires)} UTC. "
        "This is the only time that it is shown.\n"
        f"  Use it:     curl localhost:8000{first['route']} "
        f"""-H "Authorization: Bearer $TOKEN" --json '{first["example"]}'\n"""
        f"  Revoke it:  datas token revoke {issued.username} {issued.id}",
        err=True,
    )


@token.command("list")
@name_argument
@database_option
def list_tokens(name: str, database: str | None) -> None:
    """Show the tokens of a user, without their secrets."""
    with opened_services(database, read_only=True) as (services, _):
        username = services.accounts.get_user(name).username
        tokens = services.accounts.list_tokens(Actor(username))
    if tokens:
        _echo_table(
            ("ID", "LABEL", "CREATED (UTC)", "EXPIRES (UTC)"),
            ((one.id, one.label, one.date_created, one.date_expires) for one in tokens),
        )
    else:
        echo(f"{username} has no tokens. Issue one: datas token issue {username}", err=True)


@token.command("revoke")
@name_argument
@click.argument("token_id", metavar="[ID]", type=click.IntRange(1, MAX_INTEGER), required=False)
@click.option(
    "--all", "every", is_flag=True, help="Revoke all tokens of the user, instead of one by its ID."
)
@database_option
def revoke_token(name: str, token_id: int | None, database: str | None, *, every: bool) -> None:
    """Revoke a token of a user, or all of them, at once."""
    if every == (token_id is not None):
        raise click.UsageError("Name one token by its ID, or --all of them.")
    with opened_services(database) as (services, _):
        actor = Actor(services.accounts.get_user(name).username)
        if every:
            services.accounts.revoke_all_tokens(actor)
        else:
            services.accounts.revoke_token(actor, token_id)
    which = "All tokens" if every else f"Token {token_id}"
    echo(f"{which} of {actor.username} {'are' if every else 'is'} revoked.")


def _refuse_taken(services: Services, name: str) -> None:
    """Raises: UsernameTaken, before a password is asked for."""
    with suppress(UserNotFound):
        raise UsernameTaken(services.accounts.get_user(name).username)


def _read_password() -> str:
    """The password: typed twice on a terminal, or one line of standard input."""
    if sys.stdin is not None and sys.stdin.isatty():
        asked = f"Password ({MIN_PASSWORD} characters or more; it isn't shown)"
        typed: str = click.prompt(asked, hide_input=True, confirmation_prompt="Again", err=True)
        return typed
    # Enough for the longest password in UTF-8 and a line end. The domain refuses invalid UTF-8.
    longest = 4 * MAX_PASSWORD + 2
    line = b"" if sys.stdin is None else sys.stdin.buffer.readline(longest)
    if not line:
        raise click.ClickException(
            "there is no password on standard input. Run this on a terminal, which asks for one, "
            "or send one line: datas user … < FILE"
        )
    return line.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")


def _echo_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest cell."""
    table = [head, *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    return printable(str(value))  # a client chooses the label


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}"
