"""An answer that comes before a body was read: any client reads it, and no thread is lost."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

LARGE = 15_000_000  # bytes
PIECE = b"x" * 60_000
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
REFUSALS = [
    (401, "POST", BULK, NDJSON | {"Authorization": "Bearer nonsense"}),
    (403, "POST", BULK, NDJSON | {"Origin": "https://evil.example"}),
    (404, "POST", "/nowhere", NDJSON),
    (405, "PUT", BULK, NDJSON),
    (406, "POST", BULK, NDJSON | {"Accept": "text/html"}),
    (400, "POST", f"{BULK}?force=1", NDJSON),
    (413, "POST", BULK, NDJSON),
    (413, "PUT", f"{ROUTE}/1", JSON),
    (413, "POST", "/api/tokens", JSON),
    (415, "POST", BULK, {"Content-Type": "application/gzip"}),
    (421, "POST", BULK, NDJSON | {"Host": "evil.example"}),
    (501, "FOO", BULK, NDJSON),
]
HEAD = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An open server with one worker of two threads."""
    served = Server(tmp_path_factory.mktemp("served"), "--workers", "1", "--threads", "2")
    yield served
    served.stop()
    served._reader.join(DEADLINE)  # noqa: SLF001
    assert served.process.stdout
    served.process.stdout.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_client_that_sends_all_before_it_reads_gets_the_answer(
    server: Server, refusal: tuple[int, str, str, dict[str, str]], *, chunked: bool
) -> None:
    """Fifteen megabytes later; the answer says that the connection ends."""
    status, method, path, headers = refusal
    body = (PIECE for _ in range(LARGE // len(PIECE))) if chunked else b"x" * LARGE
    with closing(server.connect()) as connection:
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (status, "close")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert len(answer.read()) == int(answer.headers["Content-Length"])
    log = "".join(server.output)
    assert "Traceback" not in log
    assert "Exception" not in log


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_nodes_fetch_gets_the_answer(server: Server, tmp_path: Path) -> None:
    """It writes on while it reads, and fails if the connection is reset."""
    script = tmp_path / "fetch.mjs"
    script.write_text(
        "const [url] = process.argv.slice(2), body = Buffer.alloc(15e6, 'x')\n"
        "for (let i = 0; i < 15; i++) {\n"
        "  const answer = await fetch(url, {method: 'POST', body})\n"
        "  await answer.text(); console.log(answer.status)\n"
        "}\n"
    )
    url = f"http://127.0.0.1:{server.port}/nowhere"
    command = ["node", str(script), url]
    done = subprocess.run(
        command, env=clean_environ(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["404"] * 15, done.stderr


def test_a_request_whose_body_was_read_keeps_its_connection(server: Server) -> None:
    """Whatever the answer is."""
    with closing(server.connect()) as connection:
        for body, status in ((b"{}", 400), (b'{"data": "x"}', 201), (b"", 400), (b"{", 400)):
            connection.request("POST", ROUTE, body, JSON)
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, answer.headers["Connection"]) == (status, "keep-alive")


def test_a_client_that_sends_no_more_and_does_not_close_holds_a_thread_for_two_seconds(
    start: Start,
) -> None:
    """A third one is answered then, though two hold both threads."""
    server = start("--workers", "1", "--threads", "2")
    begin = time.monotonic()
    clients = [_refused(server) for _ in range(2)]
    assert server.request("GET", "/healthz").status == 200
    assert 1 < time.monotonic() - begin < 8
    for client in clients:
        client.close()


def test_a_client_that_never_ends_is_cut_off(server: Server) -> None:
    """After sixteen megabytes that nothing was waiting for."""
    sent, end = 0, time.monotonic() + DEADLINE
    with closing(_refused(server)) as client, suppress(ConnectionError):
        while time.monotonic() < end:
            sent += client.send(b"x" * 65536)
    assert 16 * 1024 * 1024 <= sent < 32 * 1024 * 1024


def _refused(server: Server) -> socket.socket:
    """A client that has read a refusal, and whose body is still to come."""
    client = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
    client.sendall(HEAD + b"x")
    answer = HTTPResponse(client)
    answer.begin()
    assert (answer.status, answer.headers["Connection"]) == (404, "close")
    return client
