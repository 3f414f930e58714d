"""Users over memory, in a world whose time is set by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from datas.adapters.memory import Memory, MemoryAttempts, MemoryItems, MemoryTokens, MemoryUsers
from datas.adapters.system import Argon2Passwords
from datas.domain.sign_in import Gate, SignIn
from datas.domain.user_service import UserService
from datas.domain.users import Passwords

PASSWORD = "correct horse"


class SetClock:
    """A clock that is set by hand."""

    time = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The time that was set."""
        return self.time


class PlainPasswords:
    """Passwords kept as they are, for tests that try many."""

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
    """All that users are made of, within a test's reach."""

    passwords: Passwords = field(default_factory=Argon2Passwords)
    memory: Memory = field(default_factory=Memory)
    clock: SetClock = field(default_factory=SetClock)
    gate: Gate = field(default_factory=Gate)

    def sign_in(self) -> SignIn:
        """Signing in, with tokens for thirty days."""
        return SignIn(
            users=MemoryUsers(self.memory),
            tokens=MemoryTokens(self.memory),
            attempts=MemoryAttempts(self.memory),
            passwords=self.passwords,
            storage=self.memory,
            clock=self.clock,
            gate=self.gate,
            token_days=30,
        )

    def users(self, *, registration_open: bool = False) -> UserService:
        """The service."""
        return UserService(
            users=MemoryUsers(self.memory),
            tokens=MemoryTokens(self.memory),
            attempts=MemoryAttempts(self.memory),
            items=MemoryItems(self.memory),
            passwords=self.passwords,
            storage=self.memory,
            clock=self.clock,
            gate=self.gate,
            registration_open=registration_open,
        )


@pytest.fixture
def world() -> World:
    """With real hashing."""
    return World()


@pytest.fixture
def plain_world() -> World:
    """With passwords kept as they are, and alice in it."""
    world = World(PlainPasswords())
    world.users().register("alice", PASSWORD)
    return world
