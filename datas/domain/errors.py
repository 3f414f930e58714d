"""What can go wrong, as data: a stable code and the facts, never an HTTP status.

`str(error)` is one sentence or two for people: what happened, which value, what to do.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class DomainError(Exception):
    """The parent of all that the domain refuses."""

    code: ClassVar[str]


class InvalidItem(DomainError):
    """Data that breaks a rule; `errors` lists the faults of each field."""

    code = "invalid-item"

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__(list_faults(errors))
        self.errors = errors


class ItemNotFound(DomainError):
    """No item has this id: it never did, or it was deleted."""

    code = "item-not-found"

    def __init__(self, item_id: int) -> None:
        super().__init__(f"There is no item {item_id}. It was deleted, or it never existed.")
        self.item_id = item_id


class VersionMismatch(DomainError):
    """The item is at another version than the change was meant for."""

    code = "version-mismatch"

    def __init__(self, item_id: int, version: int) -> None:
        super().__init__(
            f"Item {item_id} is at version {version} now, which is not what the request asked for. "
            "Read it again, then repeat the change if it still makes sense."
        )
        self.item_id = item_id
        self.version = version


class IdempotencyKeyReused(DomainError):
    """The key was used for another request within the last 24 hours."""

    code = "idempotency-key-reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key {key!r} was used for another request. "
            "Repeat that request unchanged, or send this one with a new key."
        )
        self.key = key


class StorageUnavailable(DomainError):
    """The database can't be reached, is locked, read-only, full, damaged or of another schema.

    The sentence is for the client; what happened inside is in `__cause__`, for the log.
    """

    code = "storage-unavailable"


def list_faults(errors: Mapping[str, Sequence[str]]) -> str:
    """Every fault in one line: `data: must be a string. note: is unknown.`"""
    return " ".join(f"{field}: {fault}" for field, faults in errors.items() for fault in faults)
