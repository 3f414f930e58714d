"""Many items at once, over memory."""

from datetime import timedelta

import pytest

from datas.adapters.memory import Memory, MemoryItems
from datas.domain.access import ANONYMOUS, Access, Actor, Mode
from datas.domain.errors import InvalidItem, Unauthenticated
from datas.domain.items import Draft
from datas.domain.query import Filter, Query
from datas.domain.transfer import Transfer
from tests.conftest import TickingClock


@pytest.fixture
def items() -> MemoryItems:
    """An empty store."""
    return MemoryItems(Memory())


def test_many_are_created_at_one_moment(items: MemoryItems) -> None:
    """In their order, and as many as it says."""
    clock = TickingClock()
    assert Transfer(items, items, clock).create_all([Draft("one"), Draft("two")]) == 2
    found = items.find(Query())
    assert [item.data for item in found] == ["one", "two"]
    assert {item.date_created for item in found} == {clock.time}


def test_each_must_keep_the_rules(items: MemoryItems) -> None:
    """One that doesn't keeps all out, whoever checked before."""
    transfer = Transfer(items, items, TickingClock())
    with pytest.raises(InvalidItem):
        transfer.create_all([Draft("good"), Draft(" ")])
    assert not items.find(Query())


def test_who_may_not_create_one_may_not_create_many(items: MemoryItems) -> None:
    """Nor read them all where lists are for users."""
    transfer = Transfer(items, items, TickingClock(), Access(Mode.PRIVATE))
    with pytest.raises(Unauthenticated):
        transfer.create_all([Draft("x")], actor=ANONYMOUS)
    with pytest.raises(Unauthenticated):
        transfer.export(actor=ANONYMOUS)
    with pytest.raises(Unauthenticated, match="no user ghost"):
        transfer.create_all([Draft("x")], actor=Actor("ghost"))


def test_all_come_out_some_at_a_time(items: MemoryItems) -> None:
    """What is there at each moment, through every chunk."""
    transfer = Transfer(items, items, clock := TickingClock())
    transfer.create_all(Draft(f"item {n}") for n in range(2500))
    chunks = list(transfer.export())
    assert [len(chunk) for chunk in chunks] == [1000, 1000, 500]
    assert [item.data for chunk in chunks for item in chunk] == [f"item {n}" for n in range(2500)]
    later = Filter(created_from=clock.time + timedelta(seconds=1))
    assert not list(transfer.export(which=later))
