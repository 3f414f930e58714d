"""The use cases of users: register, look up, set a forgotten password, leave."""

from collections.abc import Sequence

from datas.domain.access import SYSTEM, Actor
from datas.domain.errors import (
    RegistrationClosed,
    Unauthenticated,
    UserNotFound,
)
from datas.domain.ports import Clock, ItemBatches, Storage
from datas.domain.sign_in import Gate
from datas.domain.users import (
    Attempts,
    Passwords,
    Tokens,
    User,
    Users,
    change_of,
    check_fields,
    fold,
    password_faults,
    username_faults,
)


class UserService:
    """Users, as they and whoever runs the server deal with them."""

    def __init__(  # noqa: PLR0913 (the parts that users are made of)
        self,
        *,
        users: Users,
        tokens: Tokens,
        attempts: Attempts,
        items: ItemBatches,
        passwords: Passwords,
        storage: Storage,
        clock: Clock,
        gate: Gate,
        registration_open: bool,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._attempts = attempts
        self._items = items
        self._passwords = passwords
        self._storage = storage
        self._clock = clock
        self._gate = gate
        self._registration_open = registration_open

    def register(self, username: str, password: str, *, actor: Actor = SYSTEM) -> User:
        """Make a user. Raises: InvalidUser, RegistrationClosed, UsernameTaken, TooManyAttempts."""
        check_fields(username=username_faults(username), password=password_faults(password))
        if not (self._registration_open or actor.is_system):
            raise RegistrationClosed
        with self._gate.passed():
            password_hash = self._passwords.hash(password)
        return self._users.add(fold(username), password_hash, self._clock.now())

    def get(self, username: str) -> User:
        """Return a user. Raises: UserNotFound."""
        user = self._users.get(fold(username))
        if user is None:
            raise UserNotFound(username)
        return user

    def me(self, actor: Actor) -> User:
        """Return the user who asks. Raises: Unauthenticated."""
        user = self._users.get(actor.identified())
        if user is None:
            raise Unauthenticated
        return user

    def all(self) -> Sequence[User]:
        """All users by name."""
        return self._users.all()

    def set_password(self, username: str, new_password: str) -> None:
        """Give a user another password without the old one, and revoke all their tokens.

        What was tried with the old one is forgotten. Raises: InvalidUser, UserNotFound.
        """
        check_fields(password=password_faults(new_password))
        password_hash = self._passwords.hash(new_password)
        with self._storage.atomic():
            name = self.get(username).username
            self._users.set_password(name, password_hash)
            self._tokens.revoke_others(name, None)
            for tried in (name, change_of(name)):
                self._attempts.clear(tried)

    def remove(self, username: str, *, give_to: str | None = None) -> int:
        """Delete a user; return how many items were given to another before.

        Raises: UserNotFound, UserOwnsItems, InvalidUser (who is removed can't be given anything).
        """
        with self._storage.atomic():
            user = self.get(username)
            heir = None if give_to is None else self.get(give_to)
            check_fields(give_to=["must be another user."] if heir == user else [])
            given = 0
            if heir is not None:
                given = self._items.give(user.username, heir.username, self._clock.now())
            self._users.remove(user.username)
        return given
