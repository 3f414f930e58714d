"""The file of an SQLite database: which one is used, when it is made, and what is never changed."""

import hashlib
import os
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.adapters.sql import sqlite_wal
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.sqlite import SqliteEngine
from datas.adapters.sql.sqlite_wal import WAL_LIMIT
from datas.bootstrap import open_service
from datas.database_urls import open_database, redacted_url
from datas.domain.errors import StorageUnavailable
from datas.domain.items import ItemDraft
from datas.domain.query import Query
from datas.operations.sqlite_copy import back_up
from tests.contract.conftest import sql_items

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one item, which nobody has open."""
    path = tmp_path / "datas.db"
    with open_service(f"sqlite:///{path}") as items:
        items.create(ItemDraft("first"))
    return path


def _opened(path: Path, **how: bool | str) -> SqlDatabase:
    return open_database(f"sqlite:///{path}", **how)  # type: ignore[arg-type]


def _bytes(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file: its content, and when it was changed."""
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
    }


@pytest.mark.parametrize("replaced", [False, True], ids=["moved", "replaced"])
def test_no_other_file_is_read_or_written(path: Path, *, replaced: bool) -> None:
    """While the path leads elsewhere nothing goes; with the same file back, all does at once."""
    database = _opened(path)
    items = sql_items(database)
    items.add(ItemDraft("second"), NOW)
    path.rename(path.with_name("away.db"))
    if replaced:
        path.touch()

    def in_a_thread() -> None:
        failed: list[BaseException] = []

        def read() -> None:
            try:
                items.find(Query())
            except StorageUnavailable as error:
                failed.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join(10)
        raise failed[0]

    for use in (
        database.check,
        in_a_thread,
        lambda: items.add(ItemDraft("third"), NOW),
        lambda: items.find(Query()),
        lambda: items.get(1),
    ):
        with pytest.raises(StorageUnavailable, match=r"moved, deleted or replaced.*same file back"):
            use()
    assert path.exists() == replaced
    path.with_name("away.db").rename(path)
    database.check()
    assert items.add(ItemDraft("third"), NOW).id == 3
    assert len(items.find(Query())) == 3
    database.close()


def test_the_app_makes_no_file_where_there_was_one(path: Path) -> None:
    """Its lock files say so, and the error says what to do; with the file back it is used."""
    path.rename(path.with_name("away.db"))
    database = _opened(path, anew=False)
    with pytest.raises(StorageUnavailable, match=r"gone.*Put the file back.*datas migrate"):
        database.bring_up()
    assert not path.exists()
    path.with_name("away.db").rename(path)
    assert sql_items(database).get(1).draft.data == "first"
    database.close()


def test_a_beginning_makes_a_file_where_there_was_one(path: Path) -> None:
    """`datas serve`, `migrate` and `open_service` do so, and can tell."""
    path.unlink()
    database = _opened(path)
    database.bring_up()
    assert database.engine.made
    assert not sql_items(database).find(Query())
    database.close()


