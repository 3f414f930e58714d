"""The shipped nginx before real servers: what passes, what it refuses, and who must not wait."""

import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from datas.domain.items import ITEMS
from datas.http.items import ItemSchema
from datas.http.problems import read_problems
from datas.http.schemas import RecordBody
from tests.e2e.conftest import DEADLINE, Answer, Server, request, run_datas
from tests.e2e.front import Front, SlowClients, end, fill, front, seconds, wait_until_idle
from tests.postgres import free_port, missing
from tests.served import BULK, ROUTE

pytestmark = pytest.mark.slow

PROBLEMS = read_problems([RecordBody(ITEMS, ItemSchema)])

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind one proxy, with users, on a file of its own."""
    folder = tmp_path_factory.mktemp("node")
    run_datas(folder, "user", "add", "alice", stdin=b"correct horse\n")
    settings = {"DATAS_TRUSTED_PROXIES": "1", "DATAS_METRICS": "true", "DATAS_LOG_LEVEL": "info"}
    server = Server(folder, "--workers", "2", **settings)
    yield server
    end(server)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, node: Server) -> Iterator[Front]:
    """The shipped nginx before it."""
    with front(tmp_path_factory.mktemp("nginx"), node.port) as running:
        yield running


def request_from(address: str, server: Server, *sent: Any) -> Answer:
    """One request from one of this machine's many addresses."""
    connection = HTTPConnection("127.0.0.1", server.port, 30, source_address=(address, 0))
    try:
        return request(connection, *sent)
    finally:
        connection.close()


def raw(server: Server, sent: bytes) -> Answer:
    """The answer to these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(sent)
        with HTTPResponse(client) as response:
            response.begin()
            return Answer(response.status, response.headers, response.read())


def test_an_etag_passes_and_works(nginx: Front) -> None:
    """As strong as it was: a change under If-Match is done once, and refused to who comes later."""
    etag = nginx.request("POST", ROUTE, {"data": "hello"}).headers["ETag"]
    assert etag == '"1"'
    packed = nginx.request("GET", f"{ROUTE}/1", None, {"Accept-Encoding": "gzip"})
    assert (packed.headers["ETag"], packed.headers["Content-Encoding"]) == (etag, None)
    changed = nginx.request("PUT", f"{ROUTE}/1", {"data": "one"}, {"If-Match": etag})
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    late = nginx.request("PUT", f"{ROUTE}/1", {"data": "two"}, {"If-Match": etag})
    assert (late.status, late.json["type"]) == (412, "/problems/version-mismatch")


PASSED = [
    ("HEAD", f"{ROUTE}/1", None, {}),
    ("OPTIONS", f"{ROUTE}/1", None, {}),
    ("GET", f"{ROUTE}/1", None, {"If-None-Match": '"1"'}),
    ("DELETE", f"{ROUTE}/1", None, {"If-Match": '"77"'}),
    ("GET", f"{ROUTE}?limit=2&q=a%2Fb%20c", None, {}),
    ("GET", "/api//datas", None, {}),
    ("GET", "/%61pi/datas/1", None, {}),
    ("GET", f"{ROUTE}/0", None, {}),
    ("GET", f"{ROUTE}?limit=0", None, {}),
    ("POST", ROUTE, b'{"data": ""}', JSON),
    ("POST", ROUTE, b'{"data": "' + b"a" * 70_000 + b'"}', JSON),
    ("POST", ROUTE, b"a=b", {}),
    ("PATCH", ROUTE, b"{}", JSON),
    ("FETCH", ROUTE, None, {}),
    ("GET", "/api/users/me", None, {"Authorization": "Bearer datas_x"}),
    ("GET", ROUTE, None, {"Host": "evil.example"}),
    ("POST", ROUTE, b'{"data": "a"}', JSON | {"Origin": "http://evil.example"}),
    ("GET", BULK, None, {"Accept": "text/csv"}),
    ("GET", "/readyz", None, {}),
    ("GET", "/", None, {}),
]


@pytest.mark.parametrize("sent", PASSED, ids=lambda sent: f"{sent[0]} {sent[1]} {[*sent[3]]}")
def test_what_the_server_answers_passes_unchanged(
    nginx: Front, node: Server, sent: tuple[str, str, bytes | None, dict[str, str]]
) -> None:
    """Statuses, headers and bodies are the same with nginx and without: problems too."""
    node.request("POST", ROUTE, {"data": "hello"})
    method, path, body, headers = sent
    headers = {"Host": "localhost", "X-Request-Id": "mine"} | headers
    answers = [server.request(method, path, body, headers) for server in (node, nginx)]
    own = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
    status, _, content = answers[0]
    assert (answers[1].status, answers[1].content) == (status, content)
    assert answers[1].headers["X-Request-Id"] == "mine"
    before, after = (
        sorted(
            (name.lower(), value)
            for name, value in answer.headers.items()
            if name.lower() not in own
        )
        for answer in answers
    )
    assert after == before


def test_a_chunked_body_passes_after_its_client_was_told_to_go_on(nginx: Front) -> None:
    """`Expect: 100-continue` is answered, and what follows arrives whole."""
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    )
    head += b"Connection: close\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as client:
        client.sendall(head)
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b'a\r\n{"data": "\r\n9\r\nchunked"}\r\n0\r\n\r\n')
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 201 ")
    assert b'"data":"chunked"' in received


def test_a_client_cant_make_its_address_up(nginx: Front) -> None:
    """Whatever it writes into headers, its sixth guess waits; who comes from elsewhere doesn't."""
    guess = {"username": "alice", "password": "a wrong guess"}

    def sign_in(address: str, made_up: str) -> Answer:
        headers = {
            "X-Forwarded-For": made_up,
            "X_Forwarded_For": made_up,
            "Forwarded": f"for={made_up}",
            "X-Real-IP": made_up,
        }
        return request_from(address, nginx, "POST", "/api/tokens", guess, headers)

    answers = [sign_in("127.0.8.1", f"10.0.0.{number}") for number in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[5].json["type"] == "/problems/too-many-attempts"
    assert int(answers[5].headers["Retry-After"]) > 60, "the server's own word, not nginx's"
    assert sign_in("127.0.8.2", "127.0.8.1").status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/metrics?x=1",
        "/a/../metrics",
        "/v1/metrics",
    ],
)
def test_metrics_are_refused(nginx: Front, node: Server, path: str) -> None:
    """However their path is spelt; a node itself shows them."""
    assert node.request("GET", "/metrics").status == 200
    answer = nginx.request("GET", path)
    assert (answer.status, answer.json["title"]) == (403, "Forbidden")
    assert "Ask a node itself" in answer.json["detail"]


