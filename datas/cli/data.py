"""`datas export` and `datas import`: records as lines of text, out and in."""

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
from datas.cli.text import echo, printable
from datas.database_urls import redacted_url
from datas.domain.access import SYSTEM, Actor
from datas.domain.errors import DomainError, InvalidRecord, list_faults
from datas.domain.service import RecordService
from datas.http.lines import line_formats
from datas.http.schemas import RecordBody

BATCH = 10_000  # records of one transaction: others write in between
STEP = 1000  # lines between two updates of the progress bar
SHORT = 100_000  # bytes or records that need no progress bar
MAX_REPORTED = 20  # invalid lines

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(["ndjson", "csv"]),
    help="Format of FILE [default: csv if its name ends in .csv, else ndjson].",
)
collection_option = click.option(
    "--collection",
    metavar="NAME",
    help="Which collection, if there are several, such as books.",
)


@click.command("export")
@click.argument("file", default="-")
@format_option
@collection_option
@database_option
def export_records(
    file: str, format_name: str | None, collection: str | None, database: str | None
) -> None:
    """Write all records of a collection to FILE, or to standard output.

    A FILE that exists is replaced at the end, and stays whole until then. To a device or a pipe,
    records are written one after the other.
    """
    written = 0
    with opened_services(database, read_only=True) as (services, _):
        records, form = _chosen(services, collection, format_name, file)
        total = records.page(limit=1, count=True).total

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal written
            for step in records.export():
                yield step
                written += len(step)
                bar.update(len(step))

        with open_output(file) as out, _progress(total or 0, "Exporting") as bar:
            for piece in form.write(counted()):
                out.write(piece)
    echo(f"{records.collection.plural_title} exported: {written:,}.", err=True)
    ending = Path(file).suffix.lower()
    if format_name is None and ending not in ("", ".csv", ".ndjson", ".jsonl"):
        echo(
            f"{file} is NDJSON, a JSON object on each line: no format has the ending {ending}. "
            "For a table: --format csv.",
            err=True,
        )


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@format_option
@click.option("--dry-run", is_flag=True, help="Check every line, and store nothing.")
@click.option("--owner", metavar="NAME", help="The owner of the new records [default: none].")
@click.option(
    "--skip", metavar="N", type=click.IntRange(0), default=0, help="Leave out the first N records."
)
@collection_option
@database_option
def import_records(  # noqa: PLR0913, PLR0917 (one for each option)
    file: str,
    format_name: str | None,
    owner: str | None,
    skip: int,
    collection: str | None,
    database: str | None,
    *,
    dry_run: bool,
) -> None:
    """Create records from the lines of FILE, or of standard input (-).

    All lines are checked first. Then they are stored, ten thousand in a transaction, so that other
    writers get their turn. Ids and dates are new, and the owner is that of --owner. Fields that a
    client can't write are ignored.
    """
    options = {
        "--format": format_name,
        "--owner": owner,
        "--collection": collection,
        "--database": database and redacted_url(database),
    }
    with (
        opened_services(database, make=True) as (services, _),
        open_input(file) as source,
        _signals() as stopped,
    ):
        records, form = _chosen(services, collection, format_name, file)
        plural = records.collection.plural_title
        actor = SYSTEM if owner is None else Actor(services.accounts.get_user(owner).username)
        count, owners = _check(_watched(form.read(source), source, "Checking", stopped))
        if stopped.is_set():
            raise click.ClickException("interrupted. Nothing was stored.")
        if skip > count:
            raise click.ClickException(
                f"{file} has only {count:,} {plural.lower()}. Nothing was stored."
            )
        if dry_run:
            echo(f"{plural} checked: {count:,}, all good. Nothing was stored.")
            _warn_of_owners(owners, owner)
            return
        source.seek(0)
        lines = _watched(form.read(source), source, "Importing", stopped)
        drafts = islice(_drafts(lines, records.collection.name), skip, None)
        stored, fault = _store(records, drafts, actor)
    if fault or skip + stored < count:
        reason = fault or ("Interrupted." if stopped.is_set() else f"{file} became shorter.")
        go_on = f"To go on with the next: {_command(file, options)} --skip {skip + stored}"
        raise click.ClickException(f"{plural} stored: {stored:,}. Then: {reason} {go_on}")
    echo(f"{plural} imported: {stored:,}.")
    _warn_of_owners(owners, owner)


def _warn_of_owners(owners: int, owner: str | None) -> None:
    """Owners stay out: in this database a name may belong to another person."""
    if owners and owner is None:
        echo(
            f"Lines that name an owner: {owners:,}. Owners are not imported. To give all records "
            "of an import to one user: --owner NAME",
            err=True,
        )


def _command(file: str, options: Mapping[str, str | None]) -> str:
    """The same import again, for a shell."""
    arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
    path = f"./{file}" if file.startswith("-") and file != "-" else file
    return shlex.join(["datas", "import", path, *arguments])


def _check(lines: Iterable[Any]) -> tuple[int, int]:
    """Return how many lines there are, and how many of them name an owner.

    Raises: ClickException, if some are invalid.
    """
    count, owners, faults, reported = 0, 0, 0, list[str]()
    for line in lines:
        count += 1
        owners += line.has_owner
        if line.errors is not None:
            faults += 1
            if faults <= MAX_REPORTED:
                reported.append(f"line {line.number}: {printable(list_faults(line.errors))}")
    if faults:
        more = [f"And {faults - MAX_REPORTED} more."] if faults > MAX_REPORTED else []
        lines_at_fault = "\n".join([*reported, *more])
        raise click.ClickException(
            f"these lines are at fault, and nothing was stored:\n{lines_at_fault}"
        )
    return count, owners


def _drafts(lines: Iterable[Any], name: str) -> Iterator[Any]:
    """Raises: InvalidRecord, if the file changed after its lines were checked."""
    for line in lines:
        if line.errors is not None:
            raise InvalidRecord(name, line.errors)
        yield line.draft


def _store(records: RecordService[Any], drafts: Iterator[Any], actor: Actor) -> tuple[int, str]:
    """Return how many drafts are stored, and the error that stopped the rest."""
    stored = 0
    try:
        while batch := list(islice(drafts, BATCH)):
            stored += records.create_all(batch, actor=actor)
    except DomainError as error:
        return stored, str(error)
    return stored, ""


def _chosen(
    services: Services, name: str | None, format_name: str | None, file: str
) -> tuple[RecordService[Any], Any]:
    """The service of a collection, and its lines. Raises: ClickException, UsageError."""
    served = {each.collection.plural: each for each in services.package.collections}
    if name is None and len(served) > 1:
        raise click.UsageError(f"Name one by --collection: {', '.join(served)}.")
    plural = name or next(iter(served))
    if plural not in served:
        raise click.UsageError(f"There is no collection {plural!r}: {', '.join(served)}.")
    body = RecordBody(served[plural].collection, served[plural].schema)
    chosen = format_name or ("csv" if file.lower().endswith(".csv") else "ndjson")
    return services.records[plural], line_formats(body)[chosen]


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Ctrl+C and SIGTERM only set an event: the number of stored records must still be reported."""
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
    """The lines but blank ones, with a progress bar, until they end or `stopped` is set."""
    size = Path(f"/dev/fd/{source.fileno()}").stat().st_size
    with _progress(size, label) as bar:
        while not stopped.is_set() and (some := list(islice(lines, STEP))):
            yield from (line for line in some if not line.is_blank)
            bar.update(source.tell() - bar.pos)


def _progress(length: int, label: str) -> Any:
    hidden = length < SHORT or not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)
