"""The command `datas`, also as `python -m datas`."""

import signal

# Ctrl+C ends the process during the imports too, and without a traceback.
_ON_INTERRUPT = signal.getsignal(signal.SIGINT)
if _ON_INTERRUPT is signal.default_int_handler:  # a job in the background ignores it
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import os
import sys
from typing import Any

if os.name == "nt":
    sys.exit("Datas needs gunicorn and file locks, which Windows lacks. Run it under WSL.")

import click

from datas import __version__
from datas.cli.accounts import token, user
from datas.cli.data import export_records, import_records
from datas.cli.migrate import migrate
from datas.cli.openapi import openapi
from datas.cli.streams import open_standard_streams
from datas.cli.text import printable_lines
from datas.operations.backup import backup, restore
from datas.operations.copy import copy
from datas.operations.doctor import doctor
from datas.operations.serve import serve

open_standard_streams()  # before a command opens a file


class Commands(click.Group):
    """Commands whose errors are one line, which may quote anything."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = printable_lines(error.message)  # type: ignore[misc]  # click prints it
            raise


ALL = [serve, migrate, export_records, import_records, backup, restore, copy, doctor]
ALL += [user, token, openapi]


@click.group(cls=Commands, commands=ALL, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="datas")
def main() -> None:
    """A small HTTP API over collections of records."""


if _ON_INTERRUPT is signal.default_int_handler:
    signal.signal(signal.SIGINT, _ON_INTERRUPT)

if __name__ == "__main__":
    main(prog_name="datas")
