"""A database file that is damaged: the server says so, and how to go back to a backup."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Server, Start, run_datas
from tests.e2e.ledger import checkpoint
from tests.served import BULK, ROUTE

PAGE = 4096
COUNT = 300
ALL = f"{ROUTE}?limit=1000"
WAY_BACK = "datas restore BACKUP --force"


def _overwrite(path: Path, pages: slice) -> None:
    """Garbage in the place of some pages."""
    content = path.read_bytes()
    kept = [content[at : at + PAGE] for at in range(0, len(content), PAGE)]
    kept[pages] = [b"\xff" * PAGE for _ in kept[pages]]
    path.write_bytes(b"".join(kept))


@pytest.fixture
def good(start: Start, tmp_path: Path) -> bytes:
    """The list of all items of a server that has stopped, with a backup of them."""
    server = start("--workers", "1")
    lines = b"".join(b'{"data": "text %d %b"}\n' % (n, b"x" * 200) for n in range(1, COUNT + 1))
    ndjson = {"Content-Type": "application/x-ndjson"}
    assert server.request("POST", BULK, lines, ndjson).status == 201
    assert run_datas(tmp_path, "backup", "backup.db").returncode == 0
    listed = server.request("GET", ALL).content
    server.stop()
    checkpoint(tmp_path / "datas.db")
    return listed


def _go_back(start: Start, folder: Path) -> Server:
    """As the texts say. Before, no backup is made of what is damaged."""
    failed = run_datas(folder, "backup", "another.db")
    assert (failed.returncode, (folder / "another.db").exists()) == (1, False)
    restored = run_datas(folder, *WAY_BACK.replace("BACKUP", "backup.db").split()[1:])
    assert restored.returncode == 0, restored.stderr
    return start("--workers", "1")


@pytest.mark.slow
@pytest.mark.parametrize("pages", [slice(0, 1), slice(1, None)], ids=["its head", "all the rest"])
def test_a_file_that_can_not_be_read_stops_the_start(
    start: Start, good: bytes, tmp_path: Path, pages: slice
) -> None:
    """One line names the way back to a backup, and it works."""
    _overwrite(tmp_path / "datas.db", pages)
    refused = run_datas(tmp_path, "serve")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert WAY_BACK in refused.stderr
    assert _go_back(start, tmp_path).request("GET", ALL).content == good


@pytest.mark.slow
def test_damaged_pages_are_told_of_when_they_are_read(
    start: Start, good: bytes, tmp_path: Path
) -> None:
    """What stands on others is right; the way back to a backup works."""
    _overwrite(tmp_path / "datas.db", slice(30, None, 3))
    damaged = start("--workers", "2")
    statuses = set()
    for n in range(1, COUNT + 1):
        answer = damaged.request("GET", f"{ROUTE}/{n}")
        statuses.add(answer.status)
        if answer.status == 200:
            assert answer.json["data"]["data"].startswith(f"text {n} x")
        else:
            assert WAY_BACK in answer.json["detail"]
            assert answer.headers["Retry-After"]
    assert statuses == {200, 503}
    for path in (ALL, f"{ROUTE}?sort=-date_updated&q=text", BULK):
        assert damaged.request("GET", path).status == 503
    body = {"data": "y" * 200}
    for n in (1, 99, 250):
        assert damaged.request("PUT", f"{ROUTE}/{n}", body).status in (200, 503)
        assert damaged.request("DELETE", f"{ROUTE}/{n}").status in (200, 503)
        assert damaged.request("POST", ROUTE, body).status in (201, 503)
    damaged.stop()
    assert _go_back(start, tmp_path).request("GET", ALL).content == good
