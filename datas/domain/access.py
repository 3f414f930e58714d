"""Who may do what with items: four modes, one small table."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from datas.domain.errors import Forbidden, ItemNotFound, Unauthenticated
from datas.domain.items import Item
from datas.domain.query import Filter


class Actor(NamedTuple):
    """Whoever makes a request: a user, by a token; nobody in particular; or the system itself."""

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
    """What can be done, mostly with items. Deleting is changing."""

    READ = "read"
    CREATE = "create"
    CHANGE = "change"
    ACCOUNT = "account"  # one's own user and tokens


class Mode(StrEnum):
    """How open a server is."""

    OPEN = "open"
    AUTHENTICATED = "authenticated"
    OWNER = "owner"
    PRIVATE = "private"


Rule = Callable[[str | None, str | None], bool]  # who asks, whose item it is


def anyone(who: str | None, owner: str | None) -> bool:
    """Signed in or not."""
    return True


def signed_in(who: str | None, owner: str | None) -> bool:
    """Any user."""
    return who is not None


def owner_alone(who: str | None, owner: str | None) -> bool:
    """The user whose item it is."""
    return who is not None and who == owner


def owner_if_any(who: str | None, owner: str | None) -> bool:
    """The user whose item it is; any user, if it is nobody's."""
    return who is not None and owner in (None, who)


class Rules(NamedTuple):
    """The rule of each action."""

    read: Rule
    create: Rule
    change: Rule
    account: Rule = signed_in


MODES = {
    # mode                    read         create     change, delete
    Mode.OPEN:          Rules(anyone,      anyone,    anyone),
    Mode.AUTHENTICATED: Rules(anyone,      signed_in, signed_in),
    Mode.OWNER:         Rules(anyone,      signed_in, owner_if_any),
    Mode.PRIVATE:       Rules(owner_alone, signed_in, owner_alone),
}  # fmt: skip


class Access:
    """The rules of one mode, asked by the service."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._rules = MODES[mode]
        # What anyone may do, whatever the item: found out once, asked at every request.
        self.free = frozenset(action for action in Action if self._rule(action) is anyone)

    def admit(self, actor: Actor, action: Action) -> None:
        """Raises: Unauthenticated, if the actor would have to sign in for this."""
        if action not in self.free and actor.username is None and not actor.is_system:
            raise Unauthenticated

    def permit(self, actor: Actor, action: Action, item: Item) -> None:
        """Raises: ItemNotFound, if the actor may not know of the item; Forbidden."""
        if action in self.free or actor.is_system:
            return
        if self._rule(action)(actor.username, item.owner):
            return
        if not self._rules.read(actor.username, item.owner):
            raise ItemNotFound(item.id)
        raise Forbidden(item.id)

    def visible(self, which: Filter, actor: Actor) -> Filter:
        """Of the items that are asked for, those that the actor may see. Raises: Unauthenticated.

        What the rule says of one item, in a question's words: it is about the owner, or it isn't.
        """
        self.admit(actor, Action.READ)
        if self._rules.read in (anyone, signed_in) or actor.is_system:
            return which
        mine = which.owner in (None, actor.username)
        return which._replace(owner=actor.username if mine else "")  # nobody's name is empty

    def _rule(self, action: Action) -> Rule:
        rule: Rule = getattr(self._rules, action.value)
        return rule


# What a server is if nobody says otherwise.
AUTHENTICATED = Access(Mode.AUTHENTICATED)
