"""The app over memory, called without a server."""

import pytest
from falcon import testing

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryItems
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.http.app import Parts, create_app
from tests.conftest import TickingClock


@pytest.fixture
def memory() -> Memory:
    """The store behind the app."""
    return Memory()


@pytest.fixture
def parts(memory: Memory) -> Parts:
    """What the app is made of."""
    clock = TickingClock()
    return Parts(
        items=ItemService(MemoryItems(memory), clock),
        idempotency=Idempotency(MemoryIdempotencyRecords(memory), memory, clock),
        check_storage=lambda: None,
    )


@pytest.fixture
def client(parts: Parts) -> testing.TestClient:
    """A client of an app with an empty store."""
    return testing.TestClient(create_app(parts), headers={"Host": "localhost:8000"})
