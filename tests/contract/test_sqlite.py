"""What is SQLite's own: the file, its settings, its migrations, and other processes."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose
from playhouse.migrations import Runner

from datas.adapters.sql import sqlite as sqlite_adapter
from datas.adapters.sql.migrate import DATAS
from datas.adapters.sql.queries import compiled
from datas.adapters.sql.sqlite import SqliteEngine
from datas.adapters.sql.statements import Statements
from datas.adapters.sql.tables import ItemRow, Table
from datas.bootstrap import open_service
from datas.database_urls import open_database
from datas.domain.errors import StorageUnavailable
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Condition, Conditions, Operator, Query, Sort, position
from datas.domain.records import Record
from tests.contract.conftest import sql_items

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")
SORTS = [Sort(name, descending) for name in ITEMS.sorts for descending in (False, True)]
SEARCH = Condition("data", Operator.CONTAINS, "x")
SINCE = Condition("date_created", Operator.FROM, NOW)
UNTIL = Condition("date_created", Operator.BELOW, NOW)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/datas.db"


def _add_many(url: str, count: int) -> list[int]:
    """Another process's work: bring the file up if need be, and add items."""
    database = open_database(url)
    items = sql_items(database)
    ids = [items.add(ItemDraft("hello"), NOW).id for _ in range(count)]
    database.close()
    return ids


def _count_up(url: str, item_id: int, times: int) -> None:
    with open_service(url) as items:
        for _ in range(times):
            while True:
                item = items.get(item_id)
                try:
                    items.replace(
                        item_id, ItemDraft(str(int(item.draft.data) + 1)), expected={item.version}
                    )
                except Exception as error:
                    if type(error).__name__ != "VersionMismatch":
                        raise
                else:
                    break


@pytest.mark.parametrize(("safe", "warnings"), [((99, 0, 0), 1), ((0, 0, 0), 0)])
def test_an_sqlite_that_can_damage_the_file_is_warned_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    safe: tuple[int, int, int],
    warnings: int,
) -> None:
    """At the start, once, with the version that is there and the one to install."""
    assert sqlite_adapter.SAFE_VERSION == (3, 51, 3)
    monkeypatch.setattr(sqlite_adapter, "SAFE_VERSION", safe)
    with open_service(_url(tmp_path)) as items:
        items.create(ItemDraft("hello"))
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == warnings
    for text in told:
        assert text.startswith(f"SQLite {sqlite3.sqlite_version} can damage")
        assert "install 3.51.3 or newer" in text


def test_four_processes_bring_up_one_absent_file(tmp_path: Path) -> None:
    """Started at once on no file, they make one schema and lose no item."""
    with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
        ids = [
            item_id
            for found in pool.map(_add_many, [_url(tmp_path)] * 4, [25] * 4)
            for item_id in found
        ]
    assert len(set(ids)) == 100


def test_two_processes_lose_no_update(tmp_path: Path) -> None:
    """Each adds one to a number a hundred times, never told that the database is locked."""
    with open_service(_url(tmp_path)) as items:
        item_id = items.create(ItemDraft("0")).id
        with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
            list(pool.map(_count_up, [_url(tmp_path)] * 2, [item_id] * 2, [100] * 2))
        assert items.get(item_id).draft.data == "200"


def test_an_empty_file_is_brought_up(tmp_path: Path) -> None:
    """A file of no bytes becomes a database."""
    (tmp_path / "datas.db").touch()
    with open_service(_url(tmp_path)) as items:
        assert items.create(ItemDraft("hello")).id == 1


