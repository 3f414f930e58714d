"""Many items at once, through a real server and the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import IncompleteRead
from pathlib import Path

import pytest
from peewee import sqlite3  # type: ignore[attr-defined]

from tests.contract.test_items import ODD_TEXTS
from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ, run_datas
from tests.served import BULK, RECORDS, ROUTE

pytestmark = pytest.mark.slow

NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(count: int) -> bytes:
    """As many items, all different."""
    return b"".join(b'{"data": "text %d"}\n' % n for n in range(count))


def stored(folder: Path) -> list[str]:
    """What the file holds, which must be whole."""
    with closing(sqlite3.connect(folder / "datas.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [data for (data,) in connection.execute("SELECT data FROM datas ORDER BY id")]


def until(happens: Callable[[], object]) -> None:
    """Wait for it, and no longer than a deadline."""
    end = time.monotonic() + DEADLINE
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.005)


def is_locked(folder: Path) -> bool:
    """Whether a transaction is under way that writes."""
    with closing(sqlite3.connect(folder / "datas.db", timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle_stores_none(start: Start, tmp_path: Path) -> None:
    """Not one item of a request that was never answered."""
    server = start("--workers", "1", DATAS_BULK_LINES="100000")
    server.request("POST", ROUTE, {"data": "before"})
    sender = threading.Thread(target=_ignoring_a_reset, args=(server,))
    sender.start()
    until(lambda: is_locked(tmp_path))
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    server.kill()
    sender.join(DEADLINE)
    assert stored(tmp_path) == ["before"]
    again = start("--workers", "1")
    assert again.request("POST", BULK, lines(3), NDJSON).json["data"] == {"created": 3}


def _ignoring_a_reset(server: Server) -> None:
    with suppress(OSError):
        server.request("POST", BULK, lines(100_000), NDJSON)


@pytest.mark.slow
def test_writers_wait_for_many_items_and_do_not_fail(start: Start) -> None:
    """While a hundred thousand are stored, others' items are stored too, none refused."""
    server = start("--workers", "2", DATAS_BULK_LINES="100000")
    sent = threading.Thread(target=server.request, args=("POST", BULK, lines(100_000), NDJSON))
    sent.start()
    statuses = []
    while sent.is_alive():
        statuses.append(server.request("POST", ROUTE, {"data": "between"}).status)
    assert len(statuses) > 1
    assert set(statuses) == {201}
    total = server.request("GET", f"{ROUTE}?count=true&limit=1").json["total"]
    assert total == 100_000 + len(statuses)


def test_a_slow_client_keeps_no_other_waiting(start: Start) -> None:
    """Lines that come one by one take no lock until the last is there."""
    server = start("--workers", "1")
    head = f"POST {BULK} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for n in range(5):
            line = b'{"data": "slow"}\n'
            client.sendall(b"%x\r\n%b\r\n" % (len(line), line))
            answer = server.request("POST", ROUTE, {"data": f"quick {n}"})
            assert (answer.status, answer.json["data"]["id"]) == (201, n + 1)
        client.sendall(b"0\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 201")
    assert server.request("GET", ROUTE).json["msg"] == f"{RECORDS} found (10)"


@pytest.mark.slow
def test_a_large_body_is_refused_as_soon_as_it_is_too_large(start: Start) -> None:
    """The client reads why, though it was still sending; what is not too large is taken."""
    server = start("--workers", "1", DATAS_BULK_LINES="1000")
    answer = server.request("POST", BULK, lines(400_000), NDJSON)
    assert (answer.status, answer.json["type"]) == (413, "/problems/body-too-large")
    assert server.request("POST", BULK, lines(1000), NDJSON).status == 201


@pytest.mark.slow
def test_a_stream_that_breaks_is_not_taken_for_whole(start: Start, tmp_path: Path) -> None:
    """If the file turns out to be damaged half-way, the connection ends without the last chunk."""
    server = start("--workers", "1")
    server.request("POST", BULK, lines(5000), NDJSON)
    server.stop()
    _damage(tmp_path / "datas.db", 2 / 3)
    server = start("--workers", "1")
    with closing(server.connect()) as connection:
        connection.request("GET", BULK)
        response = connection.getresponse()
        with pytest.raises(IncompleteRead) as broken:
            response.read()
        first = broken.value.partial.splitlines()[0]
        assert json.loads(first)["data"] == "text 0"
    server.stop()
    _damage(tmp_path / "datas.db", 1 / 4)
    answer = start("--workers", "1").request("GET", BULK)
    assert (answer.status, answer.json["type"]) == (503, "/problems/storage-unavailable")


