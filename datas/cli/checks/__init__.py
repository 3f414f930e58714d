"""What can be wrong with a service: the checks of `datas doctor`, and of a start of `datas serve`.

A check yields what it finds. If that is nothing, its docstring says what is well. It reads only.
"""

from collections.abc import Callable, Iterable, Iterator

import click

from datas.cli.checks.backups import backups
from datas.cli.checks.case import Case, Finding, Findings, Sign, UnreadError, fault
from datas.cli.checks.inside import (
    clock,
    database,
    disk,
    integrity,
    journal,
    library,
    rights,
    schema,
)
from datas.cli.checks.outside import access, hosts, proxies, secrets, settings
from datas.cli.checks.server import connections, server
from datas.domain.errors import StorageUnavailable

Check = Callable[[Case], Findings]

# What `datas serve` looks at too: before it opens the database, and after.
BEFORE: tuple[Check, ...] = (secrets, access, hosts)
AFTER: tuple[Check, ...] = (rights, disk, journal, clock, server, connections)
# What `datas doctor` looks at, in this order. The rest takes long, or a start says it anyway, or
# can't know: in a container everybody listens at 0.0.0.0, and nobody else may reach it.
WITHOUT_DATABASE: tuple[Check, ...] = (settings, *BEFORE, proxies)
CHECKS = (*WITHOUT_DATABASE, database, schema, library, *AFTER, integrity, backups)


def examine(case: Case, checks: Iterable[Check]) -> Iterator[tuple[str, Finding]]:
    """What the checks find, or that all is well; those that make no sense here say nothing."""
    for check in checks:
        try:
            found = list(check(case)) or [Finding(Sign.OK, check.__doc__ or "")]
        except UnreadError:
            continue
        except StorageUnavailable as error:
            found = [fault(str(error), "It was there a moment ago. Look again: datas doctor.")]
        except OSError as error:
            what = f"{error.filename or 'A file'} can't be looked at: {error.strerror}."
            found = [fault(what, "Run it as the user that runs Datas: sudo -u USER datas doctor.")]
        yield from ((check.__name__, finding) for finding in found)


def tell_at_start(case: Case, checks: tuple[Check, ...]) -> None:
    """Tell on standard error what isn't well, and go on.

    Raises: ClickException, for a fault that is seen before the database is opened.
    """
    for _, (sign, text, remedy) in examine(case, checks):
        if sign == Sign.FAULT and checks is BEFORE:
            raise click.ClickException(f"{text} {remedy}")
        if sign != Sign.OK:
            click.echo(f"{sign.capitalize()}: {text}\n  {remedy}", err=True)
