"""An export costs as much for each record at the end of a large collection as in a small one.

The work is counted, not timed: SQLite's instructions, and the rows that PostgreSQL's plan reads.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.statements import Statements
from datas.adapters.sql.tables import ItemRow, Table
from datas.database_urls import open_database
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Conditions, Operator, Query, Sort, position
from tests.contract.conftest import TABLES, sql_store
from tests.served import PLURAL

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)
SMALL, LARGE = 2000, 8000
STEP = 1000  # records that one statement looks at
COUNTED = 100  # instructions between two looks

WHERE: dict[str, Conditions] = {
    "no filter": (),
    "q matches all": (Condition("data", Operator.CONTAINS, "TEXT"),),
    "q matches few": (Condition("data", Operator.CONTAINS, "needle"),),
    "half of all time": (Condition("date_created", Operator.FROM, NOW + timedelta(seconds=50)),),
    "one user's": (Condition("owner", Operator.EQUAL, "alice"),),
}
SORTS = [Sort(name, descending) for name in ITEMS.sorts for descending in (False, True)]
CASES = pytest.mark.parametrize(
    ("sort", "where"),
    list(product(SORTS, WHERE.values())),
    ids=[f"{'-' * sort.descending}{sort.field}, {name}" for sort, name in product(SORTS, WHERE)],
)


def _fill(database: SqlDatabase, count: int) -> None:
    """Items in no order of their texts, half of them alice's, over a hundred seconds."""
    store = sql_store(database)
    store.users.add("alice", "hash", NOW)
    for part in range(100):
        numbers = range(part, count, 100)
        drafts = [
            ItemDraft(f"text {n * 7919 % count:05}{' needle' * (n % 997 == 0)}") for n in numbers
        ]
        owner = "alice" if part % 2 else None
        store.items.add_many(drafts, NOW + timedelta(seconds=part), owner)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SqlDatabase]]:
    """A small and a large database."""
    databases = []
    for count in (SMALL, LARGE):
        folder = tmp_path_factory.mktemp("linear")
        database = open_database(f"sqlite:///{folder}/datas.db", {PLURAL: Table(ITEMS, ItemRow)})
        _fill(database, count)
        databases.append(database)
    yield databases
    for database in databases:
        database.close()


def _work(database: SqlDatabase, sort: Sort, where: Conditions) -> list[int]:
    """How many hundreds of instructions each statement of an export takes."""
    items, connection = sql_store(database).items, database.peewee.connection()
    counts, query = [], Query(STEP, sort, None, where)
    done = 0

    def count() -> int:
        nonlocal done
        done += 1
        return 0

    connection.set_progress_handler(count, COUNTED)
    try:
        while query is not None:
            done = 0
            step = items.scan(query)
            counts.append(done)
            if step.next is None:
                return counts
            query = query._replace(after=step.next)
    finally:
        connection.set_progress_handler(None, 0)
    return counts


@CASES
def test_the_work_of_an_export_grows_with_its_records(
    files: list[SqlDatabase], sort: Sort, where: Conditions
) -> None:
    """Four times as many take four times the work, and no statement takes more than before."""
    small, large = (_work(database, sort, where) for database in files)
    assert sum(large) <= LARGE / SMALL * sum(small) * 4 / 3
    assert max(large) <= max(small) * 4 / 3


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[SqlDatabase]:
    """A large database on PostgreSQL, whose planner knows it."""
    brought_up = request.getfixturevalue("brought_up")
    brought_up.ask("DROP DATABASE IF EXISTS linear WITH (FORCE)")
    brought_up.ask("CREATE DATABASE linear TEMPLATE template")
    database = open_database(brought_up.url("linear"), TABLES)
    _fill(database, LARGE)
    database.peewee.execute_sql("ANALYZE")
    database.engine.release()
    yield database
    database.close()


def _most_rows(plan: dict[str, Any]) -> int:
    """The most rows that a part of a plan read."""
    read = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    most: int = max([read * plan["Actual Loops"], *map(_most_rows, plan.get("Plans", ()))])
    return most


@CASES
def test_a_step_reads_no_more_than_its_rows(
    server: SqlDatabase, sort: Sort, where: Conditions
) -> None:
    """Wherever it begins, PostgreSQL follows the index of an order.

    For one of two owners it may choose that of all records, and pass over the other's.
    """
    statements = Statements(server, TABLES[PLURAL])
    items = sql_store(server).items
    middle = items.find(Query(LARGE // 4, sort, None, where[:1] if where else ()))[-1]
    for after in (None, position(middle, sort)):
        statement, values = statements.scan(Query(STEP, sort, after, where))
        explained = server.peewee.execute_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        [[[found]]] = explained.fetchall()
        server.engine.release()
        assert _most_rows(found["Plan"]) <= (
            3 * STEP if where == WHERE["one user's"] else STEP + 1
        ), found
