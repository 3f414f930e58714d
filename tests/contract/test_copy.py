"""`datas copy`: from each kind of database to each."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from datas.adapters.sql.accounts import SqlAttempts, SqlTokens, SqlUsers
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import ItemRow, Table
from datas.database_urls import open_database
from datas.domain.credentials import Attempt, Purpose, Token
from datas.domain.errors import CopyFailed
from datas.domain.idempotency import KeptAnswer
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Query
from datas.operations.copy import CHUNK, copy_database, copy_rows
from tests.contract.conftest import TABLES, make_tables, sql_store
from tests.drafts import some_drafts
from tests.every_rule import GADGETS, GadgetDraft, MakerDraft
from tests.served import PLURAL

NOW = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
LATER = NOW + timedelta(days=1)
KINDS = ("sqlite", "postgresql")
COUNT = CHUNK + 2  # more than a chunk

MakeUrl = Callable[[str], str]


def _items(database: SqlDatabase) -> SqlRepository[ItemDraft]:
    return SqlRepository(database, ITEMS, {PLURAL: Table(ITEMS, ItemRow)})


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Makes URLs of databases that nobody has used."""
    numbers = itertools.count()

    def make(kind: str) -> str:
        name = f"copy_{next(numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{name}.db"
        server = request.getfixturevalue("postgres")
        server.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.ask(f"CREATE DATABASE {name}")
        return str(server.url(name))

    return make


def _fill(url: str) -> None:
    database = open_database(url)
    users, tokens, items = SqlUsers(database), SqlTokens(database), _items(database)
    for username in ("alice", "bob"):
        users.add(username, "a hash", NOW)
    tokens.add(Token(0, "alice", "a label", NOW, LATER), b"\x00\xff digest")
    items.add(ItemDraft("alice's 👍 100%"), NOW, "alice")
    items.add_many((ItemDraft(f"text {n}") for n in range(COUNT)), NOW)
    changed = items.get(2)._replace(draft=ItemDraft("changed"), date_updated=LATER, version=2)
    assert items.swap(changed, 1)
    assert items.remove(COUNT + 1, 1)  # the newest: its id must not come again
    records = SqlIdempotencyRecords(database)
    records.claim(KeptAnswer("alice", "key", b"print", NOW, b"\x00 answer"), NOW)
    SqlAttempts(database).add(Attempt("bob", Purpose.CHANGE_PASSWORD, "::1", NOW))
    database.close()


def _everything(url: str) -> list[object]:
    database = open_database(url)
    items, users = _items(database), SqlUsers(database)
    found: list[object] = [
        items.find(Query(limit=COUNT + 1)),
        users.all(),
        SqlTokens(database).newest("alice", 100),
        SqlTokens(database).find(b"\x00\xff digest"),
        SqlIdempotencyRecords(database).claim(KeptAnswer("alice", "key", b"", NOW), EARLIER),
        SqlAttempts(database).recent(
            "bob", Purpose.CHANGE_PASSWORD, NOW - timedelta(days=1), LATER, 10
        ),
    ]
    database.close()
    return found


@pytest.mark.parametrize(
    ("from_kind", "to_kind"),
    [
        ("sqlite", "postgresql"),
        ("postgresql", "sqlite"),
        pytest.param("sqlite", "sqlite", marks=pytest.mark.slow),
        pytest.param("postgresql", "postgresql", marks=pytest.mark.slow),
    ],
)
def test_everything_is_as_it_was(make_url: MakeUrl, from_kind: str, to_kind: str) -> None:
    """Ids, dates, versions, owners, tokens and answers; and no id comes again."""
    source, target = make_url(from_kind), make_url(to_kind)
    _fill(source)
    told: list[int] = []
    rows = copy_database(source, target, lambda done, _: told.append(done))
    assert rows == COUNT + 6 - 1
    assert sum(told) == 2 * rows
    assert _everything(target) == _everything(source)
    database = open_database(target)
    assert _items(database).add(ItemDraft("new"), NOW).id == COUNT + 2
    assert SqlUsers(database).add("carol", "hash", NOW).id == 3
    database.close()


@pytest.mark.parametrize(("from_kind", "to_kind"), [KINDS, KINDS[::-1]])
def test_records_of_every_collection_are_as_they_were(
    make_url: MakeUrl, from_kind: str, to_kind: str
) -> None:
    """Of every type and null; a record that refers to a later one, or to itself, too."""
    stores = []
    for kind in (from_kind, to_kind):
        url = make_url(kind)
        make_tables(url)
        stores.append(sql_store(open_database(url, TABLES)))
    source, target = stores
    makers = [source.makers.add(MakerDraft(f"Maker {n}"), NOW).id for n in range(2)]
    gadgets = [
        source.gadgets.add(draft, NOW) for draft in some_drafts(GADGETS, 60, {"maker_id": makers})
    ]
    for first, parent in ((0, 59), (1, 1)):
        changed = gadgets[first].draft._replace(parent_id=gadgets[parent].id)
        assert source.gadgets.swap(gadgets[first]._replace(draft=changed, version=2), 1)
    databases = [cast("SqlDatabase", store.storage) for store in stores]
    copy_rows(databases[0], databases[1], lambda _: None)
    for plural, repository in source.repositories.items():
        found = target.repositories[plural].find(Query(1000))
        assert list(found) == list(repository.find(Query(1000)))
    assert len(target.gadgets.find(Query(1000))) == 60
    assert target.gadgets.add(GadgetDraft("new"), NOW).id == 61
    for database in databases:
        database.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_with_anything_in_it_is_refused(make_url: MakeUrl, kind: str) -> None:
    """And stays as it is."""
    source, target = make_url("sqlite"), make_url(kind)
    _fill(source)
    _fill(target)
    before = _everything(target)
    with pytest.raises(CopyFailed, match="isn't empty"):
        copy_database(source, target, lambda *_: None)
    assert _everything(target) == before


def test_a_source_that_is_absent_is_not_made(make_url: MakeUrl, tmp_path: Path) -> None:
    """A typing error leaves no file."""
    with pytest.raises(CopyFailed, match="nothing to copy"):
        copy_database(make_url("sqlite"), make_url("sqlite"), lambda *_: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_changes_meanwhile_is_told(make_url: MakeUrl, kind: str) -> None:
    """What would be lost in silence makes the copy fail, and leaves the target empty."""
    source, target = make_url("sqlite"), make_url(kind)
    _fill(source)

    changing = open_database(source)
    told: list[int] = []

    def add_when_all_is_copied(rows: int, length: int) -> None:
        told.append(rows)
        if sum(told) == length // 2:
            _items(changing).add(ItemDraft("late"), NOW)

    with pytest.raises(CopyFailed, match="changed meanwhile"):
        copy_database(source, target, add_when_all_is_copied)
    changing.close()
    database = open_database(target)
    assert not _items(database).find(Query())
    database.close()


def test_a_target_that_somebody_else_writes_to_is_told(make_url: MakeUrl) -> None:
    """Such as a second copy at the same time."""
    source, target = make_url("sqlite"), make_url("postgresql")
    _fill(source)

    def copy_too(rows: int, _: int) -> None:
        if rows == 2:  # the users
            database = open_database(target)
            _items(database).add(ItemDraft("theirs"), NOW)
            database.close()

    with pytest.raises(CopyFailed, match="changed meanwhile"):
        copy_database(source, target, copy_too)
    database = open_database(target)
    assert [item.draft.data for item in _items(database).find(Query())] == ["theirs"]
    database.close()
