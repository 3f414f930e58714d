"""Every adapter, under one suite: a test that passes over one store must pass over all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryItems
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.items import SqlItems
from datas.bootstrap import open_database
from datas.domain.idempotency import IdempotencyRecords
from datas.domain.ports import Items, Storage


@dataclass(frozen=True)
class Store:
    """One store's adapters."""

    storage: Storage
    items: Items
    idempotency: IdempotencyRecords


def _memory(_: Path) -> Iterator[Store]:
    memory = Memory()
    yield Store(memory, MemoryItems(memory), MemoryIdempotencyRecords(memory))


def _sqlite(folder: Path) -> Iterator[Store]:
    database = open_database(f"sqlite:///{folder}/datas.db")
    yield Store(database, SqlItems(database), SqlIdempotencyRecords(database))
    database.close()


STORES: dict[str, Callable[[Path], Iterator[Store]]] = {"memory": _memory, "sqlite": _sqlite}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind in turn."""
    yield from STORES[request.param](tmp_path)
