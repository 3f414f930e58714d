"""What the domain needs from outside. Each adapter in `datas/adapters/` implements one of these."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from datas.domain.items import Draft, Item
from datas.domain.query import Filter, Query


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """The present, aware and in UTC."""


class Storage(Protocol):
    """What all stores of one database share: the transaction."""

    def atomic(self) -> AbstractContextManager[None]:
        """A block whose changes happen together, or, if it raises, not at all."""


class Items(Protocol):
    """Where items are kept. It stores; rules, permissions and versions are the service's.

    Every method raises `StorageUnavailable` if the store can't do its work.
    """

    def add(self, data: str, now: datetime, owner: str | None = None) -> Item:
        """Store a new item at version 1 and return it. Its id was never used before.

        Raises: Unauthenticated, if the owner is a user no more.
        """

    def get(self, item_id: int) -> Item:
        """Return one item. Raises: ItemNotFound."""

    def find(self, query: Query) -> Sequence[Item]:
        """Return up to `query.limit` items that follow `query.after`, in the order asked for."""

    def count(self, which: Filter) -> int:
        """Return how many items there are."""

    def swap(self, item: Item, version: int) -> bool:
        """Store `item` in the place of its earlier self if that is still at `version`.

        One atomic compare-and-set. False: it is at another version, or gone.
        """

    def remove(self, item_id: int, version: int) -> bool:
        """Delete an item if it is still at `version`; as atomic as `swap`."""


class ItemBatches(Protocol):
    """What is done to many items at once. The same store as `Items`, and the same errors."""

    def add_many(self, drafts: Iterable[Draft], now: datetime, owner: str | None = None) -> int:
        """Store new items in this order, all or none; return how many they were.

        Raises: Unauthenticated, if the owner is a user no more.
        """

    def give(self, owner: str, heir: str, now: datetime) -> int:
        """Make all items of one user another's, a change of each; return how many they were.

        Raises: UserNotFound, if there is no heir.
        """
