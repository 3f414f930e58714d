"""The composition root: the one place that knows all rooms and puts them together.

Imports stand inside the functions, so that each way of using Datas loads only what it needs: the
service alone neither Falcon nor the settings' reader.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from datas.domain.access import AUTHENTICATED, Access, Mode
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.sign_in import Gate, SignIn
from datas.domain.transfer import Transfer
from datas.domain.user_service import UserService
from datas.logs import is_json

if TYPE_CHECKING:
    from datas.adapters.explain import WsgiApp
    from datas.adapters.sql.backup import Copy
    from datas.adapters.sql.database import SqlDatabase
    from datas.adapters.sql.engine import Engine
    from datas.adapters.sql.inspect import Facts
    from datas.http.app import Parts
    from datas.http.observation import Observer
    from datas.http.streams import Format
    from datas.settings import Settings

Part = TypeVar("Part")
_ENDED = (
    "The database was closed at the end of its with block. Nothing was changed. "
    "Use the service inside of the block, or open it again: with open_service(url) as items: …"
)


class Room(Protocol):
    """Names the room that a part stands for, and returns the part, or one in its place."""

    def __call__(self, name: str, part: Part, /) -> Part:
        """The part."""


def _as_it_is(_: str, part: Part) -> Part:
    return part


def open_service(
    url: str, *, access: str = AUTHENTICATED.mode
) -> AbstractContextManager[ItemService]:
    """A block with the service over the database at `url`, such as `sqlite:///datas.db`.

    The database is made or brought up to date if need be, and closed at the end of the block. What
    a user may do whom a call names, `access` says: a `Mode`, or its word.
    Raises, where the block begins: StorageUnavailable, ValueError (a URL that names no database, a
    word that is no mode).
    """
    return _ServiceBlock(url, access)


class _ServiceBlock(AbstractContextManager[ItemService]):
    def __init__(self, url: str, access: str) -> None:
        self._url = url
        self._access = access

    def __enter__(self) -> ItemService:
        from datas.adapters.sql.items import SqlItems
        from datas.adapters.system import SystemClock

        self._database = open_database(self._url)
        try:
            self._database.bring_up()
            return ItemService(SqlItems(self._database), SystemClock(), Access(Mode(self._access)))
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self._database.end(_ENDED)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise TypeError(
            f"open_service() needs a with block, in which you use {name!r}: "
            "with open_service(url) as items: …"
        )


def open_database(
    url: str,
    *,
    auto_migrate: bool = True,
    read_only: bool = False,
    anew: bool = True,
    file: str | None = None,
) -> "SqlDatabase":
    """The database at `url`; nothing is opened before its first use. Raises: ValueError.

    With `read_only` no byte of a file, or beside it, changes. `anew` and `file` say which file may
    be made or used: see `SqliteEngine`.
    """
    from datas.adapters.sql.database import SqlDatabase

    if path := database_file(url):
        from datas.adapters.sql.sqlite import SqliteEngine
        from datas.adapters.sql.sqlite_reader import SqliteReader

        engine = SqliteReader(path) if read_only else SqliteEngine(path, anew=anew, file=file)
        return SqlDatabase(engine, auto_migrate=auto_migrate and not read_only)
    return SqlDatabase(_postgres(url), auto_migrate=auto_migrate and not read_only)


def copy_database(source: str, target: str, advance: Callable[[int, int], object]) -> int:
    """Copy everything between databases, given by URL; return how many rows there are.

    `advance` is told of each part how much it was, and how much all will be. The target must be
    empty. Raises: CopyFailed, StorageUnavailable, ValueError (a URL that names no database).
    """
    from datas.adapters.sql.copy import copy_rows, count_rows

    databases = open_database(source, read_only=True), open_database(target)
    try:
        rows = count_rows(databases[0])
        copy_rows(*databases, lambda done: advance(done, 2 * rows))
        return rows
    finally:
        for database in databases:
            database.close()


def redacted_url(url: str) -> str:
    """A database's URL as it may be shown: without user, password and parameters.

    The path of a file is absolute.
    """
    if url.strip().startswith("sqlite:///"):
        return f"sqlite:///{_absolute(url)}"
    host = r"(?:[\w.-]*|\[[\w:.]+\])(?::\d+)?"
    shown = re.fullmatch(rf"(\w+://)(?:[^@]*@)?({host}(?:,{host})*/[\w.-]*)(?:\?[^@]*)?", url)
    return "".join(shown.groups()) if shown else f"{url.partition('://')[0]}://…"


def _postgres(url: str) -> "Engine":
    try:
        from datas.adapters.sql.postgres import PostgresEngine
    except ImportError as error:
        raise ValueError(
            f"PostgreSQL needs psycopg, which can't be loaded ({error}). "
            "Install it: pip install 'psycopg[binary]>=3.3'"
        ) from error
    return PostgresEngine(url.strip())


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
    return inspect_server(open_database(url, read_only=True))


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
    is_server = url.strip().startswith(("postgresql://", "postgres://"))
    return None if is_server else _sqlite_file(url)


def _sqlite_file(url: str) -> Path:
    scheme, _, path = url.strip().partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        shown = url if url.startswith("sqlite:") else redacted_url(url)
        raise ValueError(f"{shown!r} names no database file; write sqlite:///datas.db")
    return _absolute(url)


def _absolute(url: str) -> Path:
    """The path, from the root on: a process may change its folder later. Raises: ValueError."""
    try:
        return Path(url.strip().removeprefix("sqlite:///")).absolute()
    except FileNotFoundError:
        raise ValueError(
            "The current folder was removed. Name the database from the root on."
        ) from None


def line_formats() -> "Mapping[str, Format]":
    """How items are written as lines of text, by name."""
    from datas.http.streams import FORMATS

    return FORMATS


def build_app(
    settings: "Settings", is_draining: Callable[[], bool] = bool, file: str | None = None
) -> "WsgiApp":
    """The WSGI application. It opens its database at the first request that needs it.

    Readiness fails as soon as `is_draining()`. `file` names the only database file that may be
    used; without it an absent one is made where there was none before.
    """
    from datas.http.app import create_app

    if not settings.explain:
        return create_app(_parts(settings, is_draining=is_draining, file=file))
    from datas.adapters.explain import explained, room

    return explained(create_app(_parts(settings, room, is_draining, file)))


def openapi_document(settings: "Settings") -> bytes:
    """The OpenAPI document of the application, as JSON."""
    from datas.http.app import describe_app

    return describe_app(_parts(settings))


@dataclass(frozen=True)
class Services:
    """The use cases, put together over one database."""

    items: ItemService
    transfer: Transfer
    users: UserService
    sign_in: SignIn
    idempotency: Idempotency
    access: Access


def build_services(
    settings: "Settings", database: "SqlDatabase", room: Room = _as_it_is
) -> Services:
    """The services over a database. Nothing is opened."""
    from datas.adapters.sql.idempotency import SqlIdempotencyRecords
    from datas.adapters.sql.items import SqlItems
    from datas.adapters.sql.users import SqlAttempts, SqlTokens, SqlUsers
    from datas.adapters.system import Argon2Passwords, SystemClock

    clock, gate, access = SystemClock(), Gate(), Access(Mode(settings.access))
    database = room("sql", database)
    items = room("adapters", SqlItems(database))
    users = room("adapters", SqlUsers(database))
    tokens = room("adapters", SqlTokens(database))
    attempts = room("adapters", SqlAttempts(database))
    passwords = room("adapters", Argon2Passwords())
    records = room("adapters", SqlIdempotencyRecords(database))
    return Services(
        items=ItemService(items, clock, access),
        transfer=Transfer(items, items, clock, access),
        users=UserService(
            users=users,
            tokens=tokens,
            attempts=attempts,
            items=items,
            passwords=passwords,
            storage=database,
            clock=clock,
            gate=gate,
            registration_open=settings.registration == "open",
        ),
        sign_in=SignIn(
            users=users,
            tokens=tokens,
            attempts=attempts,
            passwords=passwords,
            storage=database,
            clock=clock,
            gate=gate,
            token_days=settings.token_days,
        ),
        idempotency=Idempotency(records, database, clock),
        access=access,
    )


def _parts(
    settings: "Settings",
    room: Room = _as_it_is,
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
) -> "Parts":
    from datas.http.app import Parts

    database = open_database(
        settings.database_url, auto_migrate=settings.auto_migrate, anew=False, file=file
    )
    services = build_services(settings, database, room)
    return Parts(
        items=room("service", services.items),
        transfer=room("service", services.transfer),
        idempotency=room("service", services.idempotency),
        users=room("service", services.users),
        sign_in=room("service", services.sign_in),
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
