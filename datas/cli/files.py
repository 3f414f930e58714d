"""The files of `datas export` and `datas import`."""

import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import click


@contextmanager
def open_output(file: str) -> Iterator[IO[bytes]]:
    """The open file, pipe or standard output. Raises: ClickException, for an `OSError`."""
    path = Path(file)
    try:
        if file == "-":
            with _standard_output() as out:
                yield out
        elif path.exists() and not path.is_file():
            with path.open("wb") as out:
                yield out
        else:
            with _replacing(Path(os.path.realpath(file))) as out:
                yield out
    except OSError as error:
        if file == "-" and isinstance(error, BrokenPipeError):
            raise  # the reader closed the pipe; click ends quietly
        name = "standard output" if file == "-" else file
        raise click.ClickException(f"{name} can't be written: {error.strerror}.") from None


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except OSError:
        # At its end Python flushes standard output, and would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A temporary file that replaces `path`, and takes over its rights, at the end of the block.

    Until then only this user may read it, if there is a `path` whose rights may be narrower than
    those of a new file.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        mode = 0o600 if path.exists() else 0o666  # less the umask
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            yield out
        if path.exists():
            rights = path.stat()
            with suppress(PermissionError):
                os.chown(partial, rights.st_uid, rights.st_gid)
            partial.chmod(rights.st_mode & 0o777)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, before)


@contextmanager
def open_input(file: str) -> Iterator[IO[bytes]]:
    """A file that can be read twice. The content of a pipe is copied to a temporary file."""
    with ExitStack() as stack:
        source = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        if file == "-" or not source.seekable():
            source = stack.enter_context(_copied(source))
        yield source


@contextmanager
def _copied(source: IO[bytes]) -> Iterator[IO[bytes]]:
    try:
        with TemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            yield copy
    except OSError as error:
        raise click.ClickException(
            f"the input can't be copied to a temporary file: {error.strerror}. "
            "TMPDIR names the folder for it."
        ) from None
