"""`datas openapi`: the document that the server sends at /openapi.json."""

import click

from datas.bootstrap import openapi_document
from datas.cli.settings import read_settings


@click.command()
def openapi() -> None:
    """Print the OpenAPI document as JSON."""
    click.echo(openapi_document(read_settings()))
