"""`datas.wsgi:app` under WSGI servers that aren't gunicorn."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, clean_environ
from tests.postgres import free_port
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

WSGIREF = (
    "import sys; from wsgiref.simple_server import make_server; from datas.wsgi import app; "
    "make_server('127.0.0.1', int(sys.argv[1]), app).serve_forever()"
)
COMMANDS = {
    "waitress": ("-m", "waitress", "--listen=127.0.0.1:{port}", "datas.wsgi:app"),
    "wsgiref": ("-c", WSGIREF, "{port}"),
}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of each kind, over an empty file that is up to date."""
    environ = clean_environ() | {"DATAS_ACCESS": "open"}
    command = [sys.executable, "-m", "datas", "migrate"]
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)
    served = Server.__new__(Server)
    served.port, served.output = free_port(), []
    arguments = [each.format(port=served.port) for each in COMMANDS[request.param]]
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        served._wait_until_ready()  # noqa: SLF001
        yield served
    finally:
        process.terminate()
        process.wait(DEADLINE)


def test_an_item_is_created_read_changed_and_deleted(server: Server) -> None:
    """By all methods; HEAD has the headers of GET, and nothing else."""
    created = server.request("POST", ROUTE, {"data": "hello"})
    assert (created.status, created.headers["Location"]) == (201, f"{ROUTE}/1")
    read = server.request("GET", f"{ROUTE}/1")
    assert (read.status, read.json["data"]["data"]) == (200, "hello")
    head = server.request("HEAD", f"{ROUTE}/1")
    assert (head.status, head.content) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert head.headers[name] == read.headers[name], name
    unchanged = server.request("GET", f"{ROUTE}/1", headers={"If-None-Match": '"1"'})
    assert (unchanged.status, unchanged.content) == (304, b"")
    changed = server.request("PUT", f"{ROUTE}/1", {"data": "bye"}, {"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    merge = {"Content-Type": "application/merge-patch+json"}
    assert server.request("PATCH", f"{ROUTE}/1", {"data": "end"}, merge).status == 200
    assert server.request("DELETE", f"{ROUTE}/1").status == 200
    assert server.request("GET", f"{ROUTE}/1").status == 404


def test_many_items_come_in_and_out(server: Server) -> None:
    """In one stream, of which HEAD tells the type alone."""
    lines = b"".join(b'{"data": "text %d"}\n' % number for number in range(2500))
    assert server.request("POST", BULK, lines, NDJSON).status == 201
    exported = server.request("GET", BULK)
    assert exported.status == 200
    assert len(exported.content.splitlines()) == 2500
    head = server.request("HEAD", BULK)
    assert (head.status, head.content) == (200, b"")
    assert head.headers["Content-Type"] == exported.headers["Content-Type"]
