"""The composition root: the one module that knows all layers, and builds an app or services.

The web is imported inside the functions that need it: `open_service` loads no web framework.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datas.adapters.explain import WsgiApp, explain, timed
from datas.adapters.recording import record
from datas.adapters.request_ring import RequestRing
from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.migrate import DATAS, History
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import ItemRow, RecordRow, Table
from datas.adapters.system import Argon2Passwords, SystemClock
from datas.database_urls import open_database
from datas.domain.access import AUTHENTICATED, Access, Mode
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.domain.items import ITEMS
from datas.domain.records import Collection
from datas.domain.service import RecordService
from datas.domain.throttle import HashLimiter
from datas.logs import is_json
from datas.settings import Settings

if TYPE_CHECKING:
    from datas.http.parts import Parts
    from datas.served import Package

Part = TypeVar("Part")
_ENDED = (
    "The database was closed at the end of its with block. Nothing was changed. "
    "Use the service inside of the block, or open it again: with open_service(url) as items: …"
)


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
    table: type[RecordRow] = ItemRow
    service: Callable[..., RecordService[Any]] = RecordService
    migrations: Path | None = None
    access: str = AUTHENTICATED.mode

    def __enter__(self) -> RecordService[Any]:
        plural, folder = self.collection.plural, self.migrations
        if others := sorted({*self.collection.references.values()} - {plural}):
            raise ValueError(
                f"The collection {plural} refers to {', '.join(others)}. "
                "Open them together: open_package(url, package)."
            )
        own = () if folder is None else (History(plural, folder),)
        tables = {plural: Table(self.collection, self.table)}
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
    package.check()
    database = open_database(url, package.tables, package.histories, package.other_tables)
    try:
        database.bring_up()
        yield build_services(Settings(access=Mode(access)), package, database).records
    finally:
        database.end(_ENDED)


def build_app(  # noqa: PLR0913 (what a server hands over)
    settings: Settings,
    *,
    package: "Package | None" = None,
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
    threads: int = 1,
    requests: RequestRing | None = None,
) -> WsgiApp:
    """The WSGI application. It opens its database at the first request that needs it.

    It serves `package`, or the one that the settings name. While `is_draining()` is true, the
    readiness check fails. `file` names the only database file that may be used; without it, an
    absent file is made where there was none before. Explain mode uses `threads`, how many the
    process serves with, and `requests`, which all workers share. Raises: InvalidPackage.
    """
    from datas.http.app import create_app
    from datas.served import load_package

    package = package or load_package(settings.collections)
    package.check()
    if not settings.explain:
        return create_app(_parts(settings, package, is_draining, file))
    ring = requests or RequestRing()
    app = create_app(_parts(settings, package, is_draining, file, ring, threads))
    return record(explain(app), ring.put, with_bodies=settings.access != "private")


def openapi_document(settings: Settings) -> bytes:
    """The OpenAPI document of the application, as JSON. Raises: InvalidPackage."""
    from datas.http.app import routes
    from datas.served import load_package

    ring = RequestRing() if settings.explain else None
    parts = _parts(settings, load_package(settings.collections), requests=ring)
    document: bytes = routes(parts)["/openapi.json"].document()
    return document


@dataclass(frozen=True)
class Services:
    package: "Package"
    records: Mapping[str, RecordService[Any]]  # by the plural of their collection
    accounts: Accounts
    idempotency: Idempotency
    access: Access


def build_services(settings: Settings, package: "Package", database: SqlDatabase) -> Services:
    """Nothing is opened."""
    measured, clock, access = _stopwatch(settings), SystemClock(), Access(Mode(settings.access))
    database = measured("sql", database)
    repositories = {
        plural: measured("adapters", SqlRepository(database, table.collection, database.tables))
        for plural, table in database.tables.items()
    }
    accounts = Accounts(
        users=measured("adapters", SqlUsers(database)),
        tokens=measured("adapters", SqlTokens(database)),
        attempts=measured("adapters", SqlAttempts(database)),
        repositories=list(repositories.values()),
        passwords=measured("adapters", Argon2Passwords()),
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
    kept_answers = measured("adapters", SqlIdempotencyRecords(database))
    idempotency = Idempotency(kept_answers, database, clock)
    return Services(package, records, accounts, idempotency, access)


def _stopwatch(settings: Settings) -> Callable[[str, Part], Part]:
    """Gives a layer's part: in explain mode, with a stopwatch around it."""
    return timed if settings.explain else lambda _, part: part


def _parts(  # noqa: PLR0913, PLR0917 (what a server hands over)
    settings: Settings,
    package: "Package",
    is_draining: Callable[[], bool] = bool,
    file: str | None = None,
    requests: RequestRing | None = None,
    threads: int = 1,
) -> "Parts":
    from datas.http.access_log import AccessLog
    from datas.http.parts import Parts

    metrics = None
    if settings.metrics:
        from datas.http.metrics import Metrics

        metrics = Metrics()
    measured, is_logged = _stopwatch(settings), settings.log_level in ("debug", "info")
    database = open_database(
        settings.database_url,
        *(package.tables, package.histories, package.other_tables),
        auto_migrate=settings.auto_migrate,
        anew=False,
        file=file,
    )
    services = build_services(settings, package, database)
    return Parts(
        collections=[
            each.parts(measured("service", services.records[each.collection.plural]))
            for each in package.collections
        ],
        title=package.title,
        own_problems=package.problems,
        idempotency=measured("service", services.idempotency),
        accounts=measured("service", services.accounts),
        access=services.access,
        check_storage=database.check,
        is_draining=is_draining,
        access_log=AccessLog(as_json=is_json(settings.log_format)) if is_logged else None,
        metrics=metrics,
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
        bulk_lines=settings.bulk_lines,
        console=settings.console,
        requests=requests,
        delays=max(1, threads - 1),
    )