GET = f"GET {ROUTE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
POST = GET.replace(f"GET {ROUTE}".encode(), f"POST {ROUTE}".encode())
OWN = {
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "no HTTP": (b"HELLO\r\n\r\n", 400),
    "a method that only proxies know": (GET.replace(b"GET", b"TRACE") + b"\r\n", 405),
    "a large body": (POST + b"Content-Length: 2000000\r\n\r\n", 413),
    "a large bulk": (
        POST.replace(b"datas ", b"datas/bulk ") + b"Content-Length: 300000000\r\n\r\n",
        413,
    ),
    "a long address": (b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 9000), 414),
    "a long header": (GET + b"X: %s\r\n\r\n" % (b"a" * 9000), 431),
    "a coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "its own page": (GET.replace(ROUTE.encode(), b"/.problem") + b"\r\n", 404),
}


@pytest.mark.parametrize("name", OWN)
def test_what_nginx_refuses_is_a_problem(nginx: Front, name: str) -> None:
    """In the words of the API, with a way out, and an id that stands in the log too."""
    sent, status = OWN[name]
    answer = raw(nginx, sent)
    assert answer.status == status
    check_problem(answer)
    wait_until(lambda: answer.json["request_id"] in (nginx.folder / "access.log").read_text())


def wait_until(condition: Callable[[], bool]) -> None:
    """Logs are written when the client has its answer already."""
    limit = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("sent", [{}, {"X-Request-Id": "mine"}, {"X-Request-Id": "<no, not this>"}])
