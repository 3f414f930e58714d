"""The use cases of users and tokens: register, sign in, change a password, leave."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from datas.domain.access import SYSTEM, Actor
from datas.domain.account_ports import Attempts, Passwords, Tokens, Users
from datas.domain.credentials import (
    Attempt,
    Purpose,
    Token,
    User,
    check_fields,
    fold,
    label_faults,
    password_faults,
    username_faults,
)
from datas.domain.errors import (
    RegistrationClosed,
    TokenNotFound,
    Unauthenticated,
    UserNotFound,
    WrongCredentials,
)
from datas.domain.ports import Clock, Repository, Storage
from datas.domain.throttle import HashLimiter, count_attempt

PREFIX = "datas_"
MAX_TOKENS = 100  # of one user that a sign-in leaves, and that a list shows


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The service. Its fields are the ports and settings that it needs."""

    users: Users
    tokens: Tokens
    attempts: Attempts
    repositories: Sequence[Repository[Any]]
    passwords: Passwords
    storage: Storage
    clock: Clock
    limiter: HashLimiter
    token_days: int
    registration_open: bool

    def register(self, username: str, password: str, *, actor: Actor = SYSTEM) -> User:
        """Raises: InvalidUser, RegistrationClosed, UsernameTaken, TooManyAttempts."""
        check_fields(username=username_faults(username), password=password_faults(password))
        if not (self.registration_open or actor.is_system):
            raise RegistrationClosed
        with self.limiter.slot():
            password_hash = self.passwords.hash(password)
        return self.users.add(fold(username), password_hash, self.clock.now())

    def get_user(self, username: str) -> User:
        """Raises: UserNotFound."""
        user = self.users.get(fold(username))
        if user is None:
            raise UserNotFound(username)
        return user

    def me(self, actor: Actor) -> User:
        """The user that the actor is. Raises: Unauthenticated."""
        user = self.users.get(actor.identified())
        if user is None:
            raise Unauthenticated
        return user

    def list_users(self) -> Sequence[User]:
        """All users by name."""
        return self.users.all()

    def remove_user(self, username: str, *, new_owner: str | None = None) -> int:
        """Delete a user. With `new_owner`, first give the user's records to that user.

        Return how many records got the new owner.
        Raises: UserNotFound, UserOwnsRecords, InvalidUser (both names are one user's).
        """
        with self.storage.atomic():
            user = self.get_user(username)
            target = None if new_owner is None else self.get_user(new_owner)
            check_fields(give_to=["must be another user."] if target == user else [])
            reassigned = 0
            if target is not None:
                now = self.clock.now()
                reassigned = sum(
                    each.reassign(user.username, target.username, now) for each in self.repositories
                )
            self.users.remove(user.username)
        return reassigned

    def set_password(self, username: str, new_password: str) -> None:
        """Replace a user's password without the old one, and revoke all the user's tokens.

        The user's failed attempts are deleted. Raises: InvalidUser, UserNotFound.
        """
        check_fields(password=password_faults(new_password))
        password_hash = self.passwords.hash(new_password)
        with self.storage.atomic():
            name = self.get_user(username).username
            self.users.set_password(name, password_hash)
            self.tokens.revoke_others(name, None)
            self.attempts.clear_all(name)

    def change_password(self, actor: Actor, password: str, new_password: str) -> None:
        """Replace the actor's own password, and revoke the actor's tokens except the one in use.

        Raises: InvalidUser, WrongCredentials, TooManyAttempts, Unauthenticated.
        """
        check_fields(new_password=password_faults(new_password))
        name = actor.identified()
        with self.limiter.slot():
            # Attempts count by token, whatever the address: a stolen token must neither allow
            # guessing nor keep the user, who has another token, from changing the password.
            # They count apart from sign-in, where strangers could use up the user's attempts.
            token = f"token {actor.token_id}"
            attempt = Attempt(name, Purpose.CHANGE_PASSWORD, token, self.clock.now())
            count_attempt(attempt, self.attempts, self.storage)
            user = self._verified(self.users.get(name), password)
            password_hash = self.passwords.hash(new_password)
            with self.storage.atomic():
                self._swap_password(user, password, password_hash)
                self.check_token(actor)  # it may have been revoked meanwhile
                self.attempts.clear(attempt)
                self.tokens.revoke_others(name, actor.token_id)

    def sign_in(
        self, username: str, password: str, *, address: str, label: str = ""
    ) -> tuple[Token, str]:
        """Return a new token and its secret. The secret is not stored.

        Raises: WrongCredentials (the same, and after the same time, for a wrong username and for
        a wrong password), TooManyAttempts.
        """
        # Texts that cannot be a username count together, under the empty name.
        name = "" if username_faults(username) else fold(username)
        with self.limiter.slot():
            attempt = Attempt(name, Purpose.SIGN_IN, address, self.clock.now())
            count_attempt(attempt, self.attempts, self.storage)
            user = self._verified(self.users.get(name), password)
            renewed = None
            if self.passwords.is_outdated(user.password_hash):
                renewed = self.passwords.hash(password)
            with self.storage.atomic():
                self._swap_password(user, password, renewed)
                self.attempts.clear(attempt)
                issued = self.issue_token(user, label=label)
                self.tokens.keep_newest(user.username, MAX_TOKENS)
                return issued

    def authenticate(self, secret: str) -> Actor:
        """The user of a token's secret. Raises: Unauthenticated."""
        token = self._valid(self.tokens.find(_digest(secret)))
        return Actor(token.username, token.id)

    def check_token(self, actor: Actor) -> None:
        """Raises: Unauthenticated, if the actor's token was revoked or has expired since."""
        if actor.token_id is not None:
            self._valid(self.tokens.get(actor.identified(), actor.token_id))

    def _valid(self, token: Token | None) -> Token:
        if token is None or token.date_expires <= self.clock.now():
            raise Unauthenticated(bad_token=True)
        return token

    def issue_token(self, user: User, *, label: str = "") -> tuple[Token, str]:
        """Return a new token and its secret, without a password. Delete the user's expired tokens.

        Raises: InvalidUser, Unauthenticated (the user was removed meanwhile).
        """
        check_fields(label=label_faults(label))
        now = self.clock.now()
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(0, user.username, label, now, now + timedelta(days=self.token_days))
        with self.storage.atomic():
            self.tokens.purge(user.username, now)
            return self.tokens.add(token, _digest(secret)), secret

    def list_tokens(self, actor: Actor) -> Sequence[Token]:
        """The newest 100 of the actor's tokens, by id. Raises: Unauthenticated."""
        return self.tokens.newest(actor.identified(), MAX_TOKENS)

    def revoke_token(self, actor: Actor, token_id: int | None = None) -> int:
        """Revoke one token of the actor; without `token_id`, the token in use. Return its id.

        Raises: TokenNotFound, Unauthenticated.
        """
        revoked = token_id or actor.token_id or 0  # no token has the id 0
        if not self.tokens.revoke(actor.identified(), revoked):
            raise TokenNotFound(revoked)
        return revoked

    def revoke_all_tokens(self, actor: Actor) -> None:
        """Raises: Unauthenticated."""
        self.tokens.revoke_others(actor.identified(), None)

    def _verified(self, user: User | None, password: str) -> User:
        """The user, if the password is right. The check takes as long where there is no user."""
        password_hash = None if user is None else user.password_hash
        if not self.passwords.verify(password, password_hash) or user is None:
            raise WrongCredentials
        return user

    def _swap_password(self, user: User, password: str, password_hash: str | None) -> None:
        """Replace the hash that was verified; None stores the same hash again.

        If the hash changed meanwhile, the password is verified against the new hash: another
        sign-in may only have renewed it. Raises: WrongCredentials, if the password changed.
        """
        before = user.password_hash
        # The same hash is stored too: the write locks the user's row until the transaction ends.
        while not self.users.swap_password(user.username, before, password_hash or before):
            before = self._verified(self.users.get(user.username), password).password_hash


def _digest(secret: str) -> bytes:
    """256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
