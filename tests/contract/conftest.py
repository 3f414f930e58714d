"""Every adapter, under one suite: a test that passes over one store must pass over all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryItems
from datas.adapters.memory_accounts import MemoryAttempts, MemoryTokens, MemoryUsers
from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.items import SqlItems
from datas.bootstrap import open_database, open_service
from datas.domain.idempotency import IdempotencyRecords
from datas.domain.ports import Attempts, ItemBatches, Items, Storage, Tokens, Users
from tests.postgres import QUICK, Postgres, running


@dataclass(frozen=True)
class Store:
    """One store's adapters."""

    storage: Storage
    items: Items
    batches: ItemBatches
    idempotency: IdempotencyRecords
    users: Users
    tokens: Tokens
    attempts: Attempts


def _memory(_: Path) -> Iterator[Store]:
    memory = Memory()
    items = MemoryItems(memory)
    yield Store(
        storage=memory,
        items=items,
        batches=items,
        idempotency=MemoryIdempotencyRecords(memory),
        users=MemoryUsers(memory),
        tokens=MemoryTokens(memory),
        attempts=MemoryAttempts(memory),
    )


def _sqlite(folder: Path) -> Iterator[Store]:
    yield from _sql(open_database(f"sqlite:///{folder}/datas.db"))


def _sql(database: SqlDatabase) -> Iterator[Store]:
    items = SqlItems(database)
    yield Store(
        storage=database,
        items=items,
        batches=items,
        idempotency=SqlIdempotencyRecords(database),
        users=SqlUsers(database),
        tokens=SqlTokens(database),
        attempts=SqlAttempts(database),
    )
    database.close()


STORES: dict[str, Callable[[Path], Iterator[Store]]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture(params=[*STORES, "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    if request.param == "postgresql":
        yield from _sql(open_database(request.getfixturevalue("postgres_url")))
    else:
        yield from STORES[request.param](tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a process."""
    with running(*QUICK) as server:
        yield server


@pytest.fixture(scope="session")
def brought_up(postgres: Postgres) -> Postgres:
    """The server with a database that has our tables."""
    postgres.ask("CREATE DATABASE datas")
    with open_service(postgres.url("datas")):
        return postgres


@pytest.fixture(scope="session")
def emptying(brought_up: Postgres) -> Iterator[Callable[[], object]]:
    """Empties that database (in 2 ms; a connection for each time and TRUNCATE took 40)."""
    tables = ("datas", "idempotency", "tokens", "users", "attempts")
    sql = [f"DELETE FROM {table}" for table in tables]  # noqa: S608 (ours)
    sql += [f"ALTER SEQUENCE {table}_id_seq RESTART" for table in tables if table != tables[1]]
    with brought_up.connect("datas") as connection:
        yield lambda: connection.execute("; ".join(sql).encode())


@pytest.fixture
def postgres_url(brought_up: Postgres, emptying: Callable[[], object]) -> str:
    """An empty database."""
    emptying()
    return brought_up.url("datas")
