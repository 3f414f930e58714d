"""Safe retries: a request that names a key is carried out once, and answered as often as asked.

After the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from datas.domain.errors import IdempotencyKeyReused
from datas.domain.ports import Clock, Storage

LIFETIME = timedelta(hours=24)
# Expired records that one request deletes in passing: more than it adds, and little work.
PURGED = 10


class KeptAnswer(NamedTuple):
    """The answer that is kept for retries of one request, by actor and key."""

    actor: str
    key: str
    fingerprint: bytes
    date_created: datetime
    answer: bytes = b""


class IdempotencyRecords(Protocol):
    """Where records are kept. Each method raises `StorageUnavailable` if the store can't work."""

    def claim(self, record: KeptAnswer, expired: datetime) -> KeptAnswer | None:
        """Store a record in the place of none, or of one created at `expired` or before.

        Or return the younger one that there is. No other transaction can claim the same meanwhile.
        """

    def complete(self, record: KeptAnswer) -> None:
        """Store the answer of a claimed record."""

    def purge(self, expired: datetime, limit: int) -> None:
        """Delete up to `limit` records that were created at `expired` or before."""


class Idempotency:
    """The replay rule."""

    def __init__(self, records: IdempotencyRecords, storage: Storage, clock: Clock) -> None:
        self._records = records
        self._storage = storage
        self._clock = clock

    def once(
        self, actor: str, key: str, fingerprint: bytes, work: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        """Do the work and keep its answer with it in one transaction, or return the kept answer.

        The second value says whether the answer is a replay. Work that raises keeps nothing, and
        leaves the key free. Raises: IdempotencyKeyReused, StorageUnavailable, what `work` raises.
        """
        now = self._clock.now()
        claimed = KeptAnswer(actor, key, fingerprint, now)
        with self._storage.atomic():
            self._records.purge(now - LIFETIME, PURGED)
            if kept := self._records.claim(claimed, now - LIFETIME):
                if kept.fingerprint != fingerprint:
                    raise IdempotencyKeyReused(key)
                return kept.answer, True
            answer = work()
            self._records.complete(claimed._replace(answer=answer))
        return answer, False


def fingerprint(*parts: bytes) -> bytes:
    """A digest of a request's parts: two requests have the same one only if all parts agree."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()
