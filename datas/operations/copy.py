"""`datas copy`: everything in one database into an empty one, of the same or the other kind."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import zip_longest
from typing import Any

import click
import peewee

from datas.adapters.sql.database import Rows, SqlDatabase
from datas.adapters.sql.queries import compiled, parameter
from datas.adapters.sql.tables import all_tables
from datas.cli.settings import read_settings
from datas.cli.text import echo
from datas.database_urls import open_database, redacted_url
from datas.domain.errors import CopyFailed, DomainError
from datas.served import DATAS_ITEMS, Package, load_package

CHUNK = 1000  # rows

Advance = Callable[[int], object]


@click.command()
@click.argument("from_url")
@click.argument("to_url")
def copy(from_url: str, to_url: str) -> None:
    """Copy everything into an empty database, of the same kind or the other.

    Users, tokens, records and what retries need, with ids, dates and versions as they are. It
    happens in one transaction and is compared at its end: all of it, or none. Stop servers before.

    Arguments can be seen by other users of the machine. Leave a password out of a postgresql:// URL
    and put it into PGPASSWORD, or into the file ~/.pgpass.
    """
    try:
        with click.progressbar(length=0, label="Copying") as bar:

            def advance(rows: int, length: int) -> None:
                bar.length = length
                bar.update(rows)

            package = load_package(read_settings().collections)
            rows = copy_database(from_url, to_url, advance, package)
    except (DomainError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    urls = f"from {redacted_url(from_url)} to {redacted_url(to_url)}"
    echo(f"Copied and compared: {rows} rows, {urls}")


def copy_database(
    source: str,
    target: str,
    advance: Callable[[int, int], object],
    package: Package = DATAS_ITEMS,
) -> int:
    """Copy everything between two databases, given by URL; return how many rows there are.

    `advance` gets, for each chunk, its number of rows and the number of all steps: each row is
    copied and compared. Raises: CopyFailed (the target must be empty), StorageUnavailable,
    ValueError (a URL names no database).
    """
    parts = package.tables, package.histories, package.other_tables
    with (
        closing(open_database(source, *parts, read_only=True)) as full,
        closing(open_database(target, *parts)) as empty,
    ):
        rows = count_rows(full)
        copy_rows(full, empty, lambda done: advance(done, 2 * rows))
        return rows


def count_rows(database: SqlDatabase) -> int:
    """How many rows there are to copy. Raises: CopyFailed, StorageUnavailable."""
    if not database.schema_status().applied:
        raise CopyFailed("There is nothing to copy: the first database has no tables of Datas.")
    if others := database.other_programs():
        raise CopyFailed(
            f"The first database has tables of {', '.join(others)}, which would not be copied. "
            "Name that package by DATAS_COLLECTIONS."
        )
    tables = all_tables(database.tables, database.other_tables)
    return sum(_count(database, table) for table in tables)


def copy_rows(source: SqlDatabase, target: SqlDatabase, advance: Advance) -> None:
    """Copy all rows as they are, in one transaction, and compare them before it ends.

    `advance` gets numbers of rows: each row counts once when it is copied, and once when it is
    compared. Raises: CopyFailed, StorageUnavailable.
    """
    target.bring_up()
    tables = all_tables(source.tables, source.other_tables)
    try:
        with target.atomic():
            if any(_count(target, table) for table in tables):
                raise CopyFailed("The second database isn't empty. Nothing was copied.")
            # A record may refer to one of its own table that comes later.
            target.query(target.engine.defer_references)
            for table in tables:
                _copy(source, target, table, advance)
            for table in tables:
                _compare(source, target, table, advance)
    except target.integrity_error as error:
        # Another process wrote this key since the target was empty; or the source got a user, and
        # rows of theirs, after the users were copied.
        raise CopyFailed(
            "One of the databases was changed meanwhile. Nothing was copied. "
            "Stop all that uses them, and copy again."
        ) from error


def _copy(
    source: SqlDatabase, target: SqlDatabase, table: type[peewee.Model], advance: Advance
) -> None:
    meta: Any = table._meta  # noqa: SLF001 (so Peewee calls its public part)
    plain = parameter(target.peewee)
    # SQLite has 0 and 1; PostgreSQL takes no number for a boolean, and casts only integers.
    boolean = plain.cast("integer").cast("boolean")
    values = {
        field: boolean if isinstance(field, peewee.BooleanField) else plain
        for field in meta.sorted_fields
    }
    insert = compiled(target.peewee, table.insert(values))
    last_id = 0
    for rows in _chunks(source, table):
        target.write_many(insert, rows)
        advance(len(rows))
        last_id = rows[-1][0]
    if isinstance(meta.primary_key, peewee.AutoField):
        _set_last_id(source, target, meta.table_name, last_id)


def _set_last_id(source: SqlDatabase, target: SqlDatabase, table: str, last_id: int) -> None:
    """Go on after the highest id that was ever given, even if that row is deleted now."""
    for (given,) in source.read(source.engine.last_id, table):
        last_id = max(last_id, given or 0)
    if last_id:
        target.write(target.engine.set_last_id, last_id, table)


def _compare(
    source: SqlDatabase, target: SqlDatabase, table: type[peewee.Model], advance: Advance
) -> None:
    for ours, theirs in zip_longest(_chunks(source, table), _chunks(target, table), fillvalue=()):
        if ours != theirs:
            raise CopyFailed(
                "The first database was changed meanwhile. Nothing was copied. "
                "Stop its servers, and copy again."
            )
        advance(len(ours))


def _chunks(database: SqlDatabase, table: type[peewee.Model]) -> Iterator[Rows]:
    """All rows by their key, some at a time: as fast at the end as at the start."""
    meta: Any = table._meta  # noqa: SLF001 (Peewee's documented name)
    key, param = meta.get_primary_keys(), parameter(database.peewee)
    query = table.select(*meta.sorted_fields).order_by(*key).limit(param)
    after = peewee.Tuple(*key) > peewee.Tuple(*[param] * len(key))
    first = compiled(database.peewee, query)
    following = compiled(database.peewee, query.where(after))
    places = [meta.sorted_field_names.index(field.name) for field in key]
    rows = database.read(first, CHUNK)
    while rows:
        yield rows
        rows = database.read(following, *(rows[-1][place] for place in places), CHUNK)


def _count(database: SqlDatabase, table: type[peewee.Model]) -> int:
    query = table.select(peewee.fn.COUNT(peewee.SQL("*")))
    [(count,)] = database.read(compiled(database.peewee, query))
    return int(count)
