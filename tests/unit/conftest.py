"""Accounts over memory, with a clock that is set by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from datas.adapters.memory import Memory, MemoryRepository
from datas.adapters.memory_accounts import MemoryAttempts, MemoryTokens, MemoryUsers
from datas.adapters.system import Argon2Passwords
from datas.domain.account_ports import Passwords
from datas.domain.accounts import Accounts
from datas.domain.items import ITEMS
from datas.domain.throttle import HashLimiter

PASSWORD = "correct horse"


class SetClock:
    """A clock that is set by hand."""

    time = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The time that was set."""
        return self.time


class PlainPasswords:
    """Passwords without hashing, for tests with many attempts."""

    def hash(self, password: str) -> str:
        """The password."""
        return password

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password."""
        return password == password_hash

    def is_outdated(self, password_hash: str) -> bool:
        """Never."""
        return False


@dataclass
class World:
    """The service's parts, within a test's reach."""

    passwords: Passwords = field(default_factory=Argon2Passwords)
    memory: Memory = field(default_factory=Memory)
    clock: SetClock = field(default_factory=SetClock)
    limiter: HashLimiter = field(default_factory=HashLimiter)

    def accounts(self, *, registration_open: bool = False) -> Accounts:
        """The service, with tokens for thirty days."""
        return Accounts(
            users=MemoryUsers(self.memory),
            tokens=MemoryTokens(self.memory),
            attempts=MemoryAttempts(self.memory),
            repositories=[MemoryRepository(self.memory, ITEMS)],
            passwords=self.passwords,
            storage=self.memory,
            clock=self.clock,
            limiter=self.limiter,
            token_days=30,
            registration_open=registration_open,
        )


@pytest.fixture
def world() -> World:
    """With real hashing."""
    return World()


@pytest.fixture
def plain_world() -> World:
    """Without hashing, and with the user alice."""
    world = World(PlainPasswords())
    world.accounts().register("alice", PASSWORD)
    return world
