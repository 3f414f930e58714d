"""What every store refuses: a value that is taken, a missing reference, deleting what is in use."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from datas.domain.access import Access, Actor, Mode
from datas.domain.credentials import MAX_USERNAME
from datas.domain.errors import (
    DomainError,
    InvalidFields,
    InvalidRecord,
    RecordInUse,
    StorageUnavailable,
    Unauthenticated,
    ValueTaken,
)
from datas.domain.query import Query
from datas.domain.records import Record
from datas.domain.rules import MAX_INDEXED
from tests.conftest import TickingClock
from tests.contract.conftest import Store
from tests.every_rule import GadgetDraft, MakerDraft

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)
ABSENT = 2**63 - 1


class Case(NamedTuple):
    """A value that a constraint refuses, and how."""

    field: str
    value: Any
    error: type[InvalidFields]


CASES = [
    Case("serial", "S1", ValueTaken),
    Case("rank", 1, ValueTaken),
    Case("maker_id", ABSENT, InvalidRecord),
    Case("parent_id", ABSENT, InvalidRecord),
]
REFUSED = pytest.mark.parametrize("case", CASES, ids=[case.field for case in CASES])


@pytest.fixture
def first(store: Store) -> Record[GadgetDraft]:
    """A gadget that has the values which are tried."""
    return store.gadgets.add(GadgetDraft("first", serial="S1", rank=1), NOW)


def _changed(record: Record[Any], **values: Any) -> Record[Any]:
    draft = record.draft._replace(**values)
    return record._replace(draft=draft, version=record.version + 1)


@REFUSED
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_a_refused_record_names_its_field_and_changes_nothing(
    store: Store, first: Record[GadgetDraft], case: Case, *, inside: bool
) -> None:
    """Added, or put in the place of another; a transaction around it goes on."""
    second = store.gadgets.add(GadgetDraft("second"), NOW)

    def refuse() -> None:
        for use in (
            lambda: store.gadgets.add(GadgetDraft("third", **{case.field: case.value}), NOW),
            lambda: store.gadgets.swap(_changed(second, **{case.field: case.value}), 1),
        ):
            with pytest.raises(case.error) as caught:
                use()
            assert list(caught.value.errors) == [case.field]

    if not inside:
        refuse()
        assert list(store.gadgets.find(Query())) == [first, second]
        return
    with store.storage.atomic():
        before = store.gadgets.add(GadgetDraft("before"), NOW)
        refuse()
        after = store.gadgets.add(GadgetDraft("after"), NOW)
    assert list(store.gadgets.find(Query())) == [first, second, before, after]


@REFUSED
@pytest.mark.parametrize("index", [0, 1, 999, 1000, 2001])
def test_the_draft_at_fault_among_many_is_named(
    store: Store, first: Record[GadgetDraft], case: Case, index: int
) -> None:
    """By its place, in the first thousand and beyond; none of them is added."""
    drafts = (
        GadgetDraft(f"{n}", **({case.field: case.value} if n == index else {}))
        for n in range(index + 3)
    )
    with pytest.raises(case.error) as caught:
        store.gadgets.add_many(drafts, NOW)
    assert (getattr(caught.value, "index", None), list(caught.value.errors)) == (
        index,
        [case.field],
    )
    assert list(store.gadgets.find(Query())) == [first]


@pytest.mark.parametrize("index", [1, 1000])
def test_two_of_many_with_one_value_are_refused(store: Store, index: int) -> None:
    """The second of them is at fault."""
    drafts = (GadgetDraft(f"{n}", serial="S1" if n in (0, index) else None) for n in range(1100))
    with pytest.raises(ValueTaken) as caught:
        store.gadgets.add_many(drafts, NOW)
    assert caught.value.index == index
    assert store.gadgets.count(()) == 0


def test_a_refused_batch_leaves_a_transaction_usable(
    store: Store, first: Record[GadgetDraft]
) -> None:
    """What came before it and after it is kept."""
    with store.storage.atomic():
        before = store.gadgets.add(GadgetDraft("before"), NOW)
        with pytest.raises(ValueTaken):
            store.gadgets.add_many([GadgetDraft("a"), GadgetDraft("b", rank=1)], NOW)
        after = store.gadgets.add(GadgetDraft("after"), NOW)
    assert list(store.gadgets.find(Query())) == [first, before, after]


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_a_record_in_use_is_not_removed(store: Store, *, inside: bool) -> None:
    """The error names the collection that refers to it; a transaction around it goes on."""
    maker = store.makers.add(MakerDraft("Ann"), NOW)
    parent = store.gadgets.add(GadgetDraft("parent", maker_id=maker.id), NOW)
    child = store.gadgets.add(GadgetDraft("child", parent_id=parent.id), NOW)

    def refuse() -> None:
        for repository, used in ((store.makers, maker), (store.gadgets, parent)):
            with pytest.raises(RecordInUse, match="because gadgets refer to it"):
                repository.remove(used.id, 1)

    if inside:
        with store.storage.atomic():
            refuse()
            assert store.gadgets.remove(child.id, 1)
    else:
        refuse()
        assert store.gadgets.remove(child.id, 1)
    assert store.gadgets.remove(parent.id, 1)
    assert store.makers.remove(maker.id, 1)


def test_another_version_is_told_before_any_constraint(
    store: Store, first: Record[GadgetDraft]
) -> None:
    """A swap or a removal that would not happen anyway is no error."""
    store.gadgets.add(GadgetDraft("child", parent_id=first.id), NOW)
    assert not store.gadgets.swap(_changed(first, parent_id=ABSENT), 2)
    assert not store.gadgets.remove(first.id, 2)


def test_a_record_keeps_its_own_unique_values(store: Store, first: Record[GadgetDraft]) -> None:
    """A change of another field is no conflict with itself; a free value can be taken."""
    changed = _changed(first, name="changed")
    assert store.gadgets.swap(changed, 1)
    assert store.gadgets.swap(_changed(changed, serial=None, rank=2), 2)
    store.gadgets.add(GadgetDraft("second", serial="S1", rank=1), NOW)


def test_a_values_own_record_is_not_at_fault_for_another_field(
    store: Store, first: Record[GadgetDraft]
) -> None:
    """Of a change that keeps a unique value and names a missing record, the reference is named."""
    with pytest.raises(InvalidRecord) as caught:
        store.gadgets.swap(_changed(first, maker_id=ABSENT), 1)
    assert list(caught.value.errors) == ["maker_id"]


def test_a_record_may_refer_to_itself_and_be_removed(
    store: Store, first: Record[GadgetDraft]
) -> None:
    """It goes with its reference."""
    assert store.gadgets.swap(_changed(first, parent_id=first.id), 1)
    assert store.gadgets.remove(first.id, 2)


def test_a_new_record_cannot_refer_to_the_id_that_it_gets(store: Store) -> None:
    """No record has that id before, so the reference is to a missing one."""
    gadgets = store.service("gadgets", TickingClock())
    first = gadgets.create(GadgetDraft("first"))
    for own in (first.id + 1, first.id + 2):
        with pytest.raises(InvalidRecord, match="parent_id"):
            gadgets.create(GadgetDraft("second", parent_id=own))
    assert gadgets.change(first.id, {"parent_id": first.id}).draft.parent_id == first.id


def test_a_missing_owner_is_no_fault_of_a_field(store: Store) -> None:
    """Also where a collection has other constraints."""
    with pytest.raises(Unauthenticated, match="no user zed"):
        store.gadgets.add(GadgetDraft("x"), NOW, "zed")
    with pytest.raises(Unauthenticated, match="no user zed"):
        store.gadgets.add_many([GadgetDraft("x")], NOW, "zed")
    assert store.gadgets.count(()) == 0


def _race(work: Callable[[int], object], many: int) -> list[object]:
    """What so many threads get that start at once; their refusals too."""
    start = threading.Barrier(many)

    def run(n: int) -> object:
        start.wait(10)
        try:
            return work(n)
        except DomainError as error:
            return error

    with ThreadPoolExecutor(many) as executor:
        return list(executor.map(run, range(many)))


@pytest.mark.parametrize("round", range(3))
def test_of_racing_writers_one_gets_a_unique_value(store: Store, round: int) -> None:  # noqa: A002
    """Eight threads add it, one by one or among many, and the others' error names the field."""

    def write(n: int) -> object:
        draft = GadgetDraft(f"{n}", serial="S1")
        if n % 2:
            return store.gadgets.add_many([GadgetDraft(f"with {n}"), draft], NOW)
        return store.gadgets.add(draft, NOW)

    refused = [each for each in _race(write, 8) if isinstance(each, ValueTaken)]
    assert [list(each.errors) for each in refused] == [["serial"]] * 7
    found = [each.draft.serial for each in store.gadgets.find(Query())]
    assert found.count("S1") == 1
    assert len(found) <= 2


