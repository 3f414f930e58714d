"""Text for a terminal. Much of it comes from files, clients, databases and paths."""

import click


def printable(text: str) -> str:
    """The text with escapes in the place of what could control a terminal, line ends included."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def printable_lines(text: str) -> str:
    """The same for text in lines of our own."""
    return "\n".join(map(printable, text.split("\n")))


def echo(text: str, *, err: bool = False) -> None:
    """Print lines. All commands print by this, and the command group prints their errors so."""
    click.echo(printable_lines(text), err=err)
