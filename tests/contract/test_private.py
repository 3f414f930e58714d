"""What two users see of one another in private mode, over every adapter: nothing."""

from itertools import chain

import pytest

from datas.domain.access import Access, Actor, Mode
from datas.domain.item_service import ItemService
from datas.domain.items import Item
from datas.domain.query import ALL, SORTS, Filter, Sort
from datas.domain.transfer import Transfer
from tests.conftest import TickingClock
from tests.contract.conftest import Store

EACH = 1000
NAMES = ("alice", "bob")


@pytest.mark.parametrize("which", [ALL, Filter(search="ITEM"), Filter(owner="bob")])
def test_two_users_in_private_mode_never_meet(store: Store, which: Filter) -> None:
    """A thousand items each, in turn: pages in every order, totals and streams are one's own."""
    clock, access = TickingClock(), Access(Mode.PRIVATE)
    items = ItemService(store.items, clock, access)
    transfer = Transfer(store.items, store.batches, clock, access)
    with store.storage.atomic():
        for name in NAMES:
            store.users.add(name, "hash", clock.now())
        for n in range(EACH):
            for name in NAMES:
                items.create(f"item {n}", actor=Actor(name))
    for name in NAMES:
        count = EACH if which.owner in (None, name) else 0
        for sort in SORTS:
            found = _walk(items, sort, which, Actor(name), count)
            assert found == list(
                chain(*(transfer.export(sort=sort, which=which, actor=Actor(name))))
            )
            assert {item.owner for item in found} <= {name}
            assert len({item.id for item in found}) == len(found) == count


def _walk(items: ItemService, sort: Sort, which: Filter, actor: Actor, count: int) -> list[Item]:
    """All items of a list, page by page, each of which says how many they are."""
    found: list[Item] = []
    page = items.page(limit=400, sort=sort, which=which, count=True, actor=actor)
    while True:
        assert page.total == count
        found += page.items
        if page.next is None:
            return found
        page = items.page(
            limit=400, sort=sort, which=which, count=True, actor=actor, after=page.next
        )