def test_of_racing_changes_one_gets_a_unique_value(store: Store) -> None:
    """Eight records, eight threads, one value."""
    records = [store.gadgets.add(GadgetDraft(f"{n}"), NOW) for n in range(8)]
    found = _race(lambda n: store.gadgets.swap(_changed(records[n], rank=7), 1), 8)
    assert found.count(True) == 1
    assert sum(isinstance(each, ValueTaken) for each in found) == 7
    assert [each.draft.rank for each in store.gadgets.find(Query())].count(7) == 1


def test_a_unique_value_that_comes_and_goes_is_no_bug(store: Store) -> None:
    """If the other record is gone already, the write is tried again."""
    given_up: list[int] = []

    def come_and_go(n: int) -> object:
        for _ in range(50):
            try:
                record = store.gadgets.add(GadgetDraft(f"{n}", rank=1), NOW)
            except ValueTaken:
                continue
            except StorageUnavailable:
                given_up.append(n)
                continue
            assert store.gadgets.remove(record.id, 1)
        return None

    assert _race(come_and_go, 4) == [None] * 4
    assert len(given_up) <= 4  # of 200
    assert store.gadgets.count(()) == 0


@pytest.mark.parametrize("transaction", [False, True], ids=["alone", "in a transaction"])
def test_a_reference_never_dangles(store: Store, *, transaction: bool) -> None:
    """One thread deletes makers while another adds gadgets that refer to them."""

    def remove(maker: int) -> object:
        return store.makers.remove(maker, 1)

    def add(maker: int) -> object:
        draft = GadgetDraft("gadget", maker_id=maker)
        if not transaction:
            return store.gadgets.add(draft, NOW)
        with store.storage.atomic():
            return store.gadgets.add(draft, NOW)

    for n in range(20):
        maker = store.makers.add(MakerDraft(f"Maker {n}"), NOW).id
        removed, added = _race(lambda thread, maker=maker: (remove, add)[thread](maker), 2)  # type: ignore[misc]
        outcomes = (
            (removed is True, isinstance(removed, RecordInUse)),
            (
                isinstance(added, InvalidRecord),
                isinstance(added, Record),
            ),
        )
        assert outcomes in (((True, False), (True, False)), ((False, True), (False, True)))
    there = {maker.id for maker in store.makers.find(Query())}
    assert {gadget.draft.maker_id for gadget in store.gadgets.find(Query())} == there


