"""The command `datas`, also as `python -m datas`."""

import os
import sys

if os.name == "nt":
    sys.exit("Datas needs gunicorn and file locks, which Windows lacks. Run it under WSL.")

import click

from datas import __version__
from datas.cli.accounts import token, user
from datas.cli.data import export_records, import_records
from datas.cli.migrate import migrate
from datas.cli.openapi import openapi
from datas.cli.streams import open_standard_streams
from datas.operations.backup import backup, restore
from datas.operations.copy import copy
from datas.operations.doctor import doctor
from datas.operations.serve import serve

open_standard_streams()  # before a command opens a file


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="datas")
def main() -> None:
    """A small HTTP API over collections of records."""


main.add_command(serve)
main.add_command(migrate)
main.add_command(export_records)
main.add_command(import_records)
main.add_command(backup)
main.add_command(restore)
main.add_command(copy)
main.add_command(doctor)
main.add_command(user)
main.add_command(token)
main.add_command(openapi)

if __name__ == "__main__":
    main(prog_name="datas")
