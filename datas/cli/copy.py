"""`datas copy`: everything, from one database to another."""

import click

from datas.bootstrap import copy_database, redacted_url
from datas.domain.errors import DomainError


@click.command()
@click.argument("from_url")
@click.argument("to_url")
def copy(from_url: str, to_url: str) -> None:
    """Copy everything into an empty database, of the same kind or the other.

    Users, tokens, items and what retries need, with ids, dates and versions as they are. It happens
    in one transaction and is compared at its end: all of it, or none. Stop the servers before.

    Arguments can be seen by other users of the machine. Leave a password out of a postgresql:// URL
    and put it into PGPASSWORD, or into the file ~/.pgpass.
    """
    try:
        with click.progressbar(length=0, label="Copying") as bar:

            def advance(rows: int, length: int) -> None:
                bar.length = length
                bar.update(rows)

            rows = copy_database(from_url, to_url, advance)
    except (DomainError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Copied and compared: {rows} rows, from {redacted_url(from_url)} to {redacted_url(to_url)}"
    )
