"""The composition root: the one module that knows all layers, and builds an app or services.

Imports stand inside the functions, so that each use of Datas loads only what it needs. For example,
`open_service` loads no web framework and no settings.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from datas.database_urls import open_database
from datas.domain.access import AUTHENTICATED, Access, Mode
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.domain.items import ITEMS
from datas.domain.records import Collection
from datas.domain.service import RecordService
from datas.domain.throttle import HashLimiter
from datas.logs import is_json

if TYPE_CHECKING:
    from datas.adapters.explain import WsgiApp
    from datas.adapters.request_memory import Memory
    from datas.adapters.sql.database import SqlDatabase
    from datas.adapters.sql.tables import RecordRow
    from datas.http.observation import Observer
    from datas.http.parts import Parts
    from datas.served import Package
    from datas.settings import Settings

Part = TypeVar("Part")
_ENDED = (
    "The database was closed at the end of its with block. Nothing was changed. "
    "Use the service inside of the block, or open it again: with open_service(url) as items: …"
)


class Timed(Protocol):
    def __call__(self, layer: str, part: Part, /) -> Part:
        """The part of a layer, or an object that measures the part's methods."""


def _untimed(_: str, part: Part) -> Part:
    return part


@dataclass
class open_service(AbstractContextManager[RecordService[Any]]):  # noqa: N801 (called as a function)
    """A block with the service of a collection over the database at `url`.

    An absent database is created, and an older schema is migrated. The end of the block closes the
    database. `access` is a `Mode` or its value: what the actor of a call may do. A collection of
    one's own needs its `table`, and the folder of the `migrations` that make it.
    Raises, where the block begins: StorageUnavailable, ValueError (the URL names no database,
    `access` is no mode, or the collection refers to others: `open_package` is for those).
    """

    url: str  # such as `sqlite:///datas.db`
    _: KW_ONLY
    collection: Collection[Any] = ITEMS
    table: "type[RecordRow] | None" = None
    service: Callable[..., RecordService[Any]] = RecordService
    migrations: Path | None = None
    access: str = AUTHENTICATED.mode

    def __enter__(self) -> RecordService[Any]:
        from datas.adapters.sql.migrate import DATAS, History
        from datas.adapters.sql.repository import SqlRepository
        from datas.adapters.sql.tables import ItemRow, Table
        from datas.adapters.system import SystemClock

        plural, folder = self.collection.plural, self.migrations
        if others := sorted({*self.collection.references.values()} - {plural}):
            raise ValueError(
                f"The collection {plural} refers to {', '.join(others)}. "
                "Open them together: open_package(url, package)."
            )
        own = () if folder is None else (History(plural, folder),)
        tables = {plural: Table(self.collection, self.table or ItemRow)}
        self._database = open_database(self.url, tables, (DATAS, *own))
        try:
            self._database.bring_up()
            repository = SqlRepository(self._database, self.collection, tables)
            targets = dict.fromkeys(self.collection.references, repository)
            access = Access(Mode(self.access))
            return self.service(self.collection, repository, SystemClock(), access, targets)
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


@contextmanager
def open_package(
    url: str, package: "Package", *, access: str = AUTHENTICATED.mode
) -> Iterator[Mapping[str, RecordService[Any]]]:
    """The services of all collections of a package, by plural; otherwise as `open_service`.

    Raises: InvalidPackage too.
    """
    from datas.settings import Settings

    package.check()
    database = open_database(url, package.tables, package.histories, package.other_tables)
    try:
        database.bring_up()
        yield build_services(Settings(access=Mode(access)), package, database).records
    finally:
        database.end(_ENDED)


