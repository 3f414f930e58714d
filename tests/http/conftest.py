"""The app over memory, called without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from falcon import testing

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryRepository
from datas.adapters.memory_accounts import MemoryAttempts, MemoryTokens, MemoryUsers
from datas.adapters.system import Argon2Passwords
from datas.domain.access import Access, Mode
from datas.domain.accounts import Accounts
from datas.domain.idempotency import Idempotency
from datas.domain.items import ITEMS
from datas.domain.query import Filter
from datas.domain.records import Collection
from datas.domain.service import RecordService
from datas.domain.throttle import HashLimiter
from datas.http.app import create_app
from datas.http.items import ITEM_FILTERS, ItemSchema
from datas.http.parts import Parts, RecordParts
from datas.http.schemas import RecordSchema
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


Wire = tuple[Collection[Any], type[RecordSchema], Mapping[str, Filter]]
ITEMS_ON_THE_WIRE: Wire = (ITEMS, ItemSchema, ITEM_FILTERS)


def make_world(
    mode: str = "open", collections: Sequence[Wire] = (ITEMS_ON_THE_WIRE,), **settings: Any
) -> World:
    """An empty world in this mode, registration open; `settings` are of the app's parts."""
    memory, clock, limiter = Memory(), TickingClock(), HashLimiter()
    access = Access(Mode(mode))
    repositories = {each.plural: MemoryRepository(memory, each) for each, _, _ in collections}
    accounts = Accounts(
        users=MemoryUsers(memory),
        tokens=MemoryTokens(memory),
        attempts=MemoryAttempts(memory),
        repositories=list(repositories.values()),
        passwords=PASSWORDS,
        storage=memory,
        clock=clock,
        limiter=limiter,
        token_days=30,
        registration_open=settings.pop("registration_open", True),
    )
    parts = Parts(
        collections=[
            RecordParts(each, _service(each, repositories, clock, access), schema, filters)
            for each, schema, filters in collections
        ],
        idempotency=Idempotency(MemoryIdempotencyRecords(memory), memory, clock),
        accounts=accounts,
        access=access,
        check_storage=lambda: None,
        **settings,
    )
    client = testing.TestClient(create_app(parts), headers={"Host": "localhost:8000"})
    return World(memory, clock, parts, client, limiter)


def _service(
    collection: Collection[Any],
    repositories: Mapping[str, MemoryRepository[Any]],
    clock: TickingClock,
    access: Access,
) -> RecordService[Any]:
    targets = {name: repositories[plural] for name, plural in collection.references.items()}
    return RecordService(collection, repositories[collection.plural], clock, access, targets)


# The problems of an app that serves items.
PROBLEMS = make_world().parts.problems


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