def test_both_logs_name_a_request_alike(nginx: Front, node: Server, sent: dict[str, str]) -> None:
    """By the client's id if it is a decent one, else by one that nginx makes."""
    named = nginx.request("GET", ROUTE, None, sent).headers["X-Request-Id"]
    assert (named in sent.values()) == (sent == {"X-Request-Id": "mine"})
    wait_until(lambda: named in (nginx.folder / "access.log").read_text())
    wait_until(lambda: named in "".join(node.output))


def check_problem(answer: Answer) -> None:
    """What nginx says itself has what every problem has (HTTP.md says the same of the server)."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    problem = answer.json
    assert [*problem] == ["type", "title", "status", "detail", "success", "msg", "request_id"]
    assert (problem["status"], problem["success"]) == (answer.status, False)
    assert problem["msg"] == problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    if problem["type"] != "about:blank":
        known = PROBLEMS[problem["type"].removeprefix("/problems/")]
        assert (known.title, known.status) == (problem["title"], answer.status)


def test_one_address_signs_in_at_a_measured_pace(nginx: Front) -> None:
    """More than twenty at once are refused, before a password is hashed; reading goes on."""
    nobody = {"username": "nobody", "password": "a wrong guess"}
    answers = [request_from("127.0.8.3", nginx, "POST", "/api/tokens", nobody) for _ in range(30)]
    refused = [
        answer
        for answer in answers
        if answer.headers["Server"]
        and "type" in answer.json
        and answer.json["type"] == "about:blank"
    ]
    assert 5 <= len(refused) <= 9
    assert {answer.status for answer in refused} == {429}
    assert {answer.headers["Retry-After"] for answer in refused} == {"2"}
    check_problem(refused[0])
    assert request_from("127.0.8.3", nginx, "GET", ROUTE).status == 200
    assert (
        request_from("127.0.8.4", nginx, "POST", "/api/tokens", nobody).json["type"]
        != "about:blank"
    )


def test_a_node_that_is_away_is_a_problem_that_passes(tmp_path: Path) -> None:
    """502, at once, and when to try again."""
    with front(tmp_path, free_port()) as nginx:
        answer = nginx.request("POST", ROUTE, {"data": "hello"})
    assert (answer.status, answer.headers["Retry-After"]) == (502, "1")
    assert "Idempotency-Key" in answer.json["detail"]
    check_problem(answer)


@contextmanager
def dying_nodes() -> Iterator[tuple[list[int], list[bytes]]]:
    """Two nodes that die when they have read a request: their ports, and the requests."""
    seen: list[bytes] = []
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]

    def die(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(connection.recv(65536))
            connection.close()

    threads = [threading.Thread(target=die, args=(listener,)) for listener in listeners]
    for thread in threads:
        thread.start()
    yield [listener.getsockname()[1] for listener in listeners], seen
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(DEADLINE)


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("PATCH", 1), ("GET", 2)])
def test_what_changes_something_is_sent_once(tmp_path: Path, method: str, times: int) -> None:
    """A node may have done it before it died; what only reads is asked of another one."""
    with dying_nodes() as (ports, seen), front(tmp_path, *ports) as nginx:
        body = None if method == "GET" else {"data": "hello"}
        assert nginx.request(method, f"{ROUTE}/1", body).status == 502
    assert len(seen) == times


def test_whatever_could_not_be_sent_goes_to_another_node(tmp_path: Path, node: Server) -> None:
    """While one of two nodes is away, nobody notices: not those who create either."""
    with front(tmp_path, free_port(), node.port) as nginx:
        answers = [nginx.request("POST", ROUTE, {"data": "hello"}) for _ in range(8)]
    assert {answer.status for answer in answers} == {201}


def impatient(text: str) -> str:
    """The settings, with less time for an answer."""
    return text.replace("proxy_read_timeout 60s", "proxy_read_timeout 1s")


@pytest.mark.slow
def test_a_node_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    """504, after the time that is set."""
    mute = socket.create_server(("127.0.0.1", 0))
    with mute, front(tmp_path, mute.getsockname()[1], edit=impatient) as nginx:
        answer = nginx.request("GET", ROUTE)
    assert (answer.status, answer.headers["Retry-After"]) == (504, "1")
    check_problem(answer)


@pytest.mark.slow
def test_tls_is_a_matter_of_removing_marks(tmp_path: Path, node: Server) -> None:
    """HTTPS with HSTS, and plain requests are led there with their method."""
    if shutil.which("openssl") is None:
        missing("openssl, to make a certificate")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    named = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate)
    subprocess.run(["openssl", "req", *made, *named], check=True, capture_output=True)
    port = free_port()

    def with_tls(text: str) -> str:
        text = text.replace("#tls ", "").replace("/etc/letsencrypt/live/api.example", str(tmp_path))
        # A machine may lack IPv6.
        text = re.sub(r"listen \[::].+", "", text)
        return text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")

    with front(tmp_path, node.port, edit=with_tls) as nginx:
        context = ssl.create_default_context(cafile=certificate)
        connection = HTTPSConnection("localhost", port, timeout=30, context=context)
        answer = request(connection, "POST", ROUTE, {"data": "hello"})
        assert answer.status == 201
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        # nginx's own answers have it too.
        refused = request(connection, "GET", "/metrics")
        assert refused.headers["Strict-Transport-Security"] == "max-age=31536000"
        connection.close()
        plain = nginx.request("POST", f"{ROUTE}?a=b", {"data": "hello"}, {"Host": "localhost"})
        assert plain.status == 308
        assert plain.headers["Location"] == f"https://localhost{ROUTE}?a=b"


def crowded(nginx: Front, node: Server, crowd: dict[str, int]) -> float:
    """How many times as long a good request takes (the median of 50) while these are there.

    The machine has other work: of five rounds the best counts. A thread that somebody holds is
    held in each.
    """
    ratios = []
    for _ in range(5):
        quiet = statistics.median(seconds(nginx, 50))
        slow = SlowClients(nginx.port, **crowd)
        try:
            # To make an export is work, which isn't what is measured.
            wait_until_idle(node)
            ratios.append(statistics.median(seconds(nginx, 50)) / quiet)
            assert slow.connected() == sum(crowd.values())
        finally:
            slow.stop()
        print(f"{crowd}: the median of 50 is {ratios[-1]:.2f} times as long ({quiet * 1e3:.1f} ms)")
        if ratios[-1] < 1.5:
            break
    return min(ratios)


@pytest.mark.slow
def test_three_hundred_slow_clients_keep_nobody_waiting(nginx: Front, node: Server) -> None:
    """Slow heads, slow bodies and exports that nobody reads leave the median where it was."""
    # More than the kernel keeps of an answer on its way to nginx: 14 MB.
    fill(node, 12_000)
    assert crowded(nginx, node, {"heads": 140, "bodies": 140, "readers": 20}) < 1.5


@pytest.mark.slow
def test_two_thousand_idle_clients_keep_nobody_waiting(nginx: Front, node: Server) -> None:
    """Each keeps its connection after a request, as browsers do."""
    node.request("POST", ROUTE, {"data": "hello"})
    assert crowded(nginx, node, {"idle": 2000}) < 1.5


def post(server: Server, until: float) -> list[int]:
    """The statuses of items that are created one after another, at a pace that nginx allows."""
    connection, statuses = server.connect(), []
    while time.monotonic() < until:
        time.sleep(0.04)
        statuses.append(request(connection, "POST", ROUTE, {"data": "hello"}).status)
    connection.close()
    return statuses


@pytest.mark.slow
def test_a_reload_loses_nothing(tmp_path: Path) -> None:
    """While `systemctl reload` has new code loaded, every request through nginx is answered."""
    server = Server(tmp_path, "--workers", "2")
    try:
        before = set(server.workers())
        with front(tmp_path, server.port) as nginx, ThreadPoolExecutor(8) as pool:
            posting = [pool.submit(post, nginx, time.monotonic() + 5) for _ in range(8)]
            for _ in range(3):
                time.sleep(1)
                server.process.send_signal(signal.SIGHUP)
            statuses = [status for each in posting for status in each.result()]
            total = nginx.request("GET", f"{ROUTE}?count=true&limit=1").json["total"]
        assert not before & set(server.workers())
        assert set(statuses) == {201}
        assert len(statuses) == total > 100
    finally:
        end(server)
