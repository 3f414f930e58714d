"""What makes guessing passwords slow, and hashing them harmless to other requests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import ceil

from datas.domain.account_ports import Attempts
from datas.domain.credentials import Attempt
from datas.domain.errors import TooManyAttempts
from datas.domain.forks import renew_in_child
from datas.domain.ports import Storage

WINDOW = timedelta(minutes=15)
# After so many failures within the window a username must wait: from one address, and from all.
MAX_FROM_ONE_ADDRESS = 5
MAX_FROM_ANYWHERE = 100
PURGED = 10  # expired attempts that each new attempt deletes


class HashLimiter:
    """Limits how many passwords are hashed at once, and how many callers wait for that.

    One hash takes 20 ms and 19 MiB. Without a limit, sign-ins would slow all other requests.
    """

    def __init__(self, slots: int = 2, waiting: int = 2, timeout: float = 1.0) -> None:
        self._counts = slots, slots + waiting
        self._timeout = timeout  # seconds
        self._renew()
        renew_in_child(self, HashLimiter._renew)

    def _renew(self) -> None:
        self._slots, self._places = map(threading.BoundedSemaphore, self._counts)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A block that may hash. Raises: TooManyAttempts, if no slot is or becomes free."""
        with self._acquired(self._places, None), self._acquired(self._slots, self._timeout):
            yield

    @staticmethod
    @contextmanager
    def _acquired(semaphore: threading.Semaphore, timeout: float | None) -> Iterator[None]:
        if not semaphore.acquire(blocking=timeout is not None, timeout=timeout):
            raise TooManyAttempts(retry_after=1, busy=True)
        try:
            yield
        finally:
            semaphore.release()


def count_attempt(attempt: Attempt, attempts: Attempts, storage: Storage) -> None:
    """Store the attempt as failed; success clears it later. Raises: TooManyAttempts."""
    # Attempts dated far ahead were stored before the system clock was set back.
    since, until = attempt.date - WINDOW, attempt.date + WINDOW
    with storage.atomic():
        attempts.purge(since, until, PURGED)
        recent = attempts.recent(attempt.username, attempt.purpose, since, until, MAX_FROM_ANYWHERE)
        here = [earlier for earlier in recent if earlier.address == attempt.address]
        waits = [
            counted[most - 1].date - since
            for counted, most in ((here, MAX_FROM_ONE_ADDRESS), (recent, MAX_FROM_ANYWHERE))
            if len(counted) >= most
        ]
        if waits:
            raise TooManyAttempts(ceil(min(max(waits), WINDOW).total_seconds()))
        attempts.add(attempt)
