"""The checks of `datas doctor` and of the start of `datas serve`.

A check only reads, and yields what it finds. If it yields nothing, its docstring is the OK message.
"""

from collections.abc import Iterable, Iterator

from datas.operations.checks.backup_age import backups
from datas.operations.checks.context import Check, Context, Finding, NotApplicableError, fault, ok
from datas.operations.checks.service import access, hosts, secrets, settings
from datas.operations.checks.storage import database, disk, integrity, rights, schema

# What `datas serve` checks too. It leaves out what takes long, and what its start says anyway.
BEFORE_OPENING: tuple[Check, ...] = (secrets, access, hosts)
AFTER_OPENING: tuple[Check, ...] = (rights, disk)
WITHOUT_DATABASE: tuple[Check, ...] = (settings, *BEFORE_OPENING)
ALL = (*WITHOUT_DATABASE, database, schema, *AFTER_OPENING, integrity, backups)


def examine(context: Context, checks: Iterable[Check]) -> Iterator[tuple[str, Finding]]:
    """Each check's name with each of its findings. A check that finds nothing is OK."""
    for check in checks:
        try:
            found = list(check(context)) or [ok(check.__doc__ or "")]
        except NotApplicableError:
            continue
        except OSError as error:
            text = f"{error.filename or 'A file'} can't be examined: {error.strerror}."
            found = [fault(text, "Run it as the user that runs Datas: sudo -u USER datas doctor.")]
        yield from ((check.__name__, finding) for finding in found)
