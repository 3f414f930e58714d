"""What one kind of database has of its own: the part of `SqlDatabase` that its engines fill in."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext

from peewee import Database, Select


class Engine(ABC):
    """One kind of database. What a method does here is enough for some."""

    peewee: Database
    # Whether nothing may be written.
    read_only = False
    # Whether it made the database just now.
    made = False
    errors: tuple[type[Exception], ...]
    integrity_error: type[Exception]
    # The name of the function that finds a part of a text.
    position: str
    # SQL for the highest id that a table ever gave; and to set it, for an id and a table.
    last_id: str
    set_last_id: str
    # SQL that lets references be checked at the end of a transaction.
    defer_references: str

    @property
    def file_id(self) -> str:
        """Which file it is, for other processes of this machine; "" if it is none."""
        return ""

    def exists(self) -> bool:
        """Whether there is a database to connect to."""
        return True

    def prepare(self) -> None:  # noqa: B027 (a server needs nothing)
        """Do what comes before the first connection. Raises: StorageUnavailable."""

    def write_lock(self) -> AbstractContextManager[None]:
        """A block in which the caller may write: one at a time where the database wants it so."""
        return nullcontext()

    def bulk_write(self) -> AbstractContextManager[None]:
        """A block, in a transaction, that writes much and uses more memory for it."""
        return nullcontext()

    @abstractmethod
    def migrating(self) -> AbstractContextManager[None]:
        """A block in which no other process changes the schema."""

    def acquire(self) -> None:  # noqa: B027 (a pool lends a connection when a statement runs)
        """Begin to use this thread's connection; nested in a transaction.

        Raises: StorageUnavailable, if what is connected to is the database no more.
        """

    @abstractmethod
    def release(self) -> None:
        """End what `acquire` began. Give the connection back, where it isn't the thread's own."""

    def confirm(self) -> None:  # noqa: B027 (most databases give one snapshot)
        """Raises: one of `errors`, if the rows that were just read may not belong together."""

    @abstractmethod
    def close(self) -> None:
        """Close this thread's connection, or the pool's idle ones."""

    def skipping_locked(self, query: Select) -> Select:
        """The query without rows that others are about to change, where there can be any."""
        return query

    def locking(self, query: Select) -> Select:
        """The query; until the transaction ends, no new row can refer to the rows that it finds."""
        return query

    def can_repeat(self, error: BaseException) -> bool:
        """Whether a statement failed only because of others' at the same time."""
        return False

    @abstractmethod
    def reason(self, error: BaseException) -> str | None:
        """What the error says of the database's state, in plain words; None: it is a bug."""
