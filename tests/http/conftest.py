"""The app over memory, called without a server."""

import pytest
from falcon import testing

from datas.adapters.memory import Memory, MemoryItems
from datas.domain.item_service import ItemService
from datas.http.app import Parts, create_app
from tests.conftest import TickingClock


@pytest.fixture
def memory() -> Memory:
    """The store behind the app."""
    return Memory()


@pytest.fixture
def client(memory: Memory) -> testing.TestClient:
    """A client of an app with an empty store."""
    service = ItemService(MemoryItems(memory), TickingClock())
    app = create_app(Parts(items=service, check_storage=lambda: None))
    return testing.TestClient(app, headers={"Host": "localhost:8000"})
