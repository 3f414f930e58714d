"""What two users see of one another in private mode, over every adapter: nothing."""

from itertools import chain

import pytest

from datas.domain.access import Access, Actor, Mode
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Conditions, Operator, Sort
from datas.domain.records import Record
from datas.domain.service import RecordService
from tests.conftest import TickingClock
from tests.contract.conftest import Store
from tests.served import PLURAL

EACH = 1000
NAMES = ("alice", "bob")
SORTS = [Sort(name, descending) for name in ITEMS.sorts for descending in (False, True)]
SEARCH = Condition("data", Operator.CONTAINS, "TEXT")
OF_BOB = Condition("owner", Operator.EQUAL, "bob")

Items = RecordService[ItemDraft]


@pytest.mark.parametrize("where", [(), (SEARCH,), (OF_BOB,)])
def test_two_users_in_private_mode_never_meet(store: Store, where: Conditions) -> None:
    """A thousand items each, in turn: pages in every order, totals and streams are one's own."""
    clock, access = TickingClock(), Access(Mode.PRIVATE)
    items = store.service(PLURAL, clock, access)
    with store.storage.atomic():
        for name in NAMES:
            store.users.add(name, "hash", clock.now())
        for n in range(EACH):
            for name in NAMES:
                items.create(ItemDraft(f"text {n}"), actor=Actor(name))
    for name in NAMES:
        count = EACH if where != (OF_BOB,) or name == "bob" else 0
        for sort in SORTS:
            found = _walk(items, sort, where, Actor(name), count)
            assert found == list(chain(*(items.export(sort=sort, where=where, actor=Actor(name)))))
            assert {item.owner for item in found} <= {name}
            assert len({item.id for item in found}) == len(found) == count


def _walk(
    items: Items, sort: Sort, where: Conditions, actor: Actor, count: int
) -> list[Record[ItemDraft]]:
    """All items of a list, page by page, each of which says how many they are."""
    found: list[Record[ItemDraft]] = []
    page = items.page(limit=400, sort=sort, where=where, count=True, actor=actor)
    while True:
        assert page.total == count
        found += page.records
        if page.next is None:
            return found
        page = items.page(
            limit=400, sort=sort, where=where, count=True, actor=actor, after=page.next
        )
