"""Signing in: a password for a token, a token for an actor; and no more tries than is decent."""

import hashlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from math import ceil

from datas.domain.access import Actor
from datas.domain.errors import TokenNotFound, TooManyAttempts, Unauthenticated, WrongCredentials
from datas.domain.forks import renew_in_child
from datas.domain.ports import Clock, Storage
from datas.domain.users import (
    Attempt,
    Attempts,
    Passwords,
    Token,
    Tokens,
    User,
    Users,
    change_of,
    check_fields,
    fold,
    label_faults,
    password_faults,
    username_faults,
)

PREFIX = "datas_"
WINDOW = timedelta(minutes=15)
# Failures within the window after which a username rests: from one address, and from anywhere.
MAX_FROM_ONE_ADDRESS = 5
MAX_FROM_ANYWHERE = 100
PURGED = 10


class Gate:
    """Lets few hash at once: a hash takes 20 ms and 19 MiB, and would starve everything else."""

    def __init__(self, width: int = 2) -> None:
        self._width = width
        self._begin()
        renew_in_child(self, Gate._begin)

    def _begin(self) -> None:
        self._free = threading.BoundedSemaphore(self._width)

    @contextmanager
    def passed(self) -> Iterator[None]:
        """A block in which to hash. Raises: TooManyAttempts, at once, if others are at it."""
        free = self._free
        if not free.acquire(blocking=False):
            raise TooManyAttempts(retry_after=1, busy=True)
        try:
            yield
        finally:
            free.release()


class SignIn:
    """Passwords against tokens, and tokens against actors."""

    def __init__(  # noqa: PLR0913 (the parts that signing in is made of)
        self,
        *,
        users: Users,
        tokens: Tokens,
        attempts: Attempts,
        passwords: Passwords,
        storage: Storage,
        clock: Clock,
        gate: Gate,
        token_days: int,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._attempts = attempts
        self._passwords = passwords
        self._storage = storage
        self._clock = clock
        self._gate = gate
        self._lifetime = timedelta(days=token_days)

    def sign_in(
        self, username: str, password: str, *, address: str, label: str = ""
    ) -> tuple[Token, str]:
        """Return a new token and its secret, which is shown this once.

        Raises: WrongCredentials (the same, in the same time, whichever half was wrong),
        TooManyAttempts.
        """
        # What can't be a username is nobody's, and all of that is counted together.
        name = "" if username_faults(username) else fold(username)
        with self._gate.passed():
            self._count(Attempt(name, address, self._clock.now()))
            user = self._checked(self._users.get(name), password)
            renewed = None
            if self._passwords.is_outdated(user.password_hash):
                renewed = self._passwords.hash(password)
            with self._storage.atomic():
                self._swap_password(user, password, renewed)
                self._attempts.clear(name, address)
                return self.issue(user, label=label)

    def change_password(self, actor: Actor, password: str, new_password: str) -> None:
        """Change the actor's own password, and revoke all their tokens but the one in use.

        Raises: InvalidUser, WrongCredentials, TooManyAttempts, Unauthenticated.
        """
        check_fields(new_password=password_faults(new_password))
        name = actor.identified()
        with self._gate.passed():
            # A stolen token is no leave to guess, from whatever address.
            self._count(Attempt(change_of(name), "", self._clock.now()))
            user = self._checked(self._users.get(name), password)
            password_hash = self._passwords.hash(new_password)
            with self._storage.atomic():
                self._swap_password(user, password, password_hash)
                if actor.token_id not in (None, *(token.id for token in self._tokens.of(name))):
                    raise Unauthenticated(bad_token=True)  # revoked meanwhile
                self._attempts.clear(change_of(name))
                self._tokens.revoke_others(name, actor.token_id)

    def issue(self, user: User, *, label: str = "") -> tuple[Token, str]:
        """Return a new token of a user and its secret, without a password; forget expired ones.

        Raises: InvalidUser, Unauthenticated (the user was removed meanwhile).
        """
        check_fields(label=label_faults(label))
        now = self._clock.now()
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(0, user.username, label, now, now + self._lifetime)
        with self._storage.atomic():
            self._tokens.purge(user.username, now)
            return self._tokens.add(token, _digest(secret)), secret

    def authenticate(self, secret: str) -> Actor:
        """The user for whom the secret stands. Raises: Unauthenticated."""
        token = self._tokens.find(_digest(secret))
        if token is None or token.date_expires <= self._clock.now():
            raise Unauthenticated(bad_token=True)
        return Actor(token.username, token.id)

    def tokens(self, actor: Actor) -> Sequence[Token]:
        """The actor's tokens, without their secrets. Raises: Unauthenticated."""
        return self._tokens.of(actor.identified())

    def revoke(self, actor: Actor, token_id: int | None = None) -> int:
        """Make a token of the actor worthless at once: this one, or the one in use; return its id.

        Raises: TokenNotFound, Unauthenticated.
        """
        revoked = token_id or actor.token_id or 0  # which no token has
        if not self._tokens.revoke(actor.identified(), revoked):
            raise TokenNotFound(revoked)
        return revoked

    def revoke_all(self, actor: Actor) -> None:
        """Make all tokens of the actor worthless at once. Raises: Unauthenticated."""
        self._tokens.revoke_others(actor.identified(), None)

    def _checked(self, user: User | None, password: str) -> User:
        """The user, if it is their password. Nobody's password takes as long to be wrong."""
        kept = None if user is None else user.password_hash
        if not self._passwords.verify(password, kept) or user is None:
            raise WrongCredentials
        return user

    def _swap_password(self, user: User, password: str, password_hash: str | None) -> None:
        """Store a hash in the place of the one that was checked; None stores that one again.

        A password that was changed meanwhile is not this password any more. It still is if only
        its hash was renewed, by another sign-in at the same time. Raises: WrongCredentials.
        """
        before = user.password_hash
        # Also where nothing changes: it keeps others from changing it until the transaction ends.
        while not self._users.swap_password(user.username, before, password_hash or before):
            before = self._checked(self._users.get(user.username), password).password_hash

    def _count(self, attempt: Attempt) -> None:
        """Count a try as failed until it succeeds. Raises: TooManyAttempts."""
        # What is dated far ahead was counted before somebody set the clock back.
        since, until = attempt.date - WINDOW, attempt.date + WINDOW
        with self._storage.atomic():
            self._attempts.purge(since, until, PURGED)
            recent = self._attempts.recent(attempt.username, since, until, MAX_FROM_ANYWHERE)
            here = [earlier for earlier in recent if earlier.address == attempt.address]
            waits = [
                tries[most - 1].date - since
                for tries, most in ((here, MAX_FROM_ONE_ADDRESS), (recent, MAX_FROM_ANYWHERE))
                if len(tries) >= most
            ]
            if waits:
                raise TooManyAttempts(_seconds(min(max(waits), WINDOW)))
            self._attempts.add(attempt)


def _seconds(duration: timedelta) -> int:
    return max(1, ceil(duration.total_seconds()))


def _digest(secret: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
