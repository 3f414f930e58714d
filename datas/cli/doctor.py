"""`datas doctor`: is all well, and if not, what is to be done?"""

import os
import sys
from pathlib import Path

import click

from datas.cli.checks import CHECKS, WITHOUT_DATABASE, examine
from datas.cli.checks.case import Case, Finding, Sign, fault, warning
from datas.cli.serve import serve
from datas.cli.settings import database_option
from datas.settings import InvalidSettings, Settings, unknown_names

# The same ones as a server's, so that it is asked about as it is started.
_AS_SERVE = [each for each in serve.params if each.name in {"bind", "workers", "access"}]


@click.command(params=_AS_SERVE)
@database_option
@click.option(
    "--backups",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Where backups are: a file, or a folder, in which the newest counts.",
)
def doctor(
    bind: str, workers: int, access: str | None, database: str | None, backups: Path | None
) -> None:
    """Look for what is wrong, or soon may be, and say what to do.

    Everything is only looked at, and servers may go on. Name options and settings as you do to
    `datas serve`. The exit code is 1 if there is a fault, and 0 if there are at most warnings.
    """
    given = {"DATAS_ACCESS": access, "DATAS_DATABASE_URL": database}
    os.environ.update({name: value for name, value in given.items() if value is not None})
    settings, mistakes = _read_settings()
    named = not any(mistake.text.startswith("DATAS_DATABASE_URL:") for mistake in mistakes)
    case = Case(settings, bind, workers, access is not None, backups, mistakes)
    signs = []
    for name, (sign, text, remedy) in examine(case, CHECKS if named else WITHOUT_DATABASE):
        lines = f"{sign:8} {name}: {text}" + (f"\n         {remedy}" if remedy else "")
        # A path may have bytes that aren't text.
        click.echo(lines.encode(errors="backslashreplace").decode())
        signs.append(sign)
    faults, warnings = signs.count(Sign.FAULT), signs.count(Sign.WARNING)
    click.echo(f"Faults: {faults}, warnings: {warnings}." if faults + warnings else "All is well.")
    sys.exit(min(1, faults))


def _read_settings() -> tuple[Settings, tuple[Finding, ...]]:
    """The settings, with the defaults of those that can't be used, and what is wrong with them."""
    found = [warning(*text.rsplit(". ", 1)) for text in unknown_names().values()]
    try:
        settings = Settings.read()
    except InvalidSettings as error:
        for line in str(error).splitlines():
            name = line.partition(":")[0]
            found.append(fault(line, f"Correct it, or go back to its default: unset {name}."))
            del os.environ[name]
        settings = Settings.read()
    return settings, tuple(found)
