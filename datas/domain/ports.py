"""What the domain needs from outside. Each adapter in `datas/adapters/` implements one of these."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from datas.domain.query import Conditions, Page, Query
from datas.domain.records import D, Record


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware and in UTC."""


class Storage(Protocol):
    """The transaction, which all repositories of one database share."""

    def atomic(self) -> AbstractContextManager[None]:
        """A block whose changes happen together, or, if it raises, not at all."""


class Repository(Protocol[D]):
    """Where the records of one collection are kept. It stores; the service has the rules.

    Every method raises `StorageUnavailable` if the store can't do its work.
    """

    def add(self, draft: D, now: datetime, owner: str | None = None) -> Record[D]:
        """Store a new record at version 1 and return it. Its id was never used before.

        Raises: ValueTaken; InvalidRecord, for a reference to no record; Unauthenticated, if the
        owner is no user any more.
        """

    def add_many(self, drafts: Iterable[D], now: datetime, owner: str | None = None) -> int:
        """Store records in this order, all or none; return how many. Raises: as `add`."""

    def get(self, record_id: int) -> Record[D]:
        """Raises: RecordNotFound."""

    def find(self, query: Query) -> Sequence[Record[D]]:
        """Return up to `query.limit` records that follow `query.after`, in the order asked for."""

    def scan(self, query: Query) -> Page[D]:
        """Look at the next `query.limit` records, also if none of them meets `query.where`."""

    def count(self, where: Conditions) -> int:
        """Return how many records meet the conditions."""

    def swap(self, record: Record[D], version: int) -> bool:
        """Store `record` in the place of its earlier self if that is still at `version`.

        One atomic compare-and-set. False: it is at another version, or gone. Raises: ValueTaken;
        InvalidRecord, for a reference to no record.
        """

    def remove(self, record_id: int, version: int) -> bool:
        """Delete a record if it is still at `version`; as atomic as `swap`. Raises: RecordInUse."""

    def reassign(self, owner: str, new_owner: str, now: datetime) -> int:
        """Give all records of one user to another, a change of each; return how many they were.

        Raises: UserNotFound, if there is no new owner.
        """
