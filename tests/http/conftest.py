"""The app over memory, called without a server."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from datas.domain.item_service import ItemService
from datas.domain.transfer import Transfer
from falcon import testing

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryItems
from datas.adapters.memory_accounts import MemoryAttempts, MemoryTokens, MemoryUsers
from datas.adapters.system import Argon2Passwords
from datas.domain.access import Access, Mode
from datas.domain.accounts import Accounts, HashLimiter
from datas.domain.idempotency import Idempotency
from datas.http.app import Parts, create_app
from tests.conftest import TickingClock

PASSWORD = "correct horse"
# Hashing is slow on purpose; tests of the domain and of whole servers hash as they do.
PASSWORDS = Argon2Passwords(memory_kib=8, passes=1)
PASSWORD_HASH = PASSWORDS.hash(PASSWORD)


@dataclass
class World:
    """An app over memory, and what is behind it."""

    memory: Memory
    clock: TickingClock
    parts: Parts
    client: testing.TestClient
    limiter: HashLimiter

    def token(self, username: str, days: int = 30) -> str:
        """A token of a user, who is made if need be."""
        users = MemoryUsers(self.memory)
        user = users.get(username) or users.add(username, PASSWORD_HASH, self.clock.now())
        now = self.clock.time
        self.clock.time = now + timedelta(days=days - 30)
        _, secret = self.parts.accounts.issue_token(user)
        self.clock.time = now
        return secret

    def as_user(self, username: str) -> testing.TestClient:
        """A client that is signed in."""
        headers = {"Host": "localhost:8000", "Authorization": f"Bearer {self.token(username)}"}
        return testing.TestClient(self.client.app, headers=headers)


def make_world(mode: str = "open", **settings: Any) -> World:
    """An empty world in this mode, registration open; `settings` are of the app's parts."""
    memory, clock, limiter = Memory(), TickingClock(), HashLimiter()
    items, access = MemoryItems(memory), Access(Mode(mode))
    accounts = Accounts(
        users=MemoryUsers(memory),
        tokens=MemoryTokens(memory),
        attempts=MemoryAttempts(memory),
        items=items,
        passwords=PASSWORDS,
        storage=memory,
        clock=clock,
        limiter=limiter,
        token_days=30,
        registration_open=settings.pop("registration_open", True),
    )
    parts = Parts(
        items=ItemService(items, clock, access),
        transfer=Transfer(items, items, clock, access),
        idempotency=Idempotency(MemoryIdempotencyRecords(memory), memory, clock),
        accounts=accounts,
        access=access,
        check_storage=lambda: None,
        **settings,
    )
    client = testing.TestClient(create_app(parts), headers={"Host": "localhost:8000"})
    return World(memory, clock, parts, client, limiter)


@pytest.fixture
def world() -> World:
    """An empty world in open mode."""
    return make_world()


@pytest.fixture
def memory(world: World) -> Memory:
    """The store behind the app."""
    return world.memory


@pytest.fixture
def parts(world: World) -> Parts:
    """What the app is made of."""
    return world.parts


@pytest.fixture
def client(world: World) -> testing.TestClient:
    """A client of an app with an empty store."""
    return world.client
