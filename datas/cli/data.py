"""`datas export` and `datas import`: items as lines of text, out and in."""

import os
import secrets
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import click

from datas.bootstrap import Services, line_formats, redacted_url
from datas.cli.settings import database_option, opened_services
from datas.domain.access import SYSTEM, Actor
from datas.domain.errors import DomainError, list_faults
from datas.domain.items import Draft

BATCH = 10_000  # items of one transaction: others write in between
STEP = 1000  # lines between two looks at the clock and at signals
MAX_SHOWN = 20  # lines at fault

format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(["ndjson", "csv"]),
    help="How items are written [default: csv if FILE ends so, else ndjson].",
)


@click.command("export")
@click.argument("file", default="-")
@format_option
@database_option
def export_items(file: str, format_name: str | None, database: str | None) -> None:
    """Write all items to FILE, or to standard output.

    A FILE that exists is replaced when all are written, and stays whole until then. A device or a
    pipe is written to as items come.
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

        with _written(file) as out, _progress(total or 0, "Exporting") as bar:
            for piece in _format(format_name, file).write(counted()):
                out.write(piece)
    click.echo(f"Items exported: {written:,}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@format_option
@click.option("--dry-run", is_flag=True, help="Check every line, and store none.")
@click.option("--owner", metavar="NAME", help="Whose items they become [default: nobody's].")
@click.option(
    "--skip", metavar="N", type=click.IntRange(0), default=0, help="Pass over the first N items."
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

    All lines are checked first. Then they are stored, ten thousand in a transaction, so that
    others can write in between. Ids and dates are new; what else a line says is passed over.
    """
    form = _format(format_name, file)
    shown = database and redacted_url(database)
    command = _command(file, {"--format": format_name, "--owner": owner, "--database": shown})
    with (
        opened_services(database, make=True) as (services, _),
        _opened(file) as source,
        _signals() as stopped,
    ):
        actor = SYSTEM if owner is None else Actor(services.users.get(owner).username)
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
            why = fault or ("Interrupted." if stopped.is_set() else f"{file} became shorter.")
            raise click.ClickException(_go_on(why, stored, f"{command} --skip {skip + stored}"))
    click.echo(f"Items imported: {stored:,}.")


def _go_on(why: str, stored: int, command: str) -> str:
    # What keeps the next may say that nothing was changed: by them.
    return f"Items stored: {stored:,}. Then: {why} To go on with the next: {command}"


def _command(file: str, options: Mapping[str, str | None]) -> str:
    """The same import again, for a shell."""
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    path = f"./{file}" if file.startswith("-") and file != "-" else file
    return shlex.join(["datas", "import", path, *given])


def _check(lines: Iterable[Any]) -> int:
    """Return how many lines there are. Raises: ClickException, if some are at fault."""
    count, faults, shown = 0, 0, list[str]()
    for line in lines:
        count += 1
        if line.errors is not None:
            faults += 1
            if faults <= MAX_SHOWN:
                shown.append(f"line {line.number}: {list_faults(line.errors)}")
    if faults:
        more = [f"And {faults - MAX_SHOWN} more."] if faults > MAX_SHOWN else []
        told = "\n".join([*shown, *more])
        raise click.ClickException(f"these lines are at fault, and nothing was stored:\n{told}")
    return count


def _store(services: Services, drafts: Iterator[Draft], actor: Actor) -> tuple[int, str]:
    """Return how many are stored, and what keeps the next from being so."""
    stored = 0
    try:
        while batch := list(islice(drafts, BATCH)):
            stored += services.transfer.create_all(batch, actor=actor)
    except DomainError as error:
        return stored, str(error)
    return stored, ""


def _format(name: str | None, file: str) -> Any:
    return line_formats()[name or ("csv" if file.lower().endswith(".csv") else "ndjson")]


@contextmanager
def _written(file: str) -> Iterator[IO[bytes]]:
    """What takes the items. Raises: ClickException, for what the system refuses."""
    there = Path(file)
    try:
        if file == "-":
            with _standard_output() as out:
                yield out
        elif there.exists() and not there.is_file():
            with there.open("wb") as out:
                yield out
        else:
            with _replacing(Path(os.path.realpath(file))) as out:
                yield out
    except OSError as error:
        if file == "-" and isinstance(error, BrokenPipeError):
            raise  # whoever reads has read enough; click ends quietly
        name = "standard output" if file == "-" else file
        raise click.ClickException(f"{name} can't be written: {error.strerror}.") from None


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except OSError:
        # Python writes what is left at its end, and would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name, and the rights of one that had it, at the end of the block."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with partial.open("xb") as out:
            yield out
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """A file that can be read twice: what can't, such as a pipe, is kept in one."""
    with ExitStack() as stack:
        source = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        if file == "-" or not source.seekable():
            source = stack.enter_context(_kept(source))
        yield source


@contextmanager
def _kept(source: IO[bytes]) -> Iterator[IO[bytes]]:
    try:
        with TemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            yield copy
    except OSError as error:
        raise click.ClickException(
            f"what comes in can't be kept in a temporary file: {error.strerror}. "
            "TMPDIR names a folder for those."
        ) from None


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Ctrl+C and SIGTERM only tell: what was stored must be counted before all ends."""
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
    """The lines, with a progress bar, until they end or a signal comes."""
    size = Path(f"/dev/fd/{source.fileno()}").stat().st_size
    with _progress(size, label) as bar:
        while not stopped.is_set() and (some := list(islice(lines, STEP))):
            yield from some
            bar.update(source.tell() - bar.pos)


def _progress(length: int, label: str) -> Any:
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)
