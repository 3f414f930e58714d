"""What every repository finds in any collection: orders, places in them, conditions, counts."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datas.domain import rules
from datas.domain.query import BY_ID, Condition, Conditions, Operator, Query, Sort, position
from datas.domain.records import Collection, Record, value_of
from tests.conftest import TickingClock
from tests.contract.conftest import COLLECTIONS, Store
from tests.drafts import any_draft, bounds, distinct, some_drafts
from tests.every_rule import MakerDraft

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MANY = 41
SORTS = [
    pytest.param(plural, Sort(name, descending), id=f"{plural}-{'-' * descending}{name}")
    for plural, collection in COLLECTIONS.items()
    for name in collection.sorts
    for descending in (False, True)
]
PLURALS = pytest.mark.parametrize("plural", COLLECTIONS)


def walk(
    store: Store, plural: str, sort: Sort, limit: int, where: Conditions = ()
) -> Iterator[Record[Any]]:
    """Every record from the first page to the last."""
    after = None
    while page := store.repositories[plural].find(Query(limit, sort, after, where)):
        assert len(page) <= limit
        yield from page
        after = position(page[-1], sort)


def scan(
    store: Store, plural: str, sort: Sort, limit: int, where: Conditions = ()
) -> Iterator[Record[Any]]:
    """Every record that is found from the first step to the last."""
    query = Query(limit, sort, None, where)
    while True:
        step = store.repositories[plural].scan(query)
        assert len(step.records) <= limit
        yield from step.records
        if step.next is None:
            return
        query = query._replace(after=step.next)


def fill(store: Store, plural: str) -> Sequence[Record[Any]]:
    """Records of three owners, with ties in every field, some changed and one deleted."""
    for username in ("alice", "bob"):
        store.users.add(username, "hash", NOW)
    # Their ids are those of the first three gadgets too.
    makers = [store.makers.add(MakerDraft(f"Maker {n}"), NOW).id for n in range(3)]
    repository, owners = store.repositories[plural], ("alice", "bob", None)
    drafts = some_drafts(COLLECTIONS[plural], MANY, {"maker_id": makers})
    for n, draft in enumerate(drafts):
        parent = {"parent_id": makers[n % 3]} if plural == "gadgets" and n > 2 else {}
        record = repository.add(draft._replace(**parent), NOW + n // 5 * TICK, owners[n % 3])
        if n % 4 == 0:
            changed = record._replace(version=2, date_updated=NOW + (40 - n) * TICK)
            assert repository.swap(changed, 1)
    assert repository.remove(7, 1)
    return list(walk(store, plural, BY_ID, 1000))


def ordered(records: Sequence[Record[Any]], sort: Sort) -> list[Record[Any]]:
    """As Python sorts, which compares texts by code point."""

    def key(record: Record[Any]) -> tuple[Any, int]:
        return value_of(record, sort.field), record.id

    return sorted(records, key=key, reverse=sort.descending)


@pytest.mark.parametrize(("plural", "sort"), SORTS)
def test_pages_and_steps_lead_to_the_end_in_every_order(
    store: Store, plural: str, sort: Sort
) -> None:
    """They visit each record once, in order, whatever their length."""
    expected = ordered(fill(store, plural), sort)
    for limit in (1, 2, 3, 7, len(expected) - 1, len(expected), len(expected) + 1):
        assert list(walk(store, plural, sort, limit)) == expected
        assert list(scan(store, plural, sort, limit)) == expected


@PLURALS
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
def test_any_records_are_visited_once_in_every_order(
    store: Store, plural: str, data: st.DataObject
) -> None:
    """Whatever their values: 63-bit integers, decimals, dates, texts of any characters."""
    collection = COLLECTIONS[plural]
    for old in list(walk(store, plural, Sort(descending=True), 1000)):
        store.repositories[plural].remove(old.id, old.version)
    drafts = data.draw(st.lists(any_draft(collection), min_size=2, max_size=6))
    store.repositories[plural].add_many([distinct(collection, each) for each in drafts], NOW)
    records = list(walk(store, plural, BY_ID, 1000))
    assert len(records) == len(drafts)
    for name in collection.sorts:
        for sort in (Sort(name), Sort(name, descending=True)):
            assert list(walk(store, plural, sort, 2)) == ordered(records, sort)
            assert list(scan(store, plural, sort, 2)) == ordered(records, sort)


@pytest.mark.parametrize(("plural", "sort"), SORTS)
def test_a_list_goes_on_where_its_record_was_deleted(store: Store, plural: str, sort: Sort) -> None:
    """A place stays good when the record that it was taken from is gone."""
    records = ordered(fill(store, plural), sort)
    # Gadgets refer to the first three.
    at = next(n for n, record in enumerate(records) if n and record.id > 3)
    before, gone, rest = records[at - 1], records[at], records[at + 1 :]
    repository = store.repositories[plural]
    assert repository.remove(gone.id, gone.version)
    assert list(repository.find(Query(1000, sort, position(gone, sort)))) == rest
    assert list(repository.find(Query(1000, sort, position(before, sort)))) == rest


def meets_all(record: Record[Any], where: Conditions, search: str | None) -> bool:
    """What conditions mean, in other words than the product's."""
    for name, operator, wanted in where:
        value = value_of(record, name)
        if value is None:
            return False
        match operator:
            case Operator.EQUAL:
                answer = value == wanted
            case Operator.FROM:
                answer = not value < wanted
            case Operator.BELOW:
                answer = value < wanted
            case Operator.CONTAINS:
                answer = name == search and wanted.casefold() in value.casefold()
        if not answer:
            return False
    return True


