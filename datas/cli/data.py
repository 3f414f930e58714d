"""`datas export` and `datas import`: items as lines of text, out and in."""

import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click

from datas.bootstrap import Services
from datas.cli.files import open_input, open_output
from datas.cli.settings import database_option, opened_services
from datas.database_urls import redacted_url
from datas.domain.access import SYSTEM, Actor
from datas.domain.errors import DomainError, list_faults
from datas.domain.items import Draft
from datas.http.streams import FORMATS

BATCH = 10_000  # items of one transaction: others write in between
STEP = 1000  # lines between two updates of the progress bar
MAX_REPORTED = 20  # invalid lines

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(["ndjson", "csv"]),
    help="Format of FILE [default: csv if its name ends in .csv, else ndjson].",
)


@click.command("export")
@click.argument("file", default="-")
@format_option
@database_option
def export_items(file: str, format_name: str | None, database: str | None) -> None:
    """Write all items to FILE, or to standard output.

    A FILE that exists is replaced at the end, and stays whole until then. To a device or a pipe,
    items are written one after the other.
    """
    written = 0
    with opened_services(database, read_only=True) as (services, _):
        total = services.items.page(limit=1, count=True).total

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal written
            for items in services.transfer.export():
                yield items
                written += len(items)
                bar.update(len(items))

        with open_output(file) as out, _progress(total or 0, "Exporting") as bar:
            for piece in _format(format_name, file).write(counted()):
                out.write(piece)
    click.echo(f"Items exported: {written:,}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@format_option
@click.option("--dry-run", is_flag=True, help="Check every line, and store nothing.")
@click.option("--owner", metavar="NAME", help="The owner of the new items [default: none].")
@click.option(
    "--skip", metavar="N", type=click.IntRange(0), default=0, help="Leave out the first N items."
)
@database_option
def import_items(  # noqa: PLR0913 (one for each option)
    file: str,
    format_name: str | None,
    owner: str | None,
    skip: int,
    database: str | None,
    *,
    dry_run: bool,
) -> None:
    """Create items from the lines of FILE, or of standard input (-).

    All lines are checked first. Then they are stored, ten thousand in a transaction, so that other
    writers get their turn. Ids and dates are new. Fields that a client can't write are ignored.
    """
    form = _format(format_name, file)
    shown = database and redacted_url(database)
    command = _command(file, {"--format": format_name, "--owner": owner, "--database": shown})
    with (
        opened_services(database, make=True) as (services, _),
        open_input(file) as source,
        _signals() as stopped,
    ):
        actor = SYSTEM if owner is None else Actor(services.accounts.get_user(owner).username)
        count = _check(_watched(form.read(source), source, "Checking", stopped))
        if stopped.is_set():
            raise click.ClickException("interrupted. Nothing was stored.")
        if skip > count:
            raise click.ClickException(f"{file} has only {count:,} items. Nothing was stored.")
        if dry_run:
            click.echo(f"Items checked: {count:,}, all good. Nothing was stored.")
            return
        source.seek(0)
        lines = _watched(form.read(source), source, "Importing", stopped)
        drafts = islice((line.draft for line in lines), skip, None)
        stored, fault = _store(services, drafts, actor)
    if fault or skip + stored < count:
        reason = fault or ("Interrupted." if stopped.is_set() else f"{file} became shorter.")
        go_on = f"To go on with the next: {command} --skip {skip + stored}"
        raise click.ClickException(f"Items stored: {stored:,}. Then: {reason} {go_on}")
    click.echo(f"Items imported: {stored:,}.")


def _command(file: str, options: Mapping[str, str | None]) -> str:
    """The same import again, for a shell."""
    arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
    path = f"./{file}" if file.startswith("-") and file != "-" else file
    return shlex.join(["datas", "import", path, *arguments])


def _check(lines: Iterable[Any]) -> int:
    """Return how many lines there are. Raises: ClickException, if some are invalid."""
    count, faults, reported = 0, 0, list[str]()
    for line in lines:
        count += 1
        if line.errors is not None:
            faults += 1
            if faults <= MAX_REPORTED:
                reported.append(f"line {line.number}: {list_faults(line.errors)}")
    if faults:
        more = [f"And {faults - MAX_REPORTED} more."] if faults > MAX_REPORTED else []
        lines_at_fault = "\n".join([*reported, *more])
        raise click.ClickException(
            f"these lines are at fault, and nothing was stored:\n{lines_at_fault}"
        )
    return count


def _store(services: Services, drafts: Iterator[Draft], actor: Actor) -> tuple[int, str]:
    """Return how many drafts are stored, and the error that stopped the rest."""
    stored = 0
    try:
        while batch := list(islice(drafts, BATCH)):
            stored += services.transfer.create_all(batch, actor=actor)
    except DomainError as error:
        return stored, str(error)
    return stored, ""


def _format(name: str | None, file: str) -> Any:
    return FORMATS[name or ("csv" if file.lower().endswith(".csv") else "ndjson")]


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Ctrl+C and SIGTERM only set an event: the number of stored items must still be reported."""
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watched(
    lines: Iterator[Any], source: IO[bytes], label: str, stopped: threading.Event
) -> Iterator[Any]:
    """The lines, with a progress bar, until they end or `stopped` is set."""
    size = Path(f"/dev/fd/{source.fileno()}").stat().st_size
    with _progress(size, label) as bar:
        while not stopped.is_set() and (some := list(islice(lines, STEP))):
            yield from some
            bar.update(source.tell() - bar.pos)


def _progress(length: int, label: str) -> Any:
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)
