"""The composition root: the one module that knows all layers, and builds an app or services.

Imports stand inside the functions, so that each use of Datas loads only what it needs. For example,
`open_service` loads no web framework and no settings.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from datas.database_urls import database_file
from datas.domain.access import AUTHENTICATED, Access, Mode
from datas.domain.accounts import Accounts, HashLimiter
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.transfer import Transfer
from datas.logs import is_json

if TYPE_CHECKING:
    from datas.adapters.explain import WsgiApp
    from datas.adapters.sql.database import SqlDatabase
    from datas.adapters.sql.engine import Engine
    from datas.http.app import Parts
    from datas.http.observation import Observer
    from datas.settings import Settings

Part = TypeVar("Part")
_ENDED = (
    "The database was closed at the end of its with block. Nothing was changed. "
    "Use the service inside of the block, or open it again: with open_service(url) as items: …"
)


class Timed(Protocol):
    """Returns the part of a layer, or an object that measures the part's methods."""

    def __call__(self, layer: str, part: Part, /) -> Part:
        """The part."""


def _untimed(_: str, part: Part) -> Part:
    return part


def open_service(
    url: str, *, access: str = AUTHENTICATED.mode
) -> AbstractContextManager[ItemService]:
    """A block with the service over the database at `url`, such as `sqlite:///datas.db`.

    An absent database is created, and an older schema is migrated. The end of the block closes the
    database. `access` is a `Mode` or its value: what the actor of a call may do.
    Raises, where the block begins: StorageUnavailable, ValueError (the URL names no database, or
    `access` is no mode).
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


def _postgres(url: str) -> "Engine":
    try:
        from datas.adapters.sql.postgres import PostgresEngine
    except ImportError as error:
        raise ValueError(
            f"PostgreSQL needs psycopg, which can't be loaded ({error}). "
            "Install it: pip install 'psycopg[binary]>=3.3'"
        ) from error
    return PostgresEngine(url.strip())


def build_app(
    settings: "Settings", is_draining: Callable[[], bool] = bool, file: str | None = None
) -> "WsgiApp":
    """The WSGI application. It opens its database at the first request that needs it.

    While `is_draining()` is true, the readiness check fails. `file` names the only database file
    that may be used; without it, an absent file is made where there was none before.
    """
    from datas.http.app import create_app

    if not settings.explain:
        return create_app(_parts(settings, is_draining=is_draining, file=file))
    from datas.adapters.explain import explain, timed

    return explain(create_app(_parts(settings, timed, is_draining, file)))


def openapi_document(settings: "Settings") -> bytes:
    """The OpenAPI document of the application, as JSON."""
    from datas.http.app import describe_app

    return describe_app(_parts(settings))


@dataclass(frozen=True)
class Services:
    """The services over one database."""

    items: ItemService
    transfer: Transfer
    accounts: Accounts
    idempotency: Idempotency
    access: Access


def build_services(
    settings: "Settings", database: "SqlDatabase", timed: Timed = _untimed
) -> Services:
    """The services over a database. Nothing is opened."""
    from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
    from datas.adapters.sql.idempotency import SqlIdempotencyRecords
    from datas.adapters.sql.items import SqlItems
    from datas.adapters.system import Argon2Passwords, SystemClock

    clock, access = SystemClock(), Access(Mode(settings.access))
    database = timed("sql", database)
    items = timed("adapters", SqlItems(database))
    records = timed("adapters", SqlIdempotencyRecords(database))
    accounts = Accounts(
        users=timed("adapters", SqlUsers(database)),
        tokens=timed("adapters", SqlTokens(database)),
        attempts=timed("adapters", SqlAttempts(database)),
        items=items,
        passwords=timed("adapters", Argon2Passwords()),
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
    settings: "Settings",
    timed: Timed = _untimed,
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
) -> "Parts":
    from datas.http.app import Parts

    database = open_database(
        settings.database_url, auto_migrate=settings.auto_migrate, anew=False, file=file
    )
    services = build_services(settings, database, timed)
    return Parts(
        items=timed("service", services.items),
        transfer=timed("service", services.transfer),
        idempotency=timed("service", services.idempotency),
        accounts=timed("service", services.accounts),
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