def _damage(path: Path, start: float) -> None:
    """Overwrite what lies beyond this part of a database."""
    with closing(sqlite3.connect(path)) as connection:
        [size] = connection.execute("PRAGMA page_count").fetchone()
    with path.open("r+b") as file:
        for page in range(int(size * start), size):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)


@pytest.mark.parametrize("name", ["all.ndjson", "all.csv"])
def test_what_is_exported_can_be_imported(tmp_path: Path, name: str) -> None:
    """Into an empty database, from either format, by file or by pipe: each text in its order."""
    texts = list(ODD_TEXTS.values())
    (tmp_path / "in.ndjson").write_text("\n".join(json.dumps({"data": text}) for text in texts))
    assert (
        run_datas(tmp_path, "import", "in.ndjson").stdout == f"{RECORDS} imported: {len(texts)}.\n"
    )
    out = run_datas(tmp_path, "export", name)
    assert (out.returncode, out.stdout, out.stderr) == (
        0,
        "",
        f"{RECORDS} exported: {len(texts)}.\n",
    )
    (tmp_path / "other").mkdir()
    run_datas(tmp_path, "import", name, "--database", "sqlite:///other/datas.db")
    kind = name.rpartition(".")[2]
    piped = run_datas(
        tmp_path, "import", "-", "--format", kind, stdin=(tmp_path / name).read_bytes()
    )
    assert piped.stdout == f"{RECORDS} imported: {len(texts)}.\n"
    assert stored(tmp_path / "other") == texts
    assert stored(tmp_path) == texts * 2


@pytest.mark.slow
def test_an_import_says_what_is_wrong_and_stores_nothing(tmp_path: Path) -> None:
    """Line by line; so does a dry run, and a file that isn't there."""
    (tmp_path / "bad.ndjson").write_text('{"data": "good"}\n{"data": ""}\n{"text": 1}\n')
    for arguments in (["--dry-run"], []):
        refused = run_datas(tmp_path, "import", "bad.ndjson", *arguments)
        assert refused.returncode == 1
        assert "nothing was stored" in refused.stderr
        assert "line 2: data: must be 1 to 255 characters long." in refused.stderr
        assert "line 3: " in refused.stderr
    (tmp_path / "long.csv").write_text("data\n" + "a" * 70_000)
    assert "over 65536 bytes" in run_datas(tmp_path, "import", "long.csv").stderr
    (tmp_path / "many.ndjson").write_text("{}\n" * 30)
    assert "And 10 more." in run_datas(tmp_path, "import", "many.ndjson").stderr
    assert "does not exist" in run_datas(tmp_path, "import", "absent.csv").stderr
    (tmp_path / "good.ndjson").write_text('{"data": "good"}\n')
    checked = run_datas(tmp_path, "import", "good.ndjson", "--dry-run")
    assert checked.stdout == f"{RECORDS} checked: 1, all good. Nothing was stored.\n"
    nobody = run_datas(tmp_path, "import", "good.ndjson", "--owner", "nobody")
    assert "no user nobody" in nobody.stderr
    assert stored(tmp_path) == []


@pytest.mark.slow
def test_imported_items_can_be_somebodys(tmp_path: Path) -> None:
    """A user's, by name; what the lines say of owners is passed over."""
    run_datas(tmp_path, "user", "add", "alice", stdin=b"correct horse\n")
    (tmp_path / "in.csv").write_text("data,owner\nhers,bob\n")
    assert run_datas(tmp_path, "import", "in.csv", "--owner", "Alice").returncode == 0
    assert json.loads(run_datas(tmp_path, "export").stdout)["owner"] == "alice"


def test_an_export_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """And leaves nothing behind."""
    run_datas(tmp_path, "migrate")
    refused = run_datas(tmp_path, "export", "absent/all.csv")
    assert refused.returncode == 1
    assert "absent/all.csv can't be written" in refused.stderr
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    """What it says leads to every item once, with others' written in between."""
    (tmp_path / "in.ndjson").write_bytes(lines(60_000))
    run_datas(tmp_path, "migrate")
    process = subprocess.Popen(
        [sys.executable, "-m", "datas", "import", "in.ndjson"],
        cwd=tmp_path,
        env=clean_environ(),
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: stored(tmp_path))
    process.send_signal(number)
    _, told = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    command = told.partition("To go on with the next: datas ")[2].split()
    assert command[:3] == ["import", "in.ndjson", "--skip"]
    assert 0 < int(command[3]) < 60_000
    assert run_datas(tmp_path, *command).returncode == 0
    assert stored(tmp_path) == [f"text {n}" for n in range(60_000)]
