"""Every adapter, under one suite: a test that passes over one store must pass over all."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryRepository
from datas.adapters.memory_accounts import MemoryAttempts, MemoryTokens, MemoryUsers
from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import ItemRow, Table
from datas.database_urls import open_database
from datas.domain.access import AUTHENTICATED, Access
from datas.domain.account_ports import Attempts, Tokens, Users
from datas.domain.idempotency import IdempotencyRecords
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.ports import Clock, Repository, Storage
from datas.domain.records import Collection
from datas.domain.service import RecordService
from tests import every_rule
from tests.every_rule import GadgetDraft, MakerDraft
from tests.postgres import Postgres
from tests.served import PLURAL

TABLES = {PLURAL: Table(ITEMS, ItemRow), **every_rule.TABLES}
COLLECTIONS: Mapping[str, Collection[Any]] = {
    plural: table.collection for plural, table in TABLES.items()
}


def sql_items(database: SqlDatabase) -> SqlRepository[ItemDraft]:
    """The repository of items over a database."""
    return SqlRepository(database, ITEMS, TABLES)


@dataclass(frozen=True)
class Store:
    """One store's adapters."""

    storage: Storage
    repositories: Mapping[str, Repository[Any]]  # by plural
    idempotency: IdempotencyRecords
    users: Users
    tokens: Tokens
    attempts: Attempts

    @property
    def items(self) -> Repository[ItemDraft]:
        """Those of `datas`."""
        return self.repositories[PLURAL]

    @property
    def makers(self) -> Repository[MakerDraft]:
        """One field, which is unique."""
        return self.repositories["makers"]

    @property
    def gadgets(self) -> Repository[GadgetDraft]:
        """A field for every rule; they refer to makers and to one another."""
        return self.repositories["gadgets"]

    def service(
        self, plural: str, clock: Clock, access: Access = AUTHENTICATED
    ) -> RecordService[Any]:
        """The use cases of one collection."""
        collection = COLLECTIONS[plural]
        targets = {name: self.repositories[to] for name, to in collection.references.items()}
        return RecordService(collection, self.repositories[plural], clock, access, targets)


def _memory() -> Iterator[Store]:
    memory = Memory()
    yield Store(
        storage=memory,
        repositories={
            plural: MemoryRepository(memory, collection)
            for plural, collection in COLLECTIONS.items()
        },
        idempotency=MemoryIdempotencyRecords(memory),
        users=MemoryUsers(memory),
        tokens=MemoryTokens(memory),
        attempts=MemoryAttempts(memory),
    )


def sql_store(database: SqlDatabase) -> Store:
    """The adapters over one database."""
    return Store(
        storage=database,
        repositories={
            plural: SqlRepository(database, collection, TABLES)
            for plural, collection in COLLECTIONS.items()
        },
        idempotency=SqlIdempotencyRecords(database),
        users=SqlUsers(database),
        tokens=SqlTokens(database),
        attempts=SqlAttempts(database),
    )


def _sql(url: str) -> Iterator[Store]:
    database = open_database(url, TABLES)
    yield sql_store(database)
    database.close()


def make_tables(url: str) -> None:
    """Make our tables, and those of the tests' own collections, in an empty database."""
    database = open_database(url)
    database.bring_up()
    with database.atomic():
        every_rule.create_tables(database.peewee)
    database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with empty tables: to copy it takes a tenth of the time to make them."""
    path = tmp_path_factory.mktemp("template") / "datas.db"
    make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A file with empty tables of all collections."""
    shutil.copy(sqlite_template, tmp_path / "datas.db")
    return f"sqlite:///{tmp_path}/datas.db"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests try every store with every collection; the others each with one of them."""
    for item in items:
        words = set(item.name.partition("[")[2].rstrip("]").split("-"))
        if words & {"sqlite", "postgresql"} and words & {"gadgets", "makers"}:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    if request.param == "memory":
        yield from _memory()
    elif request.param == "sqlite":
        yield from _sql(request.getfixturevalue("sqlite_url"))
    else:
        yield from _sql(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def brought_up(postgres: Postgres) -> Postgres:
    """The server with a database that has the tables of all collections, and its template.

    A database to which a test is connected can be no template.
    """
    postgres.ask("CREATE DATABASE template")
    make_tables(postgres.url("template"))
    postgres.ask("CREATE DATABASE datas TEMPLATE template")
    return postgres


@pytest.fixture(scope="session")
def emptying(brought_up: Postgres) -> Iterator[Callable[[], object]]:
    """Empties that database (in 2 ms; a connection for each time and TRUNCATE took 40)."""
    tables = ("gadgets", "makers", "datas", "idempotency", "tokens", "users", "attempts")
    sql = [f"DELETE FROM {table}" for table in tables]  # noqa: S608 (ours)
    sql += [f"ALTER SEQUENCE {table}_id_seq RESTART" for table in tables if table != "idempotency"]
    with brought_up.connect("datas") as connection:
        yield lambda: connection.execute("; ".join(sql).encode())


@pytest.fixture
def postgres_url(brought_up: Postgres, emptying: Callable[[], object]) -> str:
    """An empty database."""
    emptying()
    return brought_up.url("datas")
