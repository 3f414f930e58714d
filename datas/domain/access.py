"""Who may do what with records: four modes, one small table."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from datas.domain.errors import Forbidden, RecordNotFound, Unauthenticated
from datas.domain.query import Condition, Conditions, Operator
from datas.domain.records import Record


class Actor(NamedTuple):
    """The maker of a request: a user with a token, an anonymous client, or the system itself."""

    username: str | None = None
    token_id: int | None = None
    is_system: bool = False

    def identified(self) -> str:
        """The user's name. Raises: Unauthenticated."""
        if self.username is None:
            raise Unauthenticated
        return self.username


ANONYMOUS = Actor()
# The command line and Python code that names no user. It may do everything.
SYSTEM = Actor(is_system=True)


class Action(StrEnum):
    """What can be done, mostly with records. To delete is to change."""

    READ = "read"
    CREATE = "create"
    CHANGE = "change"
    ACCOUNT = "account"  # one's own user and tokens


class Mode(StrEnum):
    OPEN = "open"
    AUTHENTICATED = "authenticated"
    OWNER = "owner"
    PRIVATE = "private"


Permission = Callable[[str | None, str | None], bool]  # the user who asks, the record's owner


def anyone(who: str | None, owner: str | None) -> bool:
    return True


def signed_in(who: str | None, owner: str | None) -> bool:
    return who is not None


def owner_alone(who: str | None, owner: str | None) -> bool:
    return who is not None and who == owner


def owner_if_any(who: str | None, owner: str | None) -> bool:
    return who is not None and owner in (None, who)


# What each mode asks of the user who would read, create, change or delete, or use an account.
MODES: Mapping[Mode, tuple[Permission, ...]] = {
    # mode               read         create     change        account
    Mode.OPEN:          (anyone,      anyone,    anyone,       signed_in),
    Mode.AUTHENTICATED: (anyone,      signed_in, signed_in,    signed_in),
    Mode.OWNER:         (anyone,      signed_in, owner_if_any, signed_in),
    Mode.PRIVATE:       (owner_alone, signed_in, owner_alone,  signed_in),
}  # fmt: skip


class Access:
    """The rules of one mode, asked by the service."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._rules = dict(zip(Action, MODES[mode], strict=True))
        # What anyone may do with any record: computed once, asked at every request.
        self.free = frozenset(action for action, rule in self._rules.items() if rule is anyone)

    def admit(self, actor: Actor, action: Action) -> None:
        """Raises: Unauthenticated, if the actor would have to sign in for this."""
        if action not in self.free and actor.username is None and not actor.is_system:
            raise Unauthenticated

    def permit(self, actor: Actor, action: Action, name: str, record: Record[Any]) -> None:
        """Raises: RecordNotFound, if the actor may not know of the record; Forbidden."""
        if action in self.free or actor.is_system:
            return
        if self._rules[action](actor.username, record.owner):
            return
        if not self._rules[Action.READ](actor.username, record.owner):
            raise RecordNotFound(name, record.id)
        raise Forbidden(name, record.id)

    def hides_records(self, actor: Actor) -> bool:
        """Whether there may be records that the actor may not read."""
        return self._rules[Action.READ] is owner_alone and not actor.is_system

    def visible(self, where: Conditions, actor: Actor) -> Conditions:
        """The conditions, and what the actor may see besides. Raises: Unauthenticated."""
        self.admit(actor, Action.READ)
        if not self.hides_records(actor):
            return where
        return (Condition("owner", Operator.EQUAL, actor.username), *where)


# The default.
AUTHENTICATED = Access(Mode.AUTHENTICATED)
