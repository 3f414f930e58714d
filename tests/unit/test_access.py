"""Who may do what: the whole table, and what the service makes of it."""

from pathlib import Path

import pytest

from datas.adapters.memory import Memory, MemoryRepository
from datas.adapters.memory_accounts import MemoryUsers
from datas.bootstrap import open_service
from datas.domain.access import (
    ANONYMOUS,
    MODES,
    SYSTEM,
    Access,
    Action,
    Actor,
    Mode,
    signed_in,
)
from datas.domain.errors import DomainError, Forbidden, RecordNotFound, Unauthenticated
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Operator
from datas.domain.service import RecordService
from tests.conftest import TickingClock

ALICE = Actor("alice", token_id=1)

# How an action of somebody on an item ends.
Outcome = type[DomainError] | None
YES = None
WHO = Unauthenticated  # "who are you?"
NOT = Forbidden
HID = RecordNotFound

# Who asks, and whose the item is.
COLUMNS = [
    (who, owner)
    for who in (ANONYMOUS, ALICE, SYSTEM)
    for owner in ((None, "bob") if who is not ALICE else (None, "alice", "bob"))
]
TABLE: dict[str, dict[str, list[Outcome]]] = {
    #                 ANONYMOUS    ALICE               SYSTEM
    #                 none  bob's  none  hers  bob's   none  bob's
    "open": {
        "read":      [YES,  YES,   YES,  YES,  YES,    YES,  YES],
        "change":    [YES,  YES,   YES,  YES,  YES,    YES,  YES],
        "delete":    [YES,  YES,   YES,  YES,  YES,    YES,  YES],
    },
    "authenticated": {
        "read":      [YES,  YES,   YES,  YES,  YES,    YES,  YES],
        "change":    [WHO,  WHO,   YES,  YES,  YES,    YES,  YES],
        "delete":    [WHO,  WHO,   YES,  YES,  YES,    YES,  YES],
    },
    "owner": {
        "read":      [YES,  YES,   YES,  YES,  YES,    YES,  YES],
        "change":    [WHO,  WHO,   YES,  YES,  NOT,    YES,  YES],
        "delete":    [WHO,  WHO,   YES,  YES,  NOT,    YES,  YES],
    },
    "private": {
        "read":      [WHO,  WHO,   HID,  YES,  HID,    YES,  YES],
        "change":    [WHO,  WHO,   HID,  YES,  HID,    YES,  YES],
        "delete":    [WHO,  WHO,   HID,  YES,  HID,    YES,  YES],
    },
}  # fmt: skip
MATRIX = [
    pytest.param(mode, who, action, owner, outcome, id=f"{mode}-{name}-{action}-{owner}'s")
    for mode, actions in TABLE.items()
    for action, outcomes in actions.items()
    for (who, owner), outcome in zip(COLUMNS, outcomes, strict=True)
    for name in [who.username or ("system" if who.is_system else "anonymous")]
]
CREATING: dict[str, list[Outcome]] = {
    #                 ANONYMOUS  ALICE  SYSTEM
    "open":          [YES,       YES,   YES],
    "authenticated": [WHO,       YES,   YES],
    "owner":         [WHO,       YES,   YES],
    "private":       [WHO,       YES,   YES],
}  # fmt: skip
LISTS: dict[str, list[str | type[DomainError]]] = {
    #                 ANONYMOUS            ALICE                SYSTEM
    "open":          ["nobodys hers bobs", "nobodys hers bobs", "nobodys hers bobs"],
    "authenticated": ["nobodys hers bobs", "nobodys hers bobs", "nobodys hers bobs"],
    "owner":         ["nobodys hers bobs", "nobodys hers bobs", "nobodys hers bobs"],
    "private":       [WHO,                 "hers",              "nobodys hers bobs"],
}  # fmt: skip


def _memory() -> Memory:
    """Nothing but alice and bob."""
    memory = Memory()
    for name in ("alice", "bob"):
        MemoryUsers(memory).add(name, "", TickingClock().now())
    return memory


