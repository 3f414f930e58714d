"""`datas doctor`: looks for faults, and says how to repair each. It changes nothing."""

import sys
from pathlib import Path

import click

from datas.cli.settings import access_option, database_option
from datas.cli.text import echo
from datas.operations.checks import (
    AFTER_OPENING,
    ALL,
    BEFORE_OPENING,
    WITHOUT_DATABASE,
    examine,
)
from datas.operations.checks.context import Context, Finding, Severity, fault, warning
from datas.served import load_package
from datas.settings import Settings, unknown_names

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
    unknown = [warning(*text.rsplit(". ", 1)) for text in unknown_names().values()]
    settings, faults = Settings.read_with_faults(load_package, access=access, database_url=database)
    mistakes = [
        fault(f"{name}: {text}", f"Correct it, or go back to its default: unset {name}.")
        for name, text in faults.items()
    ]
    context = Context(settings, bind, access is not None, backups, (*unknown, *mistakes))
    severities = []
    checks = WITHOUT_DATABASE if "DATAS_DATABASE_URL" in faults else ALL
    for name, (severity, text, remedy) in examine(context, checks):
        echo(f"{severity:8} {name}: {text}" + (f"\n         {remedy}" if remedy else ""))
        severities.append(severity)
    count, warnings = severities.count(Severity.FAULT), severities.count(Severity.WARNING)
    echo(f"Faults: {count}, warnings: {warnings}." if count + warnings else "All is well.")
    sys.exit(min(1, count))


def check_before_opening(context: Context) -> None:
    """Print what `datas serve` finds before it opens the database.

    Raises: ClickException, for the first fault.
    """
    for _, finding in examine(context, BEFORE_OPENING):
        if finding.severity == Severity.FAULT:
            raise click.ClickException(f"{finding.text} {finding.remedy}")
        _print_at_start(finding)


def check_after_opening(context: Context) -> None:
    """Print what `datas serve` finds once the database is open."""
    for _, finding in examine(context, AFTER_OPENING):
        _print_at_start(finding)


def _print_at_start(finding: Finding) -> None:
    if finding.severity != Severity.OK:
        echo(f"{finding.severity.capitalize()}: {finding.text}\n  {finding.remedy}", err=True)
