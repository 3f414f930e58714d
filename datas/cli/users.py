"""`datas user` and `datas token`: who may sign in, and the secrets that stand for them.

A password is never an argument: other users of the machine see those, and shells remember them.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

import click

from datas.bootstrap import Services
from datas.cli.settings import database_option, opened_services
from datas.domain.access import Actor
from datas.domain.errors import UsernameTaken, UserNotFound
from datas.domain.users import MAX_LABEL, MAX_PASSWORD, MIN_PASSWORD, username_faults

MAX_ID = 2**63 - 1


def _checked_name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> object:
    """Tell at once what can't be anybody's name, before a password is typed for it."""
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
        added = services.users.register(name, _read_password())
    credentials = f'{{"username": "{added.username}", "password": "…"}}'
    click.echo(
        f"User {added.username} can sign in now, where items are kept in {url}:\n"
        f"  With a password:  curl localhost:8000/api/tokens --json '{credentials}'\n"
        f"  On this machine:  TOKEN=$(datas token issue {added.username})\n"
        "  What a token is for, and more: README.md"
    )


@user.command("list")
@database_option
def list_users(database: str | None) -> None:
    """Show all users by name."""
    with opened_services(database, read_only=True) as (services, url):
        users = services.users.all()
    if users:
        _echo_table(("NAME", "JOINED (UTC)"), ((one.username, one.date_joined) for one in users))
    else:
        click.echo(f"There are no users in {url}. Make one: datas user add NAME", err=True)


@user.command("password")
@name_argument
@database_option
def set_password(name: str, database: str | None) -> None:
    """Give a user another password, and revoke their tokens.

    The password is asked for. Without a terminal it is read as one line from standard input.
    """
    with opened_services(database) as (services, _):
        username = services.users.get(name).username
        services.users.set_password(username, _read_password())
    click.echo(f"User {username} has another password. The tokens of before are worthless.")


@user.command("remove")
@name_argument
@click.option(
    "--give-to", metavar="NAME", callback=_checked_name, help="Who gets the items of the user."
)
@database_option
def remove_user(name: str, give_to: str | None, database: str | None) -> None:
    """Remove a user, and their tokens.

    Who owns items can't be removed: --give-to makes them another user's.
    """
    with opened_services(database) as (services, _):
        given = services.users.remove(name, give_to=give_to)
    click.echo(f"User {name.lower()} is removed.")
    if give_to is not None:
        click.echo(f"Items given to {give_to.lower()}: {given}.")


@token.command("issue")
@name_argument
@click.option(
    "--label", default="", help=f"What it is for, in {MAX_LABEL} characters or fewer, for the list."
)
@database_option
def issue_token(name: str, label: str, database: str | None) -> None:
    """Issue a token: its secret, alone on standard output.

    TOKEN=$(datas token issue alice) keeps it in a variable of the shell.
    """
    with opened_services(database) as (services, _):
        issued, secret = services.sign_in.issue(services.users.get(name), label=label)
    click.echo(secret)
    click.echo(
        f"Token {issued.id} stands for {issued.username} until {_moment(issued.date_expires)} UTC. "
        "This is the only time that it is shown.\n"
        "  Use it:     curl localhost:8000/api/datas "
        """-H "Authorization: Bearer $TOKEN" --json '{"data": "hello"}'\n"""
        f"  Revoke it:  datas token revoke {issued.username} {issued.id}",
        err=True,
    )


@token.command("list")
@name_argument
@database_option
def list_tokens(name: str, database: str | None) -> None:
    """Show the tokens of a user, without their secrets."""
    with opened_services(database, read_only=True) as (services, _):
        username = services.users.get(name).username
        tokens = services.sign_in.tokens(Actor(username))
    if tokens:
        _echo_table(
            ("ID", "LABEL", "CREATED (UTC)", "EXPIRES (UTC)"),
            ((one.id, one.label, one.date_created, one.date_expires) for one in tokens),
        )
    else:
        click.echo(f"{username} has no tokens. Issue one: datas token issue {username}", err=True)


@token.command("revoke")
@name_argument
@click.argument("token_id", metavar="[ID]", type=click.IntRange(1, MAX_ID), required=False)
@click.option("--all", "every", is_flag=True, help="All of the user's, instead of one by its ID.")
@database_option
def revoke_token(name: str, token_id: int | None, database: str | None, *, every: bool) -> None:
    """Make a token of a user worthless at once, or all."""
    if every == (token_id is not None):
        raise click.UsageError("Name one token by its ID, or --all of them.")
    with opened_services(database) as (services, _):
        actor = Actor(services.users.get(name).username)
        if every:
            services.sign_in.revoke_all(actor)
        else:
            services.sign_in.revoke(actor, token_id)
    which = "All tokens" if every else f"Token {token_id}"
    click.echo(f"{which} of {actor.username} {'are' if every else 'is'} revoked.")


def _refuse_taken(services: Services, name: str) -> None:
    """Raises: UsernameTaken, before a password is asked for."""
    try:
        taken = services.users.get(name)
    except UserNotFound:
        return
    raise UsernameTaken(taken.username)


def _read_password() -> str:
    """One that is typed twice on a terminal, unseen; or one line of standard input."""
    if sys.stdin is not None and sys.stdin.isatty():
        asked = f"Password ({MIN_PASSWORD} characters or more; it isn't shown)"
        typed: str = click.prompt(asked, hide_input=True, confirmation_prompt="Again", err=True)
        return typed
    # Enough for the longest in UTF-8 and the end of its line. What isn't UTF-8 the domain refuses.
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
        click.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    # A label may come from anybody who signs in: nothing in it may steer the terminal.
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value)
    )


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}"