@pytest.mark.parametrize(("mode", "who", "action", "owner", "outcome"), MATRIX)
def test_an_item_is_for_whom_the_mode_says(
    mode: str, who: Actor, action: str, owner: str | None, outcome: Outcome
) -> None:
    """A refusal leaves the item as it was."""
    store = MemoryRepository(_memory(), ITEMS)
    items = RecordService(ITEMS, store, TickingClock(), Access(Mode(mode)))
    item = store.add(ItemDraft("hello"), TickingClock().now(), owner)
    actions = {
        "read": lambda: items.get(item.id, actor=who),
        "change": lambda: items.replace(item.id, ItemDraft("bye"), actor=who),
        "delete": lambda: items.delete(item.id, actor=who),
    }
    if outcome is None:
        assert actions[action]().owner == owner
        return
    with pytest.raises(outcome):
        actions[action]()
    assert store.get(item.id) == item


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("column", range(3), ids=["anonymous", "alice", "system"])
def test_a_new_item_is_its_makers(mode: Mode, column: int) -> None:
    """Who isn't signed in makes items that are nobody's, where that is allowed at all."""
    items = RecordService(ITEMS, MemoryRepository(_memory(), ITEMS), TickingClock(), Access(mode))
    who, outcome = (ANONYMOUS, ALICE, SYSTEM)[column], CREATING[mode][column]
    if outcome is None:
        assert items.create(ItemDraft("hello"), actor=who).owner == who.username
        return
    with pytest.raises(outcome):
        items.create(ItemDraft("hello"), actor=who)
    assert not items.page().records


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("column", range(3), ids=["anonymous", "alice", "system"])
def test_a_list_shows_what_may_be_read(mode: Mode, column: int) -> None:
    """No more, and no less: what is hidden leaves no gap in a page."""
    store = MemoryRepository(_memory(), ITEMS)
    items = RecordService(ITEMS, store, TickingClock(), Access(mode))
    for data, owner in {"nobodys": None, "hers": "alice", "bobs": "bob"}.items():
        store.add(ItemDraft(data), TickingClock().now(), owner)
    who, outcome = (ANONYMOUS, ALICE, SYSTEM)[column], LISTS[mode][column]
    if not isinstance(outcome, str):
        with pytest.raises(outcome):
            items.page(actor=who)
        return
    names = outcome.split()
    page = items.page(limit=len(names), actor=who)
    assert [item.draft.data for item in page.records] == names
    assert page.next is None


def test_the_tables_know_every_mode() -> None:
    """A mode that is added without its rows is noticed."""
    assert set(TABLE) == set(CREATING) == set(LISTS) == set(MODES) == set(Mode)


@pytest.mark.parametrize("mode", Mode)
def test_an_account_is_for_users(mode: Mode) -> None:
    """However open the items are."""
    access = Access(mode)
    access.admit(ALICE, Action.ACCOUNT)
    with pytest.raises(Unauthenticated):
        access.admit(ANONYMOUS, Action.ACCOUNT)


@pytest.mark.parametrize("mode", ["owner", "private"])
def test_a_version_is_told_only_to_who_may_change(mode: str) -> None:
    """Permission is asked before the version is compared."""
    store = MemoryRepository(_memory(), ITEMS)
    items = RecordService(ITEMS, store, TickingClock(), Access(Mode(mode)))
    item = store.add(ItemDraft("his"), TickingClock().now(), "bob")
    with pytest.raises((Forbidden, RecordNotFound)):
        items.replace(item.id, ItemDraft("hers"), expected={7}, actor=ALICE)
    with pytest.raises((Forbidden, RecordNotFound)):
        items.delete(item.id, expected={7}, actor=ALICE)


def test_python_code_has_the_rules_of_a_server(tmp_path: Path) -> None:
    """Those of the mode that is named, else `authenticated`; the system does what it likes."""
    url = f"sqlite:///{tmp_path}/datas.db"
    with open_service(url) as items:
        with pytest.raises(Unauthenticated):
            items.create(ItemDraft("a stranger's"), actor=ANONYMOUS)
        item = items.create(ItemDraft("the system's"))
        assert items.get(item.id, actor=ANONYMOUS) == item
    with open_service(url, access="private") as items, pytest.raises(RecordNotFound):
        items.get(item.id, actor=ALICE)
    with open_service(url, access="open") as items:
        assert items.delete(item.id, actor=ANONYMOUS) == item
    with pytest.raises(ValueError, match="nonsense"), open_service(url, access="nonsense"):
        pass
    with pytest.raises(Unauthenticated):
        RecordService(ITEMS, MemoryRepository(_memory(), ITEMS), TickingClock()).create(
            ItemDraft("x"), actor=ANONYMOUS
        )


def test_a_list_is_narrowed_by_a_rule_about_owners_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where any user may read, none is kept from another's; a stranger is told nothing."""
    monkeypatch.setitem(MODES, Mode.OWNER, (signed_in,) * 4)
    bobs = (Condition("owner", Operator.EQUAL, "bob"),)
    hers = (Condition("owner", Operator.EQUAL, "alice"),)
    for mode, visible in ((Mode.OWNER, bobs), (Mode.PRIVATE, hers + bobs)):
        assert Access(mode).visible(bobs, ALICE) == visible
        with pytest.raises(Unauthenticated):
            Access(mode).visible(bobs, ANONYMOUS)
