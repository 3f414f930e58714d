"""What one kind of database has of its own: the port between `SqlDatabase` and its engines."""

from contextlib import AbstractContextManager
from typing import Protocol

from peewee import Database, Select


class Engine(Protocol):
    """What one kind of database has of its own."""

    peewee: Database
    # Whether nothing may be written.
    read_only: bool
    # Whether it made the database just now.
    made: bool
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

    def exists(self) -> bool:
        """Whether there is a database to connect to."""

    def prepare(self) -> None:
        """Do what comes before the first connection. Raises: StorageUnavailable."""

    def write_lock(self) -> AbstractContextManager[None]:
        """A block in which the caller may write: one at a time where the database wants it so."""

    def bulk_write(self) -> AbstractContextManager[None]:
        """A block, in a transaction, that writes much and uses more memory for it."""

    def migrating(self) -> AbstractContextManager[None]:
        """A block in which no other process changes the schema."""

    def acquire(self) -> None:
        """Begin to use this thread's connection; nested in a transaction.

        Raises: StorageUnavailable, if what is connected to is the database no more.
        """

    def release(self) -> None:
        """End what `acquire` began. Give the connection back, where it isn't the thread's own."""

    def confirm(self) -> None:
        """Raises: one of `errors`, if the rows that were just read may not belong together."""

    def close(self) -> None:
        """Close this thread's connection, or the pool's idle ones."""

    def skipping_locked(self, query: Select) -> Select:
        """The query without rows that others are about to change, where there can be any."""

    def locking(self, query: Select) -> Select:
        """The query, so that nobody may refer to its rows until the transaction ends."""

    def can_repeat(self, error: BaseException) -> bool:
        """Whether a statement failed only because of others' at the same time."""

    def reason(self, error: BaseException) -> str | None:
        """What the error says of the database's state, in plain words; None: it is a bug."""
