"""The system clock, and the hashing of passwords."""

import secrets
from datetime import UTC, datetime
from functools import cached_property

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Argon2Passwords:
    """The `Passwords` port by argon2id, with OWASP's parameters: 19 MiB, two passes, one lane."""

    def __init__(self, *, memory_kib: int = 19456, passes: int = 2) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )

    def hash(self, password: str) -> str:
        """`$argon2id$v=19$m=19456,t=2,p=1$…`, with a new salt."""
        return self._hasher.hash(_encoded(password))

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Hash the password once, whether or not there is a hash to compare it with.

        An invalid hash matches no password.
        """
        # The first call makes it, for a known name too: else only unknown names would take longer.
        dummy_hash = self._dummy_hash
        try:
            self._hasher.verify(password_hash or dummy_hash, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash(secrets.token_bytes(32))


def _encoded(password: str) -> bytes:
    """The text in UTF-8. A lone surrogate is encoded too, and then simply wrong."""
    return password.encode(errors="surrogatepass")