@pytest.fixture
def users(store: Store) -> tuple[Actor, Actor]:
    """Two who don't see one another's records."""
    for name in ("alice", "bob"):
        store.users.add(name, "hash", NOW)
    return Actor("alice"), Actor("bob")


def test_in_private_mode_another_users_record_counts_as_absent(
    store: Store, users: tuple[Actor, Actor]
) -> None:
    """The refusal is the one for an id that was never given: created, replaced, changed, many."""
    alice, bob = users
    clock, access = TickingClock(), Access(Mode.PRIVATE)
    makers = store.service("makers", clock, access)
    gadgets = store.service("gadgets", clock, access)
    his = makers.create(MakerDraft("his"), actor=bob).id
    hers = makers.create(MakerDraft("hers"), actor=alice).id
    gadget = gadgets.create(GadgetDraft("hers", maker_id=hers), actor=alice)
    texts = set()
    for maker in (his, ABSENT):
        bad = GadgetDraft("x", maker_id=maker)
        for use in (
            lambda: gadgets.create(bad, actor=alice),  # noqa: B023 (called at once)
            lambda: gadgets.replace(gadget.id, bad, actor=alice),  # noqa: B023
            lambda: gadgets.change(gadget.id, {"maker_id": maker}, actor=alice),  # noqa: B023
            lambda: gadgets.create_all([GadgetDraft("good"), bad], actor=alice),  # noqa: B023
        ):
            with pytest.raises(InvalidRecord) as caught:
                use()
            assert list(caught.value.errors) == ["maker_id"]
            texts.add(str(caught.value).replace(f"{maker}", "ID"))
        assert caught.value.index == 1
    assert len(texts) == 1
    assert [each.draft.name for each in gadgets.page(actor=alice).records] == ["hers"]
    assert gadgets.create(GadgetDraft("the system's", maker_id=his)).draft.maker_id == his


@pytest.mark.parametrize("mode", [Mode.OPEN, Mode.AUTHENTICATED, Mode.OWNER])
def test_where_all_may_read_a_reference_to_anothers_record_is_good(
    store: Store, users: tuple[Actor, Actor], mode: Mode
) -> None:
    """Whoever owns it."""
    alice, bob = users
    clock, access = TickingClock(), Access(mode)
    his = store.service("makers", clock, access).create(MakerDraft("his"), actor=bob).id
    gadgets = store.service("gadgets", clock, access)
    assert gadgets.create(GadgetDraft("x", maker_id=his), actor=alice).draft.maker_id == his
    with pytest.raises(InvalidRecord, match="maker_id"):
        gadgets.create(GadgetDraft("x", maker_id=ABSENT), actor=alice)


def test_uniqueness_holds_over_all_owners(store: Store, users: tuple[Actor, Actor]) -> None:
    """In private mode too, where another's value can't be seen."""
    gadgets = store.service("gadgets", TickingClock(), Access(Mode.PRIVATE))
    gadgets.create(GadgetDraft("his", rank=1), actor=users[1])
    with pytest.raises(ValueTaken, match="rank"):
        gadgets.create(GadgetDraft("hers", rank=1), actor=users[0])


def test_the_longest_text_that_a_rule_may_allow_fits_every_index(store: Store) -> None:
    """It is unique and sorted by, beside the longest username; PostgreSQL can't compress it."""
    username = "u" * MAX_USERNAME
    store.users.add(username, "hash", NOW)
    numbers = random.Random(7)  # noqa: S311 (no secret)
    name = "".join(chr(numbers.randrange(0x10000, 0x110000)) for _ in range(MAX_INDEXED // 4))
    made = store.makers.add(MakerDraft(name), NOW, username)
    assert store.makers.get(made.id).draft.name == name
    with pytest.raises(ValueTaken):
        store.makers.add(MakerDraft(name), NOW, username)
