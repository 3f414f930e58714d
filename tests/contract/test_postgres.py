"""What is PostgreSQL's own: its pool, its errors, its migrations, and other processes."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from traceback import format_exception

import psycopg
import pytest

from datas.adapters.sql import pool
from datas.adapters.sql.accounts import SqlAttempts, SqlUsers
from datas.adapters.sql.database import SqlDatabase
from datas.adapters.sql.idempotency import SqlIdempotencyRecords
from datas.adapters.sql.repository import SqlRepository
from datas.adapters.sql.tables import ItemRow, Table
from datas.adapters.system import SystemClock
from datas.bootstrap import open_service
from datas.database_urls import open_database, redacted_url
from datas.domain.credentials import Attempt, Purpose
from datas.domain.errors import StorageUnavailable, Unauthenticated
from datas.domain.idempotency import Idempotency, fingerprint
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Query
from tests.postgres import Postgres, free_port
from tests.served import PLURAL

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")

Items = SqlRepository[ItemDraft]


def _items(database: SqlDatabase) -> Items:
    return SqlRepository(database, ITEMS, {PLURAL: Table(ITEMS, ItemRow)})


@pytest.fixture
def database(postgres_url: str) -> Iterator[SqlDatabase]:
    """Brought up, and empty."""
    database = open_database(postgres_url)
    yield database
    database.close()


@pytest.fixture
def items(database: SqlDatabase) -> Items:
    """Its items."""
    return _items(database)


def _run(database: SqlDatabase, sql: str) -> list[tuple[object, ...]]:
    return database.read(sql)


def _connections(postgres: Postgres) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'datas'"
    [(count,)] = postgres.ask(sql)
    return int(count)


@contextmanager
def _with_setting(postgres: Postgres, setting: str) -> Iterator[None]:
    postgres.ask(f"ALTER DATABASE datas SET {setting}")
    try:
        yield
    finally:
        postgres.ask("ALTER DATABASE datas RESET ALL")


def test_sqlite_loads_no_driver_of_postgresql() -> None:
    """Though psycopg is installed here, and Peewee would import what it finds."""
    code = (
        "import sys\n"
        "from datas.database_urls import open_database\n"
        "open_database('sqlite:///never.db')\n"
        "print([name for name in sys.modules if name.startswith('psycopg')])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_absent_driver_is_named() -> None:
    """With what to install."""
    code = (
        "import sys\n"
        "sys.modules['psycopg'] = None\n"
        "from datas.database_urls import open_database\n"
        "open_database('postgresql://user:secret@localhost/datas')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pip install 'psycopg[binary]>=3.3'" in done.stderr
    assert "user:secret" not in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:se@cret@host/datas",
        "postgresql://user:se@cret/x@host/datas",
        "postgresql://user:1/cret@host/datas",
        "postgresql://user:1/se@cret@host/datas",
        "postgresql://user:secret@host:port/datas",
        "postgresql://user:secret@host/datas?sslmod=require",
        "postgresql://user:sec%ret@host/datas",
    ],
)
def test_a_url_that_libpq_cannot_read_is_refused_in_silence(url: str) -> None:
    """What it can't read may be a part of the password."""
    with pytest.raises(ValueError, match="libpq can't read") as refusal:
        open_database(url)
    assert "cret" not in "".join(format_exception(refusal.value))
    assert "cret" not in redacted_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s%40%3Acret@a:1,b/datas?sslmode=require",
        "postgresql://user:p,w@[::1]:5432/datas",
        "postgres:///datas?host=@socket&port=1&password=s@cret",
    ],
)
def test_what_libpq_reads_well_is_taken(url: str) -> None:
    """Several hosts, addresses, sockets, and secrets among the parameters."""
    open_database(url).close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/datas.db", "sqlite:////var/lib/datas.db"),
        ("postgresql://user:secret@host/name", "postgresql://host/name"),
        ("postgresql://host:5432/name", "postgresql://host:5432/name"),
        ("postgresql://u:secret@a:1,[::1]:2/name?sslmode=require", "postgresql://a:1,[::1]:2/name"),
        ("postgresql:///name?host=/run&password=secret", "postgresql:///name"),
        ("postgresql://u:p@host/name?password=s@cret", "postgresql://…"),
        ("postgresql://u:a/b@host/name", "postgresql://host/name"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    """Hosts and the database's name are enough to know it by."""
    assert redacted_url(url) == shown


def _add_many(url: str, count: int) -> list[int]:
    with open_service(url) as service:
        return [service.create(ItemDraft("hello")).id for _ in range(count)]


@pytest.mark.slow
def test_four_processes_bring_up_one_empty_database(postgres: Postgres) -> None:
    """Started at once, one migrates and the others wait for it."""
    postgres.ask("CREATE DATABASE raced")
    with ProcessPoolExecutor(4, mp_context=SPAWN) as executor:
        found = list(executor.map(_add_many, repeat(postgres.url("raced"), 4), repeat(25)))
    assert len({item_id for ids in found for item_id in ids}) == 100


@pytest.fixture
def empty_url(postgres: Postgres) -> str:
    """A database without tables."""
    postgres.ask("DROP DATABASE IF EXISTS empty WITH (FORCE)")
    postgres.ask("CREATE DATABASE empty")
    return postgres.url("empty")


@contextmanager
def _migrating_elsewhere(postgres: Postgres) -> Iterator[None]:
    with postgres.connect("empty") as other:
        other.execute("SELECT pg_advisory_lock(%s)", (0x6461746173,))
        yield


def test_who_meets_a_migration_is_told(
    postgres: Postgres, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread waits for the other node, and keeps no other thread waiting."""
    monkeypatch.setattr("datas.adapters.sql.database.MIGRATION_TIMEOUT", 0.1)
    database = open_database(empty_url)
    with ThreadPoolExecutor(1) as executor:
        with _migrating_elsewhere(postgres):
            first = executor.submit(database.bring_up)
            time.sleep(0.3)
            with pytest.raises(StorageUnavailable, match="migrated"):
                database.check()
            assert not first.done()
        assert first.result()
    database.check()
    database.close()


def test_a_migration_has_no_limits_of_requests(
    postgres: Postgres, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the role's nor the pool's."""
    for limit in ("statement", "lock"):
        postgres.ask(f"ALTER DATABASE empty SET {limit}_timeout = '200ms'")
    monkeypatch.setattr(pool, "STATEMENT_TIMEOUT", 0.3)
    database = open_database(empty_url)
    with ThreadPoolExecutor(1) as executor:
        with _migrating_elsewhere(postgres):
            first = executor.submit(database.bring_up)
            time.sleep(1)
        assert first.result()
    database.close()


def test_purging_waits_for_nobody(
    brought_up: Postgres, database: SqlDatabase, postgres_url: str
) -> None:
    """What another node purges at this moment is left to it."""
    attempts = SqlAttempts(database)
    for _ in range(2):
        attempts.add(Attempt("alice", Purpose.SIGN_IN, "::1", NOW))
    with brought_up.connect("datas") as blocker, _with_setting(brought_up, "lock_timeout = '50ms'"):
        blocker.execute("BEGIN; DELETE FROM attempts WHERE id = (SELECT min(id) FROM attempts)")
        impatient = open_database(postgres_url)
        SqlAttempts(impatient).purge(NOW + timedelta(days=1), NOW + timedelta(days=2), 10)
        impatient.close()
        blocker.execute("ROLLBACK")
    recent = attempts.recent("alice", Purpose.SIGN_IN, NOW - timedelta(days=1), NOW, 10)
    assert len(recent) == 1


@pytest.mark.slow
def test_a_host_that_is_mute_is_passed_over(brought_up: Postgres) -> None:
    """One that takes connections and says nothing keeps nobody from the next."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = brought_up.url("datas").replace("@", f"@127.0.0.1:{mute.getsockname()[1]},", 1)
        database = open_database(url)
        end = time.monotonic() + 8
        while True:
            try:
                database.check()
                break
            except StorageUnavailable:
                assert time.monotonic() < end
        database.close()


def _once(url: str, keys: int) -> list[bytes]:
    database = open_database(url)
    items, records = _items(database), SqlIdempotencyRecords(database)
    once = Idempotency(records, database, SystemClock()).once
    answers = [
        once("", f"{key}", fingerprint(b""), lambda: b"%d" % items.add(ItemDraft("x"), NOW).id)[0]
        for key in range(keys)
    ]
    database.close()
    return answers


def test_two_nodes_do_the_work_of_a_key_once(postgres_url: str, items: Items) -> None:
    """Two processes race for each of fifty keys: the slower one gets the other's answer."""
    with ProcessPoolExecutor(2, mp_context=SPAWN) as executor:
        one, two = executor.map(_once, repeat(postgres_url, 2), repeat(50))
    assert one == two
    assert items.count(()) == 50


def test_a_process_has_no_more_connections_than_its_pool(
    brought_up: Postgres, items: Items
) -> None:
    """Forty threads share ten, and none is refused."""
    with ThreadPoolExecutor(40) as executor:
        list(executor.map(lambda _: items.add(ItemDraft("hello"), NOW), range(400)))
        assert _connections(brought_up) <= pool.MAX_CONNECTIONS
    assert items.count(()) == 400


def test_a_connection_that_ended_is_given_to_nobody(brought_up: Postgres, items: Items) -> None:
    """Not one request fails because the server ended what nobody used."""
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: items.find(Query()), range(80)))
        for _ in range(2):
            brought_up.ask(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
                "WHERE application_name = 'datas'"
            )
            list(executor.map(lambda _: items.find(Query()), range(80)))