def test_the_file_is_opened_at_the_first_use_only(tmp_path: Path) -> None:
    """Building the adapters touches no disk."""
    sql_items(open_database(_url(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_the_connection_is_set_for_safety(tmp_path: Path) -> None:
    """WAL, every commit on disk, foreign keys held, no memory map, a patient wait."""
    database = open_database(_url(tmp_path))
    database.bring_up()
    names = ("journal_mode", "synchronous", "foreign_keys", "mmap_size", "busy_timeout")
    values = {name: database.peewee.execute_sql(f"PRAGMA {name}").fetchone() for name in names}
    database.close()
    assert values == {
        "journal_mode": ("wal",),
        "synchronous": (2,),
        "foreign_keys": (1,),
        "mmap_size": (0,),
        "busy_timeout": (5000,),
    }


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A database that a newer Datas changed is left alone, and the error names the migration."""
    database = open_database(_url(tmp_path))
    database.bring_up()
    database.peewee.execute_sql(
        "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')"
    )
    database.close()
    with pytest.raises(StorageUnavailable, match=r"newer Datas.*9999_future"):
        open_database(_url(tmp_path)).bring_up()


def test_a_schema_that_is_behind_is_refused_without_auto_migrate(tmp_path: Path) -> None:
    """Who wants to migrate apart is told how."""
    with pytest.raises(StorageUnavailable, match=r"0001_items.*datas migrate"):
        open_database(_url(tmp_path), auto_migrate=False).bring_up()


def test_items_of_before_there_were_users_are_nobodys(tmp_path: Path) -> None:
    """A database of the second schema is brought up with all that it holds."""
    (tmp_path / "datas.db").touch()
    database = open_database(_url(tmp_path))
    Runner(database.peewee, str(DATAS.folder)).up("0002_idempotency")
    database.peewee.execute_sql(
        "INSERT INTO datas VALUES (7, 'Old', '2026-11-22T00:00:00.000000Z', "
        "'2026-11-22T00:00:00.000000Z', 3), (8, 'x', '', '', 1)"
    )
    database.peewee.execute_sql("DELETE FROM datas WHERE id = 8")
    items = sql_items(database)
    assert items.find(Query(where=(Condition("data", Operator.CONTAINS, "oLD"),))) == [
        Record(7, ItemDraft("Old"), NOW, NOW, 3)
    ]
    assert items.add(ItemDraft("new"), NOW).id == 9, "no id is used again"
    database.close()


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda path: path.mkdir(), "can't be opened"),
        (lambda path: path.write_bytes(b"no database at all" * 100), "not an SQLite database"),
        (lambda path: path.parent.rmdir(), "folder"),
    ],
    ids=["a folder", "another file", "a folder that is absent"],
)
def test_a_path_that_cannot_be_opened_says_so(
    tmp_path: Path, prepare: Callable[[Path], object], reason: str
) -> None:
    """The reason is in plain words, without the path, which a client must not see."""
    path = tmp_path / "home" / "datas.db"
    path.parent.mkdir()
    prepare(path)
    with pytest.raises(StorageUnavailable, match=reason) as caught:
        open_database(f"sqlite:///{path}").bring_up()
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        "data = CAST(x'ff' AS TEXT)",
        "date_created = CAST(x'ff' AS TEXT)",
        "date_created = 'yesterday'",
        "date_updated = '2026-11-22T16:00:00.123456'",
        "date_updated = 7",
    ],
)
def test_a_value_that_nobody_wrote_is_damage(tmp_path: Path, damage: str) -> None:
    """A page's bytes can change so that SQLite sees nothing: it's no bug, and the item no other."""
    database = open_database(_url(tmp_path))
    items = sql_items(database)
    item = items.add(ItemDraft("hello"), NOW)
    database.peewee.execute_sql(f"UPDATE datas SET {damage}")  # noqa: S608 (ours)
    for use in (lambda: items.get(item.id), lambda: items.find(Query())):
        with pytest.raises(StorageUnavailable, match=r"damaged.*backup"):
            use()
    database.close()


def test_another_programs_tables_are_left_alone(tmp_path: Path) -> None:
    """A file whose table is called as ours is no database of ours."""
    with sqlite3.connect(tmp_path / "datas.db") as connection:
        connection.execute("CREATE TABLE datas (id INTEGER PRIMARY KEY, theirs TEXT)")
    connection.close()
    with pytest.raises(StorageUnavailable, match="didn't make"):
        open_database(_url(tmp_path)).bring_up()


def test_a_file_whose_name_looks_like_a_uri_is_a_file(tmp_path: Path) -> None:
    """No character of a name means anything."""
    for name in ("file:x.db", "a?mode=memory", "100%25 é#1.db"):
        with open_service(f"sqlite:///{tmp_path}/{name}") as items:
            items.create(ItemDraft("hello"))
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_first_read_waits_for_no_writer(tmp_path: Path) -> None:
    """A process that starts while another writes can read at once."""
    with open_service(_url(tmp_path)) as items:
        item = items.create(ItemDraft("hello"))
    other, written = SqliteEngine(tmp_path / "datas.db"), threading.Event()
    other.prepare()

    def write() -> None:
        with other.write_lock():
            written.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    database = open_database(_url(tmp_path))
    try:
        assert sql_items(database).get(item.id) == item
        assert writer.is_alive()
    finally:
        written.set()
        writer.join(10)
        database.close()


def test_a_lock_held_by_another_program_is_waited_for(tmp_path: Path) -> None:
    """A writer doesn't fail while another program holds SQLite's lock for a moment."""
    database = open_database(_url(tmp_path))
    items = sql_items(database)
    items.add(ItemDraft("first"), NOW)
    holds, release = threading.Event(), threading.Event()

    def hold() -> None:
        connection = database.peewee.connection()
        connection.execute("BEGIN IMMEDIATE")
        holds.set()
        release.wait(10)
        connection.execute("COMMIT")
        database.close()

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait(10)
    threading.Timer(0.3, release.set).start()
    assert items.add(ItemDraft("second"), NOW).id == 2
    holder.join(10)
    database.close()


def test_a_statement_keeps_no_value(tmp_path: Path) -> None:
    """A query with a value in it can't be compiled once, and isn't."""
    database = open_database(_url(tmp_path)).peewee
    with pytest.raises(ValueError, match="can't keep values"):
        compiled(database, ItemRow.select().where(ItemRow.id == 7))


@pytest.mark.parametrize("owner", [None, "alice"])
@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_every_page_is_found_by_an_index(tmp_path: Path, sort: Sort, owner: str | None) -> None:
    """Everybody's items and one user's, in every order: nothing is read that isn't shown."""
    place = position(Record(5, ItemDraft("x"), NOW, NOW, 1), sort)
    where = (Condition("owner", Operator.EQUAL, owner),) if owner else ()
    plan = _plan(tmp_path, Query(10, sort, place, where))
    assert plan[0].startswith("SEARCH t1 USING I")
    assert len(plan) == 1, "nothing is sorted"


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("where", [(SEARCH,), (SINCE, UNTIL)])
def test_a_filter_reads_the_table_in_its_own_order(
    tmp_path: Path, sort: Sort, where: Conditions
) -> None:
    """Not row by row in the order of an index that knows nothing of the filter."""
    [first, *_] = _plan(tmp_path, Query(10, sort, None, where))
    if sort.field == "date_created" and SEARCH not in where:
        assert "datas_date_created_id" in first
    else:
        assert first == "SCAN t1"


def _plan(folder: Path, query: Query) -> list[str]:
    """How SQLite would answer."""
    database = open_database(_url(folder))
    database.bring_up()
    statements = Statements(database, Table(ITEMS, ItemRow))
    statement, _ = statements.find(query)
    assert statements.find(query)[0] is statement, "compiled once"
    sql = "EXPLAIN QUERY PLAN " + statement
    rows = database.peewee.execute_sql(sql, ["x"] * statement.count("?")).fetchall()
    database.close()
    return [row[3] for row in rows]