def test_the_app_makes_a_file_where_nothing_was(tmp_path: Path) -> None:
    """Eight at once: one makes it, all use it."""
    databases = [_opened(tmp_path / "datas.db", anew=False) for _ in range(8)]
    threads = [threading.Thread(target=database.bring_up) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [database.engine.made for database in databases].count(True) == 1
    for number, database in enumerate(databases, 1):
        assert sql_items(database).add(ItemDraft("hello"), NOW).id == number
        database.close()


@pytest.mark.parametrize("anew", [False, True])
def test_no_file_is_made_beside_what_was_written_last_to_another(path: Path, *, anew: bool) -> None:
    """SQLite would delete the log of a database that was moved without it."""
    database = _opened(path)
    sql_items(database).add(ItemDraft("second"), NOW)
    path.rename(path.with_name("away.db"))
    with pytest.raises(
        StorageUnavailable, match=r"datas\.db-wal .+ may hold what was written last"
    ):
        _opened(path, anew=anew).bring_up()
    assert not path.exists()
    assert path.with_name("datas.db-wal").stat().st_size
    path.with_name("away.db").rename(path)
    database.close()


def test_a_process_may_be_told_which_file_is_the_only_one(path: Path) -> None:
    """A worker that comes later takes no other, and makes none."""
    first = _opened(path)
    first.bring_up()
    file = first.engine.file_id
    first.close()
    path.rename(path.with_name("away.db"))
    late = _opened(path, anew=False, file=file)
    for is_replaced in (False, True):
        if is_replaced:
            path.touch()
        with pytest.raises(StorageUnavailable, match="moved, deleted or replaced"):
            late.bring_up()
    path.with_name("away.db").rename(path)
    assert sql_items(late).get(1).draft.data == "first"
    late.close()


def test_a_file_that_could_not_be_used_may_be_replaced(tmp_path: Path) -> None:
    """Which file it is, is settled when it was brought up, not before."""
    path = tmp_path / "datas.db"
    path.write_bytes(b"no database" * 100)
    database = _opened(path)
    with pytest.raises(StorageUnavailable, match="not an SQLite database"):
        database.bring_up()
    path.rename(tmp_path / "other")
    path.touch()
    assert sql_items(database).add(ItemDraft("hello"), NOW).id == 1
    database.close()


def test_a_relative_path_is_that_of_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may go to another folder; new threads read the same file, and it is shown whole."""
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    with open_service("sqlite:///other/m.db") as items:
        items.create(ItemDraft("another"))
    with open_service("sqlite:///m.db") as items:
        items.create(ItemDraft("one"))
        monkeypatch.chdir("other")
        found: list[list[str]] = []
        read = lambda: found.append([item.draft.data for item in items.page().records])  # noqa: E731
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(10)
        assert found == [["one"]]
        assert items.create(ItemDraft("two")).id == 2
    assert redacted_url("sqlite:///m.db") == f"sqlite:///{tmp_path}/other/m.db"


def test_white_space_around_a_url_is_no_part_of_it(tmp_path: Path) -> None:
    """A line ending of Windows, say."""
    with open_service(f" sqlite:///{tmp_path}/x.db\r\n") as items:
        items.create(ItemDraft("hello"))
    assert {"x.db", "x.db-lock", "x.db-queue"} == {file.name for file in tmp_path.iterdir()}


def test_the_service_ends_with_its_block(path: Path) -> None:
    """Later uses, in any thread, and uses without a block: one error that says what to do."""
    with open_service(f"sqlite:///{path}") as items:
        pass
    for use in (lambda: items.get(1), lambda: items.create(ItemDraft("x")), items.page):
        with pytest.raises(StorageUnavailable, match=r"closed at the end of its with block.*again"):
            use()
    with pytest.raises(TypeError, match=r"needs a with block, in which you use 'create'"):
        open_service(f"sqlite:///{path}").create(ItemDraft("x"))  # type: ignore[operator]


@pytest.mark.parametrize("state", ["closed", "killed", "a backup"])
def test_reading_changes_no_byte(path: Path, state: str) -> None:
    """Of the file or beside it, whatever state it is in; no file comes, none goes."""
    if state == "killed":
        path = _as_if_killed(path)
    if state == "a backup":
        path = back_up(path, path.with_name("b.db")).path
    before = _bytes(path.parent)
    reader = _opened(path, read_only=True)
    items = sql_items(reader)
    assert len(items.find(Query())) == 1 + (state == "killed")
    assert not reader.schema_status().pending
    with pytest.raises(StorageUnavailable, match="opened to be read"):
        items.add(ItemDraft("third"), NOW)
    assert _bytes(path.parent) == before
    reader.close()
    assert _bytes(path.parent) == before


def _as_if_killed(path: Path) -> Path:
    """A copy of the files of a server, in a folder of its own."""
    server = _opened(path)
    sql_items(server).add(ItemDraft("second"), NOW)
    copy = path.with_name("copy")
    copy.mkdir()
    for file in path.parent.glob("datas.db*"):
        (copy / file.name).write_bytes(file.read_bytes())
    server.close()
    return copy / path.name


def test_a_reader_sees_what_is_written_after_it_opened(path: Path) -> None:
    """It opened what nobody had open; then a server begins, writes, and ends."""
    reader = _opened(path, read_only=True)
    items = sql_items(reader)
    assert len(items.find(Query())) == 1
    with open_service(f"sqlite:///{path}") as written:
        written.create(ItemDraft("second"))
        assert len(items.find(Query())) == 2
        for _ in range(2000):
            written.create(ItemDraft("x" * 255))
        assert items.get(2002).draft.data == "x" * 255
    assert items.find(Query(after=None, limit=2))[1].draft.data == "second"
    reader.close()


def test_a_reader_of_an_older_schema_says_what_to_run(tmp_path: Path) -> None:
    """It brings nothing up to date."""
    (tmp_path / "datas.db").touch()
    with pytest.raises(StorageUnavailable, match=r"schema is behind.*datas migrate"):
        _opened(tmp_path / "datas.db", read_only=True).bring_up()
    assert not (tmp_path / "datas.db").stat().st_size


def test_the_log_is_bounded_while_readers_overlap(path: Path) -> None:
    """There always is a reader in the midst of a statement. The log is cut all the same."""
    database = _opened(path)
    items = sql_items(database)
    end = threading.Event()
    batch = [ItemDraft("x" * 255)] * 1000
    items.add_many(batch * 10, NOW)

    def read() -> None:
        connection = database.peewee.connection()
        while not end.is_set():
            # Sorting without an index reads for a while.
            connection.execute("SELECT data || id FROM datas ORDER BY 1 LIMIT 1").fetchall()
        database.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    wal, sizes = Path(f"{path}-wal"), []
    try:
        for _ in range(30):
            items.add_many(batch, NOW)
            sizes.append(wal.stat().st_size)
    finally:
        end.set()
        for thread in threads:
            thread.join(10)
    assert max(sizes) < 2 * WAL_LIMIT
    database.close()


def test_a_large_log_is_cut_by_the_write_that_made_it(path: Path) -> None:
    """One transaction is as large as it is; nothing of it stays."""
    database = _opened(path)
    sql_items(database).add_many([ItemDraft("x" * 255)] * 30_000, NOW)
    assert Path(f"{path}-wal").stat().st_size <= WAL_LIMIT
    database.close()


def test_a_reader_that_does_not_end_delays_a_write_only_now_and_then(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's, say: the log has to grow. When that has ended, the log is cut."""
    monkeypatch.setattr(sqlite_wal, "WAL_LIMIT", 100_000)
    monkeypatch.setattr(sqlite_wal, "CUT_TIMEOUT", 0.2)
    monkeypatch.setattr(sqlite_wal, "CUT_PAUSE", 60.0)
    database = _opened(path)
    items = sql_items(database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM datas").fetchall()
        for _ in range(100):
            items.add(ItemDraft("x" * 255), NOW)
        engine = database.engine
        assert isinstance(engine, SqliteEngine)
        assert engine._wal._next_cut  # noqa: SLF001 (it waited once)
        other.execute("COMMIT")
    assert Path(f"{path}-wal").stat().st_size > 100_000
    engine._wal._next_cut = 0.0  # noqa: SLF001 (time goes by)
    items.add(ItemDraft("x"), NOW)
    assert not Path(f"{path}-wal").stat().st_size
    [timeout] = database.peewee.execute_sql("PRAGMA busy_timeout").fetchone()
    assert timeout == 5000
    database.close()


def test_a_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path has no meaning then."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    os.rmdir(tmp_path / "gone")  # noqa: PTH106 (Path's would do)
    with pytest.raises(ValueError, match="current folder"):
        open_database("sqlite:///x.db")
