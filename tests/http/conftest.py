"""The app over memory, called without a server."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from falcon import testing

from datas.adapters.memory import (
    Memory,
    MemoryAttempts,
    MemoryIdempotencyRecords,
    MemoryItems,
    MemoryTokens,
    MemoryUsers,
)
from datas.adapters.system import Argon2Passwords
from datas.domain.access import Access, Mode
from datas.domain.idempotency import Idempotency
from datas.domain.item_service import ItemService
from datas.domain.sign_in import Gate, SignIn
from datas.domain.transfer import Transfer
from datas.domain.user_service import UserService
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
    gate: Gate

    def token(self, username: str, days: int = 30) -> str:
        """A token of a user, who is made if need be."""
        users = MemoryUsers(self.memory)
        user = users.get(username) or users.add(username, PASSWORD_HASH, self.clock.now())
        now = self.clock.time
        self.clock.time = now + timedelta(days=days - 30)
        _, secret = self.parts.sign_in.issue(user)
        self.clock.time = now
        return secret

    def as_user(self, username: str) -> testing.TestClient:
        """A client that is signed in."""
        headers = {"Host": "localhost:8000", "Authorization": f"Bearer {self.token(username)}"}
        return testing.TestClient(self.client.app, headers=headers)


def make_world(mode: str = "open", **settings: Any) -> World:
    """An empty world in this mode, registration open; `settings` are of the app's parts."""
    memory, clock, gate, passwords = Memory(), TickingClock(), Gate(), PASSWORDS
    users, tokens, items = MemoryUsers(memory), MemoryTokens(memory), MemoryItems(memory)
    access = Access(Mode(mode))
    user_service = UserService(
        users=users,
        tokens=tokens,
        attempts=MemoryAttempts(memory),
        items=items,
        passwords=passwords,
        storage=memory,
        clock=clock,
        gate=gate,
        registration_open=settings.pop("registration_open", True),
    )
    sign_in = SignIn(
        users=users,
        tokens=tokens,
        attempts=MemoryAttempts(memory),
        passwords=passwords,
        storage=memory,
        clock=clock,
        gate=gate,
        token_days=30,
    )
    parts = Parts(
        items=ItemService(items, clock, access),
        transfer=Transfer(items, items, clock, access),
        idempotency=Idempotency(MemoryIdempotencyRecords(memory), memory, clock),
        users=user_service,
        sign_in=sign_in,
        access=access,
        check_storage=lambda: None,
        **settings,
    )
    client = testing.TestClient(create_app(parts), headers={"Host": "localhost:8000"})
    return World(memory, clock, parts, client, gate)


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
