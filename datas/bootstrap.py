"""The composition root: the one place that knows all rooms and puts them together.

Imports stand inside the functions, so that each way of using Datas loads only what it needs: the
service alone neither Falcon nor the settings' reader.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from datas.domain.access import AUTHENTICATED, Access, Mode
from datas.domain.accounts import Accounts, HashLimiter
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.transfer import Transfer
from datas.logs import is_json

if TYPE_CHECKING:
    from datas.adapters.explain import WsgiApp
    from datas.adapters.sql.backup import Copy
    from datas.adapters.sql.database import Engine, SqlDatabase
    from datas.adapters.sql.inspect import Facts
    from datas.http.app import Parts
    from datas.http.observation import Observer
    from datas.http.streams import Format
    from datas.settings import Settings

Part = TypeVar("Part")


class Room(Protocol):
    """Names the room that a part stands for, and returns the part, or one in its place."""

    def __call__(self, name: str, part: Part, /) -> Part:
        """The part."""


def _as_it_is(_: str, part: Part) -> Part:
    return part


@contextmanager
def open_service(url: str, *, access: str = AUTHENTICATED.mode) -> Iterator[ItemService]:
    """The service over the database at `url`, such as `sqlite:///datas.db`.

    The database is made or brought up to date if need be, and closed at the end of the block. What
    a user may do whom a call names, `access` says: a `Mode`, or its word.
    Raises: StorageUnavailable, ValueError (a URL that names no database, a word that is no mode).
    """
    from datas.adapters.sql.items import SqlItems
    from datas.adapters.system import SystemClock

    database = open_database(url)
    try:
        database.bring_up()
        yield ItemService(SqlItems(database), SystemClock(), Access(Mode(access)))
    finally:
        database.close()


def open_database(url: str, *, auto_migrate: bool = True) -> "SqlDatabase":
    """The database at `url`; nothing is opened before its first use. Raises: ValueError."""
    from datas.adapters.sql.database import SqlDatabase

    return SqlDatabase(_engine(url), auto_migrate=auto_migrate)


def copy_database(source: str, target: str, advance: Callable[[int, int], object]) -> int:
    """Copy everything between databases, given by URL; return how many rows there are.

    `advance` is told of each part how much it was, and how much all will be. The target must be
    empty. Raises: CopyFailed, StorageUnavailable, ValueError (a URL that names no database).
    """
    from datas.adapters.sql.copy import copy_rows, count_rows

    databases = open_database(source, auto_migrate=False), open_database(target)
    try:
        rows = count_rows(databases[0])
        copy_rows(*databases, lambda done: advance(done, 2 * rows))
        return rows
    finally:
        for database in databases:
            database.close()


def shown_url(url: str) -> str:
    """A database's URL as it may be shown: without user, password and parameters."""
    if url.startswith("sqlite:"):
        return url
    host = r"(?:[\w.-]*|\[[\w:.]+\])(?::\d+)?"
    shown = re.fullmatch(rf"(\w+://)(?:[^@]*@)?({host}(?:,{host})*/[\w.-]*)(?:\?[^@]*)?", url)
    return "".join(shown.groups()) if shown else f"{url.partition('://')[0]}://…"


def _engine(url: str) -> "Engine":
    if url.startswith(("postgresql://", "postgres://")):
        try:
            from datas.adapters.sql.postgres import PostgresEngine
        except ImportError as error:
            raise ValueError(
                f"PostgreSQL needs psycopg, which can't be loaded ({error}). "
                "Install it: pip install 'psycopg[binary]>=3.3'"
            ) from error
        return PostgresEngine(url)

    from datas.adapters.sql.sqlite import SqliteEngine

    return SqliteEngine(_sqlite_file(url))


def back_up_database(url: str, file: Path) -> "Copy":
    """Copy the database at `url` to `file`, checked. Raises: CopyFailed, ValueError."""
    from datas.adapters.sql.backup import back_up

    return back_up(_sqlite_file(url), file)


def restore_database(url: str, file: Path, *, force: bool = False) -> "Copy":
    """Put a copy of `file` where `url` says; with `force` in the place of what is there.

    Raises: CopyFailed, StorageUnavailable, ValueError.
    """
    from datas.adapters.sql.backup import restore

    return restore(_sqlite_file(url), file, force=force)


