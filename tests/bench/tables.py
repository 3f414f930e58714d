"""The tables that are measured: the same texts in each server's own kind of database."""

import random
import string
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from peewee import sqlite3  # type: ignore[attr-defined]

from datas.bootstrap import open_service
from datas.domain.items import ItemDraft

BATCH = 10_000
NEEDLE = "Needle"
NEEDLES = 4


def texts(count: int) -> Iterator[str]:
    """Texts of forty letters and blanks, the same ones each time."""
    source = random.Random(count)  # noqa: S311 (no secret)
    letters = string.ascii_letters + " " * 8
    return ("x" + "".join(source.choices(letters, k=39)) for _ in range(count))


def with_needles(count: int) -> Iterator[str]:
    """The same, a few of which have a word in common."""
    for number, text in enumerate(texts(count), 1):
        yield f"{text} {NEEDLE}" if number % (count // NEEDLES) == 0 else text


def fill(url: str, data: Iterable[str]) -> None:
    """Make a database of Datas with these items, in batches as `datas import` does."""
    rest = map(ItemDraft, data)
    with open_service(url) as items:
        while batch := list(islice(rest, BATCH)):
            items.create_all(batch)


def fill_plain(path: Path, data: Iterable[str]) -> None:
    """Make the one table that a program of Flask's or FastAPI's starts with."""
    now = "2026-11-22 16:00:00.123456"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE datas (id INTEGER NOT NULL PRIMARY KEY, data VARCHAR(255) NOT NULL, "
            "date_created DATETIME NOT NULL, date_updated DATETIME NOT NULL)"
        )
        connection.executemany(
            "INSERT INTO datas (data, date_created, date_updated) VALUES (?, ?, ?)",
            ((text, now, now) for text in data),
        )


def fill_pocketbase(path: Path, data: Iterable[str]) -> None:
    """Fill the table that PocketBase has made; its ids are texts of fifteen characters."""
    now = "2026-11-22 16:00:00.123Z"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO datas (id, data, date_created, date_updated) VALUES (?, ?, ?, ?)",
            ((f"{number:015}", text, now, now) for number, text in enumerate(data, 1)),
        )
