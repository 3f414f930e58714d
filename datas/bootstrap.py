"""The composition root: the one place that knows all rooms and puts them together.

Imports stand inside the functions, so that each way of using Datas loads only what it needs: the
service alone neither Falcon nor the settings' reader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from datas.domain.item_service import ItemService

if TYPE_CHECKING:
    from datas.adapters.sql.database import SqlDatabase
    from datas.http.app import App, Parts
    from datas.settings import Settings


@contextmanager
def open_service(url: str) -> Iterator[ItemService]:
    """The service over the database at `url`, such as `sqlite:///datas.db`.

    The database is made or brought up to date if need be, and closed at the end of the block.
    Raises: StorageUnavailable, ValueError (a URL that names no database).
    """
    database = open_database(url)
    try:
        database.bring_up()
        yield _item_service(database)
    finally:
        database.close()


def open_database(url: str, *, auto_migrate: bool = True) -> "SqlDatabase":
    """The database at `url`; nothing is opened before its first use. Raises: ValueError."""
    from datas.adapters.sql.sqlite import open_sqlite

    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        raise ValueError(f"{url!r} names no database file; write sqlite:///datas.db")
    return open_sqlite(Path(path), auto_migrate=auto_migrate)


def build_app(settings: "Settings") -> "App":
    """The WSGI application. It opens its database at the first request that needs it."""
    from datas.http.app import create_app

    return create_app(_parts(settings))


def openapi_document(settings: "Settings") -> bytes:
    """The OpenAPI document of the application, as JSON."""
    from datas.http.app import describe_app

    return describe_app(_parts(settings))


def _parts(settings: "Settings") -> "Parts":
    from datas.adapters.sql.idempotency import SqlIdempotencyRecords
    from datas.adapters.system import SystemClock
    from datas.domain.idempotency import Idempotency
    from datas.http.app import Parts

    database = open_database(settings.database_url, auto_migrate=settings.auto_migrate)
    return Parts(
        items=_item_service(database),
        idempotency=Idempotency(SqlIdempotencyRecords(database), database, SystemClock()),
        check_storage=database.check,
        allowed_hosts=settings.allowed_hosts,
        cors_origins=settings.cors_origins,
    )


def _item_service(database: "SqlDatabase") -> ItemService:
    from datas.adapters.sql.items import SqlItems
    from datas.adapters.system import SystemClock

    return ItemService(SqlItems(database), SystemClock())
