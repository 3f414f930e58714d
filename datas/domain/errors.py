"""What can go wrong, as data: a stable code and the facts, never an HTTP status.

`str(error)` is one sentence or two for people: what happened, which value, what to do.
"""

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """The parent of all that the domain refuses. `code` is stable: programs may rely on it."""

    code: str


class InvalidFields(DomainError):
    """Fields that break a rule: `errors` by field. `index` is the draft's place among many."""

    index = 0

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__(list_faults(errors))
        self.errors = errors


class InvalidRecord(InvalidFields):
    """Fields of a record that break a rule; the code is `invalid-item` for an item."""

    def __init__(self, name: str, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__(errors)
        self.code = f"invalid-{name}"

    @classmethod
    def missing_reference(cls, name: str, field: str, record_id: int) -> "InvalidRecord":
        """The field refers to a record that does not exist, or that the actor may not read."""
        return cls(name, {field: [f"refers to {record_id}, which does not exist."]})


class ValueTaken(InvalidFields):
    """Another record has the value of a field that must be unique."""

    code = "value-taken"

    def __init__(self, name: str, field: str) -> None:
        super().__init__({field: [f"is the value of another {name} already. Choose another."]})


class RecordInUse(DomainError):
    code = "record-in-use"

    def __init__(self, name: str, record_id: int, plural: str) -> None:
        super().__init__(
            f"{name.capitalize()} {record_id} can't be deleted, because {plural} refer to it. "
            "Change or delete those first."
        )


class LineTooLong(DomainError):
    code = "body-too-large"

    def __init__(self, number: int, fault: str) -> None:
        super().__init__(f"Line {number} {fault}")


class RecordNotFound(DomainError):
    def __init__(self, name: str, record_id: int) -> None:
        super().__init__(f"There is no {name} {record_id}. It was deleted, or it never existed.")
        self.code = f"{name}-not-found"
        self.record_id = record_id


class VersionMismatch(DomainError):
    code = "version-mismatch"

    def __init__(self, name: str, record_id: int, version: int) -> None:
        super().__init__(
            f"{name.capitalize()} {record_id} is at version {version} now, which is not what the "
            "request asked for. Read it again, then repeat the change if it still makes sense."
        )
        self.record_id = record_id
        self.version = version


class IdempotencyKeyReused(DomainError):
    code = "idempotency-key-reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The idempotency key {key!r} was used for another request. "
            "Repeat that request unchanged, or send this one with a new key."
        )


class InvalidUser(InvalidFields):
    code = "invalid-user"


class Unauthenticated(DomainError):
    code = "unauthenticated"

    def __init__(self, *, bad_token: bool = False, no_user: str | None = None) -> None:
        text = "This needs a user who is signed in."
        if bad_token:
            text = "The token is unknown, revoked or expired."
        if no_user is not None:
            text = f"There is no user {no_user}: removed, or never there."
        super().__init__(text)
        self.bad_token = bad_token or no_user is not None


class WrongCredentials(DomainError):
    code = "wrong-credentials"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong. Check both, and try again.")


class Forbidden(DomainError):
    code = "forbidden"

    def __init__(self, name: str, record_id: int) -> None:
        super().__init__(
            f"{name.capitalize()} {record_id} is another user's: only its owner may change it."
        )


class RegistrationClosed(DomainError):
    code = "registration-closed"

    def __init__(self) -> None:
        super().__init__(
            "Registration is closed. Ask the operator of this server for a user: "
            "`datas user add NAME` makes one."
        )


class TokenNotFound(DomainError):
    code = "token-not-found"

    def __init__(self, token_id: int) -> None:
        super().__init__(f"You have no token {token_id}. It was revoked, or it never existed.")
        self.token_id = token_id


class UsernameTaken(DomainError):
    code = "username-taken"

    def __init__(self, username: str) -> None:
        super().__init__(f"The username {username} is taken. Choose another.")
        self.username = username


class AdministrationError(DomainError):
    """What only the command line can meet, and HTTP never answers with."""


class UserNotFound(AdministrationError):
    code = "user-not-found"

    def __init__(self, username: str) -> None:
        super().__init__(f"There is no user {username}.")
        self.username = username


class UserOwnsRecords(AdministrationError):
    code = "user-owns-records"

    def __init__(self, username: str) -> None:
        super().__init__(f"{username} owns records. Give them to another user first.")


class CopyFailed(AdministrationError):
    """A backup, a restore or a copy came to nothing, and changed nothing. The sentence says why."""

    code = "copy-failed"


class TooManyAttempts(DomainError):
    """The password was wrong too often, or too many are having theirs checked at this moment."""

    code = "too-many-attempts"

    def __init__(self, retry_after: int, *, busy: bool = False) -> None:
        text = (
            "Too many are signing in or registering at this moment."
            if busy
            else "There were too many failed attempts for this username."
        )
        super().__init__(f"{text} Wait {retry_after} s.")
        self.retry_after = retry_after


class StorageUnavailable(DomainError):
    """The database can't be reached, is locked, read-only, full, damaged or of another schema.

    The sentence is for the client; what happened inside is in `__cause__`, for the log.
    """

    code = "storage-unavailable"


def list_faults(errors: Mapping[str, Sequence[str]]) -> str:
    """Every fault in one line: `data: must be a string. note: is unknown.`"""
    return " ".join(f"{field}: {fault}" for field, faults in errors.items() for fault in faults)