def build_app(  # noqa: PLR0913 (what a server hands over)
    settings: "Settings",
    *,
    package: "Package | None" = None,
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
    threads: int = 1,
    memory: "Memory | None" = None,
) -> "WsgiApp":
    """The WSGI application. It opens its database at the first request that needs it.

    It serves `package`, or the one that the settings name. While `is_draining()` is true, the
    readiness check fails. `file` names the only database file that may be used; without it, an
    absent file is made where there was none before. Explain mode uses `threads`, how many the
    process serves with, and `memory`, which all workers share. Raises: InvalidPackage.
    """
    from datas.http.app import create_app
    from datas.served import load_package

    package = package or load_package(settings.collections)
    package.check()
    if not settings.explain:
        return create_app(_parts(settings, package, is_draining=is_draining, file=file))
    from datas.adapters.explain import explain, timed
    from datas.adapters.recording import record
    from datas.adapters.request_ring import RequestRing

    ring = RequestRing(memory)
    parts = _parts(settings, package, timed, is_draining, file)
    parts = replace(parts, requests=lambda: ring, delays=max(1, threads - 1))
    return record(explain(create_app(parts)), ring.put, with_bodies=settings.access != "private")


def openapi_document(settings: "Settings") -> bytes:
    """The OpenAPI document of the application, as JSON. Raises: InvalidPackage."""
    from datas.adapters.request_ring import RequestRing
    from datas.http.app import routes
    from datas.served import load_package

    parts = _parts(settings, load_package(settings.collections))
    if settings.explain:
        parts = replace(parts, requests=RequestRing)  # a ring is made only for a request
    document: bytes = routes(parts)["/openapi.json"].document()
    return document


@dataclass(frozen=True)
class Services:
    package: "Package"
    records: Mapping[str, RecordService[Any]]  # by the plural of their collection
    accounts: Accounts
    idempotency: Idempotency
    access: Access


def build_services(
    settings: "Settings", package: "Package", database: "SqlDatabase", timed: Timed = _untimed
) -> Services:
    """Nothing is opened."""
    from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
    from datas.adapters.sql.idempotency import SqlIdempotencyRecords
    from datas.adapters.sql.repository import SqlRepository
    from datas.adapters.system import Argon2Passwords, SystemClock

    clock, access = SystemClock(), Access(Mode(settings.access))
    database = timed("sql", database)
    repositories = {
        plural: timed("adapters", SqlRepository(database, table.collection, database.tables))
        for plural, table in database.tables.items()
    }
    accounts = Accounts(
        users=timed("adapters", SqlUsers(database)),
        tokens=timed("adapters", SqlTokens(database)),
        attempts=timed("adapters", SqlAttempts(database)),
        repositories=list(repositories.values()),
        passwords=timed("adapters", Argon2Passwords()),
        storage=database,
        clock=clock,
        limiter=HashLimiter(),
        token_days=settings.token_days,
        registration_open=settings.registration == "open",
    )
    records = {
        each.collection.plural: each.build(repositories, database, clock, access)
        for each in package.collections
    }
    kept_answers = timed("adapters", SqlIdempotencyRecords(database))
    idempotency = Idempotency(kept_answers, database, clock)
    return Services(package, records, accounts, idempotency, access)


def _parts(
    settings: "Settings",
    package: "Package",
    timed: Timed = _untimed,
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
) -> "Parts":
    from datas.http.access_log import AccessLog
    from datas.http.parts import Parts

    is_logged = settings.log_level in ("debug", "info")
    database = open_database(
        settings.database_url,
        *(package.tables, package.histories, package.other_tables),
        auto_migrate=settings.auto_migrate,
        anew=False,
        file=file,
    )
    services = build_services(settings, package, database, timed)
    return Parts(
        collections=[
            each.parts(timed("service", services.records[each.collection.plural]))
            for each in package.collections
        ],
        title=package.title,
        own_problems=package.problems,
        idempotency=timed("service", services.idempotency),
        accounts=timed("service", services.accounts),
        access=services.access,
        check_storage=database.check,
        is_draining=is_draining,
        access_log=AccessLog(as_json=is_json(settings.log_format)) if is_logged else None,
        metrics=_metrics(settings),
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        bulk_lines=settings.bulk_lines,
        console=settings.console,
    )


def _metrics(settings: "Settings") -> "Observer | None":
    if not settings.metrics:
        return None
    from datas.http.metrics import Metrics

    return Metrics()
