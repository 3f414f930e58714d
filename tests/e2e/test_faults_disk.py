"""Disks that are full, read-only, or cut off from power, under load."""

import resource
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from tests.e2e.conftest import Server, Start, run_datas
from tests.e2e.disk import Disk, mounted
from tests.e2e.ledger import (
    CLOSED,
    GOOD,
    OF_DEATH,
    ROUNDS,
    WRITES,
    Ledger,
    check,
    check_integrity,
    checkpoint,
)
from tests.served import ROUTE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An empty one."""
    with mounted(tmp_path) as disk:
        yield disk


def _serve(start: Start, disk: Disk, *arguments: str) -> Server:
    url = f"sqlite:///{disk.path}/datas.db"
    return start("--workers", "2", "--database", url, *arguments)


@pytest.mark.slow
def test_a_full_disk_refuses_writes_and_still_reads(start: Start, disk: Disk) -> None:
    """503 with a way out; with room again writes go on by themselves, and nothing was lost."""
    server = _serve(start, disk)
    with Ledger(server) as ledger:
        for _ in range(ROUNDS):
            ledger.wait_for_more()
            disk.fill()
            ledger.wait_for("503", *WRITES)
            ledger.wait_for("200", "GET")
            disk.empty()
            ledger.wait_for_more()
    check(server, ledger)
    check_integrity(disk.path / "datas.db")
    server.stop()
    assert ledger.outcomes <= GOOD | {"503"}
    assert ("GET", "503") not in ledger.answers
    assert ledger.reasons == {"The disk that holds the database is full. Nothing was changed."}


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_a_full_disk(start: Start) -> None:
    """By a limit of the process: it needs no mount. With room again writes go on."""
    server = start("--workers", "1")
    [worker] = server.workers()
    item = {"data": "x" * 255}
    assert server.request("POST", ROUTE, item).status == 201
    unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    kept = 1
    for _ in range(200):
        answer = server.request("POST", ROUTE, item)
        if answer.status != 201:
            break
        kept += 1
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json["type"] == "/problems/storage-unavailable"
    assert server.request("GET", f"{ROUTE}/1").status == 200
    resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)
    assert server.request("POST", ROUTE, item).status == 201
    found = server.request("GET", f"{ROUTE}?limit=1000").json["data"]
    assert len(found) == kept + 1


@pytest.mark.slow
def test_a_disk_that_turns_read_only_still_reads(start: Start, disk: Disk) -> None:
    """As ext4 does after an error of the device: writes are 503, and none that was told is lost."""
    server = _serve(start, disk)
    with Ledger(server) as ledger:
        ledger.wait_for_more(200)
        # Not amid an fsync: there the kernel may take for written what it gives up.
        server.freeze()
        disk.remount("abort")
        server.thaw()
        ledger.wait_for("503", *WRITES)
        ledger.wait_for("200", "GET")
        server.reload()
        ledger.wait_for("200", "GET")
    check(server, ledger)
    server.kill()
    disk.unmount()
    disk.mount()
    check(_serve(start, disk), ledger)
    check_integrity(disk.path / "datas.db")
    assert ledger.outcomes <= GOOD | {"503", CLOSED}
    assert ("GET", "503") not in ledger.answers
    assert "The disk that holds the database fails. Nothing was changed." in ledger.reasons


@pytest.mark.slow
def test_a_file_that_was_read_only_is_written_again(start: Start, disk: Disk) -> None:
    """By every thread, without a restart, those too that came to know it as one."""
    server, file = _serve(start, disk), disk.path / "datas.db"
    with Ledger(server) as ledger:
        ledger.wait_for_more()
        disk.protect(file)
        server.reload()
        ledger.wait_for("503", *WRITES, count=200)
        ledger.wait_for("200", "GET")
        disk.protect(file, on=False)
        ledger.wait_for_more(200)
        refused = ledger.count("503", *WRITES)
        ledger.wait_for_more(200)
        assert ledger.count("503", *WRITES) == refused
    check(server, ledger)
    assert ledger.outcomes <= GOOD | {"503", CLOSED}
    assert ("GET", "503") not in ledger.answers
    assert ledger.reasons == {"The database is read-only. Nothing was changed."}


@pytest.mark.slow
def test_a_start_on_a_read_only_disk_is_refused(start: Start, disk: Disk, tmp_path: Path) -> None:
    """In one line that says what SQLite needs; with it the items are there."""
    server = _serve(start, disk)
    assert server.request("POST", ROUTE, {"data": "hello"}).status == 201
    server.stop()
    checkpoint(disk.path / "datas.db")
    disk.remount("ro")
    refused = run_datas(tmp_path, "serve", "--database", f"sqlite:///{disk.path}/datas.db")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "its folder be writable" in refused.stderr
    disk.remount("rw")
    assert _serve(start, disk).request("GET", f"{ROUTE}/1").status == 200


@pytest.mark.slow
def test_a_power_cut_loses_nothing_acknowledged(start: Start, disk: Disk) -> None:
    """What was answered is on the disk: what only the kernel had is lost, and no item of ours."""
    server = _serve(start, disk)
    ledgers = []
    for number in range(ROUNDS):
        with Ledger(server, name=f"r{number}-") as ledger:
            ledgers.append(ledger)
            ledger.wait_for_more(300)
            # To know that it was a power cut: a writer who doesn't wait for the disk.
            control = disk.path / f"control{number}.db"
            with closing(sqlite3.connect(control, isolation_level=None)) as careless:
                careless.execute("PRAGMA journal_mode = wal")
                careless.execute("PRAGMA synchronous = normal")
                for n in range(100):
                    careless.execute(f"CREATE TABLE t{n} (x)")
                server.freeze()
                disk.cut_power()
            server.kill()
            ledger.closing.set()
        disk.unmount()
        disk.mount()
        with closing(sqlite3.connect(control)) as careless:
            [kept] = careless.execute("SELECT count(*) FROM sqlite_master").fetchone()
        assert kept < 100, "nothing was lost: it was no power cut"
        server = _serve(start, disk)
        check(server, *ledgers)
        check_integrity(disk.path / "datas.db")
        assert ledger.outcomes <= GOOD | OF_DEATH
