"""`datas doctor`: looks for faults, and says how to repair each. It changes nothing."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from datas.cli.settings import access_option, database_option
from datas.cli.text import echo
from datas.operations.checks import ALL, WITHOUT_DATABASE, examine
from datas.operations.checks.context import Check, Context
from datas.served import load_package
from datas.settings import Settings

MAX_PORT = 65535


def _checked_address(_context: click.Context, _parameter: click.Parameter, bind: str) -> str:
    """Refuse what is no address before a database is opened, or made."""
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise click.BadParameter(
            f"{bind!r} is not HOST:PORT, such as 127.0.0.1:8000 (a port is at most 65535)"
        )
    return bind


bind_option = click.option(
    "--bind",
    metavar="HOST:PORT",
    default="127.0.0.1:8000",
    show_default=True,
    callback=_checked_address,
)


@click.command()
@bind_option
@access_option
@database_option
@click.option(
    "--backups",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="A backup, or a folder of backups, of which the newest counts.",
)
def doctor(bind: str, access: str | None, database: str | None, backups: Path | None) -> None:
    """Look for faults, now or soon, and say how to repair each.

    Nothing is changed, and servers may go on. Use the options and settings of your `datas serve`.
    The exit code is 1 if there is a fault, and 0 if there are only warnings.
    """
    settings, faults = Settings.read_with_faults(load_package, access=access, database_url=database)
    context = Context(settings, bind, access is not None, faults, backups)
    severities = []
    checks = WITHOUT_DATABASE if "DATAS_DATABASE_URL" in faults else ALL
    for name, (severity, text, remedy) in examine(context, checks):
        echo(f"{severity:8} {name}: {text}" + (f"\n         {remedy}" if remedy else ""))
        severities.append(severity)
    count, warnings = severities.count("fault"), severities.count("warning")
    echo(f"Faults: {count}, warnings: {warnings}." if count + warnings else "All is well.")
    sys.exit(min(1, count))


def check_at_start(context: Context, checks: Iterable[Check], *, refuse: bool) -> None:
    """Print what `datas serve` finds. Raises: ClickException, for a fault, with `refuse`."""
    for _, (severity, text, remedy) in examine(context, checks):
        if refuse and severity == "fault":
            raise click.ClickException(f"{text} {remedy}")
        if severity != "ok":
            echo(f"{severity.capitalize()}: {text}\n  {remedy}", err=True)
