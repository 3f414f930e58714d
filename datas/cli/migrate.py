"""`datas migrate`: the schema's migrations, shown and applied."""

import click

from datas.cli.settings import database_option, opened_database, read_settings
from datas.cli.text import echo


@click.command()
@database_option
@click.option("--list", "only_list", is_flag=True, help="Show the migrations, apply none.")
def migrate(database: str | None, *, only_list: bool) -> None:
    """Bring the database's schema up to date."""
    settings = read_settings(database_url=database, auto_migrate="true")
    with opened_database(settings, read_only=only_list) as opened:
        if only_list:
            status = opened.schema_status()
            for name in status.applied:
                echo(f"applied  {name}")
            for name in status.pending:
                echo(f"pending  {name}")
            for name in status.unknown:
                echo(f"unknown  {name} (made by a newer Datas)")
            return
        for name in (applied := opened.bring_up()):
            echo(f"applied  {name}")
        if not applied:
            echo("The schema is current: nothing to do.")
