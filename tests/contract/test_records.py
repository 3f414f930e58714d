"""What every repository keeps of a record: all of it, whatever the collection and the values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datas.domain.query import Position, Query
from datas.domain.records import Record
from tests.contract.conftest import COLLECTIONS, Store
from tests.drafts import any_draft, distinct, some_drafts
from tests.every_rule import MakerDraft

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)
PLURALS = pytest.mark.parametrize("plural", COLLECTIONS)
ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)


def same(found: Record[Any], expected: Record[Any]) -> bool:
    """Whether two records are equal, and so are the types of their values."""
    kinds = [[type(value) for value in record.draft] for record in (found, expected)]
    return found == expected and kinds[0] == kinds[1] and type(found.draft) is type(expected.draft)


@PLURALS
def test_every_bound_of_every_rule_is_read_back_as_it_was_written(
    store: Store, plural: str
) -> None:
    """Alone, in a page, and in a step: null, empty texts, 63 bits, the first and the last day."""
    collection, repository = COLLECTIONS[plural], store.repositories[plural]
    makers = [store.makers.add(MakerDraft(f"Maker {n}"), NOW).id for n in range(2)]
    added = []
    for draft in some_drafts(collection, 60, {"maker_id": makers}):
        collection.check(draft)
        record = repository.add(draft, NOW)
        assert same(record, Record(record.id, draft, NOW, NOW, 1, None))
        assert same(repository.get(record.id), record)
        added.append(record)
    assert list(repository.find(Query(1000)))[-60:] == added
    assert list(repository.scan(Query(1000)).records)[-60:] == added


@PLURALS
@given(data=st.data())
@ONCE
def test_any_draft_that_keeps_the_rules_is_read_back_as_it_was_written(
    store: Store, plural: str, data: st.DataObject
) -> None:
    """Added alone, added among many, and put in the place of another."""
    collection, repository = COLLECTIONS[plural], store.repositories[plural]
    one, two, three = (
        distinct(collection, data.draw(any_draft(collection), name)) for name in ("1", "2", "3")
    )
    added = repository.add(one, NOW)
    assert same(repository.get(added.id), Record(added.id, one, NOW, NOW, 1))
    assert repository.add_many([two], LATER) == 1
    [many] = repository.find(Query(1, after=Position(added.id)))
    assert same(many, Record(many.id, two, LATER, LATER, 1))
    swapped = added._replace(draft=three, date_updated=LATER, version=2)
    assert repository.swap(swapped, 1)
    assert same(repository.get(added.id), swapped)


@pytest.mark.parametrize("name", ["rank", "serial"])
@given(data=st.data())
@ONCE
def test_any_unique_value_is_read_back_as_it_was_written(
    store: Store, name: str, data: st.DataObject
) -> None:
    """Null too, which many may have."""
    gadgets = COLLECTIONS["gadgets"]
    draft = data.draw(any_draft(gadgets))
    added = store.gadgets.add(draft, NOW)
    assert getattr(store.gadgets.get(added.id).draft, name) == getattr(draft, name)
    assert store.gadgets.remove(added.id, 1)
