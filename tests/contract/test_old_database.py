"""A database that the first version made is opened by this one, without a manual step."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.queries import compiled
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import IdempotencyRow, ItemRow, Table
from datas.adapters.system import Argon2Passwords, SystemClock
from datas.database_urls import open_database
from datas.domain.access import Access, Actor, Mode
from datas.domain.accounts import Accounts
from datas.domain.credentials import Purpose
from datas.domain.errors import IdempotencyKeyReused
from datas.domain.idempotency import Idempotency
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Operator, Sort
from datas.domain.records import Record, value_of
from datas.domain.service import RecordService
from datas.domain.throttle import HashLimiter
from tests.contract.conftest import Store, sql_store
from tests.data.make_old_database import PASSWORD
from tests.old_database import ALICES_TOKEN, BOBS_TOKEN, KEPT_ANSWER, KEPT_KEY, restore_old_database
from tests.served import PLURAL

START = datetime(2026, 11, 22, 16, tzinfo=UTC)
TICK = timedelta(microseconds=250_001)
ONCE = datetime(2999, 1, 1, tzinfo=UTC) + 3 * TICK


def _item(item_id: int, data: str, created: int, updated: int = 0) -> Record[ItemDraft]:
    """An item that was created, and perhaps changed, so many ticks after the start."""
    owner = "alice" if item_id % 2 else "bob"
    dates = START + created * TICK, START + (updated or created) * TICK
    return Record(item_id, ItemDraft(data), *dates, 2 if updated else 1, owner)


EXPECTED = [
    _item(1, "Straße, changed", 4, 6),
    _item(2, "STRASSE 7", 8),
    _item(3, "b", 10),
    _item(4, "a", 12),
    _item(5, "\U0001f600, changed", 14, 16),
    _item(6, "\uffff", 18),
    _item(7, "100%", 20),
    _item(8, " a ", 22),
    _item(9, "same, changed", 24, 26),
    _item(10, "same", 28),
    Record(12, ItemDraft("once"), ONCE, ONCE, 1, "alice"),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    """The file, opened by this version."""
    restore_old_database(tmp_path / "datas.db")
    tables = {PLURAL: Table(ITEMS, ItemRow)}
    database = open_database(f"sqlite:///{tmp_path}/datas.db", tables)
    yield database
    database.close()


@pytest.fixture
def store(database: SqlDatabase) -> Store:
    """Its adapters."""
    return sql_store(database)


@pytest.fixture
def items(database: SqlDatabase) -> RecordService[ItemDraft]:
    """Its items, where users see their own alone."""
    repository = SqlRepository(database, ITEMS, database.tables)
    return RecordService(ITEMS, repository, SystemClock(), Access(Mode.PRIVATE))


def test_every_item_is_as_it_was(items: RecordService[ItemDraft]) -> None:
    """Ids, dates, versions and owners, for the system and for each owner."""
    assert list(items.page().records) == EXPECTED
    for name in ("alice", "bob"):
        page = items.page(actor=Actor(name), count=True)
        assert list(page.records) == [item for item in EXPECTED if item.owner == name]
        assert page.total == len(page.records)


@pytest.mark.parametrize("name", ITEMS.sorts)
@pytest.mark.parametrize("descending", [False, True])
def test_each_order_is_found(
    items: RecordService[ItemDraft], name: str, *, descending: bool
) -> None:
    """In pages and in an export."""

    def key(item: Record[ItemDraft]) -> tuple[object, int]:
        return value_of(item, name), item.id

    sort = Sort(name, descending)
    ordered = sorted(EXPECTED, key=key, reverse=descending)
    first = items.page(limit=4, sort=sort)
    rest = items.page(limit=100, sort=sort, after=first.next)
    assert [*first.records, *rest.records] == ordered
    assert [item for step in items.export(sort=sort) for item in step] == ordered


def test_a_search_finds_what_was_written_before(items: RecordService[ItemDraft]) -> None:
    """Case folded."""
    where = (Condition("data", Operator.CONTAINS, "STRASSE"),)
    assert [item.id for item in items.page(where=where).records] == [1, 2]


def test_items_can_be_changed_and_no_id_comes_again(items: RecordService[ItemDraft]) -> None:
    """A version that a client remembers is good; the deleted item's id is not given again."""
    changed = items.replace(2, ItemDraft("new"), expected={1}, actor=Actor("bob"))
    assert (changed.version, changed.date_created) == (2, EXPECTED[1].date_created)
    assert items.create(ItemDraft("next"), actor=Actor("bob")).id == 13


def test_users_sign_in_with_their_passwords_and_tokens(database: SqlDatabase, store: Store) -> None:
    """Ids of tokens are as they were, and so are failed attempts, by their purpose."""
    accounts = Accounts(
        users=store.users,
        tokens=store.tokens,
        attempts=store.attempts,
        repositories=[store.items],
        passwords=Argon2Passwords(),
        storage=database,
        clock=SystemClock(),
        limiter=HashLimiter(),
        token_days=30,
        registration_open=False,
    )
    since, until = START - timedelta(days=1), START + timedelta(days=1)
    for purpose, addresses in ((Purpose.CHANGE_PASSWORD, [""]), (Purpose.SIGN_IN, ["127.0.0.1"])):
        found = store.attempts.recent("bob", purpose, since, until, 10)
        assert [attempt.address for attempt in found] == addresses
    assert accounts.authenticate(ALICES_TOKEN) == Actor("alice", 1)
    assert accounts.authenticate(BOBS_TOKEN) == Actor("bob", 2)
    token, _ = accounts.sign_in("bob", PASSWORD, address="::1")
    assert token.id == 3


def test_a_retry_gets_the_answer_that_was_kept(database: SqlDatabase, store: Store) -> None:
    """And another request under the same key is refused."""
    query = compiled(database.peewee, IdempotencyRow.select(IdempotencyRow.fingerprint))
    [(fingerprint,)] = database.read(query)
    idempotency = Idempotency(store.idempotency, database, SystemClock())
    answer, replayed = idempotency.once("alice", KEPT_KEY, bytes(fingerprint), lambda: b"again")
    assert replayed
    assert KEPT_ANSWER.replace(b'"', b'\\"') in answer
    with pytest.raises(IdempotencyKeyReused):
        idempotency.once("alice", KEPT_KEY, b"another", lambda: b"again")
