"""A process that forks: each child has connections, locks and descriptors of its own."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datas.adapters.memory import Memory, MemoryRepository
from datas.adapters.sql import sqlite_forks
from datas.adapters.sql.sqlite import SqliteEngine
from datas.bootstrap import open_service
from datas.database_urls import open_database
from datas.domain.errors import StorageUnavailable
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Query
from datas.domain.throttle import HashLimiter
from tests.contract.conftest import sql_items

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def _fork(work: Callable[[], object]) -> int:
    """Do the work in a child, which then ends as if it were killed; return its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001 (the child must end here)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _are_well(*children: int) -> bool:
    """Wait for all of them; one that hangs is killed."""
    end = time.monotonic() + 20
    statuses = []
    for child in children:
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.005)
        statuses.append(ended[1])
    return not any(statuses)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/datas.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@contextmanager
def _busy(work: Callable[[], object]) -> Iterator[None]:
    """Another thread does the work again and again."""
    end, begun = threading.Event(), threading.Event()

    def repeat() -> None:
        while not end.is_set():
            work()
            begun.set()

    thread = threading.Thread(target=repeat)
    thread.start()
    begun.wait(10)
    try:
        yield
    finally:
        end.set()
        thread.join(10)


def test_what_a_daemon_was_promised_is_kept(url: str) -> None:
    """Its parent's connection ends, others come and go; then it writes, and is killed."""
    going, go = os.pipe()
    with open_service(url) as items:
        items.create(ItemDraft("parent"))

        def serve() -> None:
            os.read(going, 1)
            items.create(ItemDraft("daemon"))

        daemon = _fork(serve)
    with open_service(url) as items:
        items.create(ItemDraft("another"))
    os.write(go, b"1")
    assert _are_well(daemon)
    with open_service(url) as items:
        assert [item.draft.data for item in items.page().records] == ["parent", "another", "daemon"]
    os.close(going)
    os.close(go)


def test_children_write_at_once_although_a_thread_wrote_at_the_fork(url: str) -> None:
    """They wait for no lock that a thread of the parent held, and break nothing of the parent's."""
    with open_service(url) as items:
        items.create(ItemDraft("first"))
        start = time.monotonic()
        with _busy(lambda: items.create(ItemDraft("busy"))), _busy(items.page):
            children = [_fork(lambda: items.create(ItemDraft("child"))) for _ in range(4)]
            assert _are_well(*children)
        assert time.monotonic() - start < 10
        texts = [item.draft.data for item in items.page(limit=1000).records]
        assert texts.count("child") == 4
        assert items.create(ItemDraft("after")).id > len(texts)


@pytest.mark.slow
def test_parent_and_children_write_together(url: str) -> None:
    """Four children and their parent, 200 items each: no error, no item lost."""
    with open_service(url) as items:
        items.create(ItemDraft("first"))

        def write() -> None:
            for _ in range(200):
                items.create(ItemDraft("x"))

        children = [_fork(write) for _ in range(4)]
        write()
        assert _are_well(*children)
        assert items.page(limit=1, count=True).total == 1001


def test_a_fork_inside_a_transaction_leaves_it_to_the_parent(url: str) -> None:
    """The child is told why it can't use the database, and how it could."""
    database = open_database(url)
    items = sql_items(database)
    items.add(ItemDraft("first"), NOW)

    def use() -> None:
        for call in (lambda: items.add(ItemDraft("child"), NOW), lambda: items.find(Query())):
            with pytest.raises(StorageUnavailable, match=r"forked.*[Ff]ork outside"):
                call()

    with database.atomic():
        items.add(ItemDraft("second"), NOW)
        assert _are_well(_fork(use))
    assert [item.draft.data for item in items.find(Query())] == ["first", "second"]
    database.close()


def test_a_child_whose_parent_never_came_to_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that stays inside of SQLite: the fork goes on after a while, and the parent too."""
    monkeypatch.setattr(sqlite_forks, "FORK_TIMEOUT", 0.1)
    database = open_database(f"sqlite:///{tmp_path}/datas.db")
    items = sql_items(database)
    items.add(ItemDraft("first"), NOW)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with database.atomic():
            items.add(ItemDraft("second"), NOW)
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(10)

    def use() -> None:
        with pytest.raises(StorageUnavailable, match=r"forked while the database was in use"):
            items.find(Query())

    assert _are_well(_fork(use))
    leave.set()
    thread.join(10)
    assert [item.draft.data for item in items.find(Query())] == ["first", "second"]
    database.close()


def test_a_childs_write_lock_excludes_its_parent(tmp_path: Path) -> None:
    """An inherited descriptor of a lock file would be the same lock."""
    engine = SqliteEngine(tmp_path / "datas.db")
    engine.prepare()
    with engine.write_lock():
        pass
    locked, tell = os.pipe()

    def hold() -> None:
        with engine.write_lock():
            os.write(tell, b"1")
            time.sleep(0.5)

    child = _fork(hold)
    os.read(locked, 1)
    start = time.monotonic()
    with engine.write_lock():
        waited = time.monotonic() - start
    assert _are_well(child)
    assert waited > 0.3
    engine.close()
    os.close(locked)
    os.close(tell)


def test_a_database_that_a_thread_opens_at_the_fork_can_be_opened_by_the_child(url: str) -> None:
    """The lock of bringing it up is not inherited."""
    database = open_database(url)
    with database._bringing_up:  # noqa: SLF001 (another thread's, at the fork)
        child = _fork(lambda: sql_items(database).add(ItemDraft("child"), NOW))
        assert _are_well(child)
    database.close()


def test_a_child_may_hash_although_its_parent_does() -> None:
    """The places at the limit of hashing are each process's own."""
    limiter = HashLimiter(slots=1)

    def hash_too() -> None:
        with limiter.slot():
            pass

    with limiter.slot():
        assert _are_well(_fork(hash_too))


def test_a_child_uses_a_memory_that_a_thread_had_locked() -> None:
    """It has a copy of what was there."""
    items = MemoryRepository(memory := Memory(), ITEMS)
    locked, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with memory.lock:
            locked.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(10)
    child = _fork(lambda: items.add(ItemDraft("child"), NOW))
    assert _are_well(child)
    leave.set()
    thread.join(10)