def inspect_database(url: str) -> "Facts":
    """What the database at `url` tells of itself. Raises: StorageUnavailable, ValueError."""
    from datas.adapters.sql.inspect import inspect_server

    if file := database_file(url):
        return inspect_file(file)
    return inspect_server(open_database(url, auto_migrate=False))


def inspect_file(file: Path) -> "Facts":
    """What an SQLite file tells of itself. Raises: StorageUnavailable."""
    from datas.adapters.sql.inspect import inspect_file

    return inspect_file(file)


def find_damage(file: Path, seconds: float) -> list[str] | None:
    """What is damaged in an SQLite file; None: it takes longer. Raises: StorageUnavailable."""
    from datas.adapters.sql.inspect import find_damage

    return find_damage(file, seconds)


def database_file(url: str) -> Path | None:
    """Where the items are, if they are in a file. Raises: ValueError."""
    return _sqlite_file(url) if url.startswith("sqlite:") else None


def _sqlite_file(url: str) -> Path:
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        raise ValueError(f"{shown_url(url)!r} names no database file; write sqlite:///datas.db")
    return Path(path)


def line_formats() -> "Mapping[str, Format]":
    """How items are written as lines of text, by name."""
    from datas.http.streams import FORMATS

    return FORMATS


def build_app(settings: "Settings", is_draining: Callable[[], bool] = bool) -> "WsgiApp":
    """The WSGI application. It opens its database at the first request that needs it.

    Readiness fails as soon as `is_draining()`.
    """
    from datas.http.app import create_app

    if not settings.explain:
        return create_app(_parts(settings, is_draining=is_draining))
    from datas.adapters.explain import explained, room

    return explained(create_app(_parts(settings, room, is_draining)))


def openapi_document(settings: "Settings") -> bytes:
    """The OpenAPI document of the application, as JSON."""
    from datas.http.app import describe_app

    return describe_app(_parts(settings))


@dataclass(frozen=True)
class Services:
    """The use cases, put together over one database."""

    items: ItemService
    transfer: Transfer
    accounts: Accounts
    idempotency: Idempotency
    access: Access


def build_services(
    settings: "Settings", database: "SqlDatabase", room: Room = _as_it_is
) -> Services:
    """The services over a database. Nothing is opened."""
    from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
    from datas.adapters.sql.idempotency import SqlIdempotencyRecords
    from datas.adapters.sql.items import SqlItems
    from datas.adapters.system import Argon2Passwords, SystemClock

    clock, access = SystemClock(), Access(Mode(settings.access))
    database = room("sql", database)
    items = room("adapters", SqlItems(database))
    records = room("adapters", SqlIdempotencyRecords(database))
    accounts = Accounts(
        users=room("adapters", SqlUsers(database)),
        tokens=room("adapters", SqlTokens(database)),
        attempts=room("adapters", SqlAttempts(database)),
        items=items,
        passwords=room("adapters", Argon2Passwords()),
        storage=database,
        clock=clock,
        limiter=HashLimiter(),
        token_days=settings.token_days,
        registration_open=settings.registration == "open",
    )
    return Services(
        items=ItemService(items, clock, access),
        transfer=Transfer(items, items, clock, access),
        accounts=accounts,
        idempotency=Idempotency(records, database, clock),
        access=access,
    )


def _parts(
    settings: "Settings", room: Room = _as_it_is, is_draining: Callable[[], bool] = bool
) -> "Parts":
    from datas.http.app import Parts

    database = open_database(settings.database_url, auto_migrate=settings.auto_migrate)
    services = build_services(settings, database, room)
    return Parts(
        items=room("service", services.items),
        transfer=room("service", services.transfer),
        idempotency=room("service", services.idempotency),
        accounts=room("service", services.accounts),
        access=services.access,
        check_storage=database.check,
        is_draining=is_draining,
        access_log=_access_log(settings),
        metrics=_metrics(settings),
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        bulk_lines=settings.bulk_lines,
        console=settings.console,
    )


def _access_log(settings: "Settings") -> "Observer | None":
    if settings.log_level not in ("debug", "info"):
        return None
    from datas.http.access_log import AccessLog

    return AccessLog(as_json=is_json(settings.log_format))


def _metrics(settings: "Settings") -> "Observer | None":
    if not settings.metrics:
        return None
    from datas.http.metrics import Metrics

    return Metrics()