def conditions(collection: Collection[Any], records: Sequence[Record[Any]]) -> list[Condition]:
    """Each operator on each field, with values at the bounds and of records."""
    found = []
    for name in (*collection.fields, "date_created", "date_updated", "owner"):
        rule = collection.rules.get(name)
        values = [] if rule is None or name in collection.unique else list(bounds(rule))
        values += [value_of(record, name) for record in records[:6]]
        values = [value for value in dict.fromkeys(values) if value is not None]
        lists = rule is not None and isinstance(rules.required(rule), rules.TextsRule)
        operators = [Operator.EQUAL] if lists else [*Operator][:3]
        found += [Condition(name, each, value) for each in operators for value in values]
    parts = ("a", "A", "É", "e\u0301", "%", "_", "\uffff", "\U0001f600", "nothing")
    assert collection.search
    found += [Condition(collection.search, Operator.CONTAINS, part) for part in parts]
    return found


@PLURALS
def test_every_condition_means_the_same_in_every_store(store: Store, plural: str) -> None:
    """On every field, null ones too: in a page, in a step, and counted."""
    collection, repository = COLLECTIONS[plural], store.repositories[plural]
    records = fill(store, plural)
    found = set()
    for condition in conditions(collection, records):
        chosen = [each for each in records if meets_all(each, (condition,), collection.search)]
        found.add(0 < len(chosen) < len(records))
        where = (condition,)
        assert list(repository.find(Query(1000, where=where))) == chosen, condition
        assert list(repository.scan(Query(1000, where=where)).records) == chosen, condition
        assert repository.count(where) == len(chosen), condition
    assert True in found, "some conditions choose"


@PLURALS
def test_conditions_together_mean_the_same_in_every_order(store: Store, plural: str) -> None:
    """Any two or three of them, on one field or several, over pages and steps of any length."""
    collection = COLLECTIONS[plural]
    records = fill(store, plural)
    every = conditions(collection, records)
    sorts = [Sort(name, down) for name in collection.sorts for down in (False, True)]

    @given(
        where=st.lists(st.sampled_from(every), min_size=2, max_size=3, unique=True).map(tuple),
        sort=st.sampled_from(sorts),
        limit=st.integers(1, 50),
    )
    @settings(max_examples=60)
    def check(where: Conditions, sort: Sort, limit: int) -> None:
        chosen = [each for each in records if meets_all(each, where, collection.search)]
        assert list(walk(store, plural, sort, limit, where)) == ordered(chosen, sort)
        assert list(scan(store, plural, sort, limit, where)) == ordered(chosen, sort)
        assert store.repositories[plural].count(where) == len(chosen)

    check()


@pytest.mark.parametrize(("plural", "sort"), SORTS)
def test_an_export_is_the_pages_one_after_the_other(store: Store, plural: str, sort: Sort) -> None:
    """With a condition and without, in every order."""
    records = fill(store, plural)
    service = store.service(plural, TickingClock())
    search = COLLECTIONS[plural].search
    assert search
    for where in ((), (Condition(search, Operator.CONTAINS, "A"),)):
        chosen = [each for each in records if meets_all(each, where, search)]
        exported = [record for step in service.export(sort=sort, where=where) for record in step]
        assert exported == ordered(chosen, sort)