@pytest.mark.parametrize("code", ["25P03", "25P04", "40003", "57P01", "08006"])
def test_a_connection_that_the_server_ends_may_have_done_its_work(
    database: SqlDatabase, code: str
) -> None:
    """Whatever made the server end it: nobody is told that nothing was changed."""
    with pytest.raises(StorageUnavailable, match="unknown whether"):
        _run(database, f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")


def test_a_database_of_another_encoding_is_refused(postgres: Postgres) -> None:
    """With how to make one that fits."""
    postgres.ask("DROP DATABASE IF EXISTS latin WITH (FORCE)")
    postgres.ask("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    database = open_database(postgres.url("latin"))
    with pytest.raises(StorageUnavailable, match=r"encoding is LATIN1.*createdb --encoding=UTF8"):
        database.bring_up()
    database.close()


def test_a_statement_that_is_cut_off_is_unavailable(database: SqlDatabase) -> None:
    """It isn't repeated: nobody knows how far it came. The next one goes well."""
    with pytest.raises(StorageUnavailable, match="unknown whether"):
        _run(database, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert _run(database, "SELECT 1") == [(1,)]


def test_a_transaction_that_is_cut_off_keeps_nothing(database: SqlDatabase, items: Items) -> None:
    """Neither what came before, nor a connection that is of no use any more."""
    with pytest.raises(StorageUnavailable), database.atomic():
        items.add(ItemDraft("hello"), NOW)
        _run(database, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert not items.find(Query())


def test_a_fork_connects_by_itself(items: Items) -> None:
    """A child never speaks on its parent's connection, and doesn't end it."""
    items.add(ItemDraft("parent's"), NOW)
    child = os.fork()
    if not child:
        try:
            items.add(ItemDraft("child's"), NOW)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    items.add(ItemDraft("parent's"), NOW)
    found = items.find(Query())
    assert [item.draft.data for item in found] == ["parent's", "child's", "parent's"]


def test_a_database_that_is_away_is_told_at_once() -> None:
    """Forty threads over a port where nobody listens: none of them waits for the others."""
    database = open_database(f"postgresql://127.0.0.1:{free_port()}/datas")
    start = time.monotonic()

    def check(_: int) -> None:
        with pytest.raises(StorageUnavailable, match="can't be reached"):
            database.check()

    with ThreadPoolExecutor(40) as executor:
        list(executor.map(check, range(80)))
    assert time.monotonic() - start < 3
    database.close()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("default_transaction_read_only = on", "read-only"),
        ("statement_timeout = '50ms'", "took too long"),
        ("lock_timeout = '50ms'", "locked"),
    ],
)
def test_what_the_database_refuses_is_said_in_words(
    brought_up: Postgres, postgres_url: str, setting: str, said: str
) -> None:
    """By its error code: read-only, a statement's and a lock's time limit."""
    with _with_setting(brought_up, setting):
        database = open_database(postgres_url)
        items = _items(database)
        blocker = brought_up.connect("datas")
        blocker.execute("BEGIN; LOCK TABLE datas")
        if "read_only" in setting:
            blocker.rollback()
        with pytest.raises(StorageUnavailable, match=said):
            items.add(ItemDraft("hello"), NOW)
        blocker.close()
        database.close()


def test_what_turned_read_only_is_left(brought_up: Postgres, postgres_url: str) -> None:
    """A failed ROLLBACK doesn't hide why; the next statement connects anew, maybe elsewhere."""
    database = open_database(postgres_url)
    items = _items(database)
    with _with_setting(brought_up, "default_transaction_read_only = on"):
        with pytest.raises(StorageUnavailable, match="read-only"):
            items.add(ItemDraft("hello"), NOW)
        with pytest.raises(StorageUnavailable, match="read-only"), database.atomic():
            items.add(ItemDraft("hello"), NOW)
    items.add(ItemDraft("hello"), NOW)
    database.close()


def test_a_bug_is_not_its_own_cause(database: SqlDatabase) -> None:
    """What says nothing of the database's state stays as the driver raised it."""
    with pytest.raises(psycopg.errors.UndefinedTable) as alone:
        _run(database, "SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.UndefinedTable) as within, database.atomic():
        _run(database, "SELECT * FROM nowhere")
    assert (alone.value.__cause__, within.value.__cause__) == (None, None)


def test_a_serialization_failure_is_repeated(brought_up: Postgres, postgres_url: str) -> None:
    """Where the role is set to a stricter isolation two writers still lose no update."""
    with _with_setting(brought_up, "default_transaction_isolation = 'repeatable read'"):
        database = open_database(postgres_url)
        items = _items(database)
        item_id = items.add(ItemDraft("0"), NOW).id

        def count(_: int) -> None:
            while True:
                item = items.get(item_id)
                more = item._replace(
                    draft=ItemDraft(str(int(item.draft.data) + 1)), version=item.version + 1
                )
                if items.swap(more, item.version):
                    return

        with ThreadPoolExecutor(3) as executor:
            list(executor.map(count, range(150)))
        assert items.get(item_id).draft.data == "150"
        database.close()


def test_who_gives_all_away_is_removed_while_they_write(
    database: SqlDatabase, items: Items
) -> None:
    """What they store meanwhile is given too, or is refused: they are nobody any more."""
    users = SqlUsers(database)
    for name in ("alice", "bob"):
        users.add(name, "hash", NOW)

    def write() -> int:
        written, end = 0, time.monotonic() + 5
        while time.monotonic() < end:
            try:
                items.add(ItemDraft("alice's"), NOW, "alice")
            except Unauthenticated:
                break
            written += 1
        return written

    with ThreadPoolExecutor(4) as executor:
        writers = [executor.submit(write) for _ in range(4)]
        time.sleep(0.3)
        with database.atomic():
            given = items.reassign("alice", "bob", NOW)
            time.sleep(0.2)
            users.remove("alice")
    assert given == sum(each.result() for each in writers) > 0


@pytest.mark.slow
def test_a_server_that_is_full_is_not_away(brought_up: Postgres, postgres_url: str) -> None:
    """What runs goes on. One more connection is waited for, and had as soon as there is room."""
    brought_up.ask(
        "CREATE ROLE few LOGIN PASSWORD 'secret' CONNECTION LIMIT 1 IN ROLE pg_read_all_data"
    )
    database = open_database(postgres_url.replace("postgres:", "few:", 1))
    try:
        with ThreadPoolExecutor(1) as executor:
            slow = executor.submit(_run, database, "SELECT 1 FROM pg_sleep(5)")
            time.sleep(0.5)
            with pytest.raises(StorageUnavailable, match="in use"):
                _run(database, "SELECT 1")
            assert slow.result() == [(1,)]
            slow = executor.submit(_run, database, "SELECT 1 FROM pg_sleep(5)")
            time.sleep(0.5)
            with ThreadPoolExecutor(1) as other:
                waiting = other.submit(_run, database, "SELECT 2")
                time.sleep(0.5)
                brought_up.ask("ALTER ROLE few CONNECTION LIMIT 2")
                assert waiting.result() == [(2,)]
                assert not slow.done()
    finally:
        database.close()
        brought_up.ask("DROP ROLE few")


@pytest.mark.slow
def test_a_slow_statement_is_waited_for(database: SqlDatabase) -> None:
    """While another connection sees that the database is there."""
    assert _run(database, "SELECT 1 FROM pg_sleep(4)") == [(1,)]


@pytest.mark.slow
def test_a_server_that_takes_nothing_for_a_while_is_waited_for(
    brought_up: Postgres, items: Items
) -> None:
    """More than the network holds is on its way to a table that another keeps locked."""
    with brought_up.connect("datas") as blocker, ThreadPoolExecutor(1) as executor:
        blocker.execute("BEGIN; LOCK TABLE datas")
        added = executor.submit(items.add_many, repeat(ItemDraft("x" * 255), 40_000), NOW)
        time.sleep(4)
        assert not added.done()
        blocker.execute("COMMIT")
        assert added.result() == 40_000


def test_a_statement_may_not_take_for_ever(
    database: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a commit whose standby is gone."""
    monkeypatch.setattr(pool, "STATEMENT_TIMEOUT", 0.3)
    with pytest.raises(StorageUnavailable, match="took too long"):
        _run(database, "SELECT 1 FROM pg_sleep(9)")
