"""`datas serve` as a newcomer runs it: started, used, stopped, started again."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from datas.domain.access import Mode
from datas.operations import banner
from tests.e2e.conftest import (
    DEADLINE,
    Server,
    Start,
    clean_environ,
    request,
    run_datas,
)
from tests.e2e.front import fill, unread_export
from tests.served import KEPT, RECORDS, ROUTE


def test_all_five_routes_work_and_items_survive_a_restart(start: Start) -> None:
    """Create, read, list, replace, delete; stop; start; what was kept is there."""
    server = start()
    for text in ("one", "two", "three"):
        assert server.request("POST", ROUTE, {"data": text}).status == 201
    changed = server.request("PUT", f"{ROUTE}/2", {"data": "TWO"})
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    assert server.request("DELETE", f"{ROUTE}/3").status == 200
    before = server.request("GET", ROUTE).json
    assert [item["data"] for item in before["data"]] == ["one", "TWO"]
    assert server.stop() == 0
    again = start()
    assert again.request("GET", ROUTE).json == before
    assert again.request("GET", f"{ROUTE}/2").json["data"] == changed.json["data"]
    assert again.request("POST", ROUTE, {"data": "four"}).json["data"]["id"] == 4


def test_it_says_where_it_is_and_nothing_else(start: Start, tmp_path: Path) -> None:
    """One friendly block: where, the page, the database, who may write, a request, the end."""
    server = start()
    server.stop()
    text = "".join(server.output)
    assert f"http://localhost:{server.port}{ROUTE}" in text
    assert f"http://localhost:{server.port}/\n" in text
    assert f"  Its {KEPT} are kept in {tmp_path}/datas.db\n" in text
    assert "Ctrl+C" in text
    assert f"open: anybody on this machine may change {KEPT} (--access)" in text
    assert f"Create one:           curl http://localhost:{server.port}{ROUTE} --json" in text
    assert text.startswith(f"A new database was made: sqlite:///{tmp_path}/datas.db\n")
    assert len(text.split("\n\n", 1)[1].strip().splitlines()) == 6
    again = start()
    again.stop()
    assert len("".join(again.output).strip().splitlines()) == 6


@pytest.mark.slow
def test_explain_mode_beyond_this_machine_is_warned_of(start: Start) -> None:
    """It tells anybody what nobody else should know; on this machine alone it is fine."""
    open_to_all = start("--bind", "0.0.0.0:0", "--workers", "1", DATAS_EXPLAIN="true")
    here = start("--workers", "1", DATAS_EXPLAIN="true")
    assert "Warning: DATAS_EXPLAIN" in "".join(open_to_all.output)
    assert "Warning" not in "".join(here.output)


@pytest.mark.slow
@pytest.mark.parametrize("access", [mode.value for mode in Mode if mode != Mode.OPEN])
def test_it_says_how_to_make_a_first_user_and_then_how_to_sign_in(
    start: Start, tmp_path: Path, access: str
) -> None:
    """Where only users write, the banner has the command that works next."""
    server = start("--workers", "1", DATAS_ACCESS=access, PATH="/nowhere")
    server.stop()
    text = "".join(server.output)
    assert f"{access}: users " in text
    command = f"{sys.executable} -m datas user add NAME"
    assert f"(DATAS_ACCESS)\n  First user:           {command}\n" in text
    assert run_datas(tmp_path, "user", "add", "alice", stdin=b"correct horse").returncode == 0
    again = start("--workers", "1", DATAS_ACCESS=access)
    text = "".join(again.output)
    assert "First user" not in text
    assert f"  Sign in:              curl http://localhost:{again.port}/api/tokens --json" in text


@pytest.mark.slow
def test_a_start_without_options_and_from_another_program_says_what_works(tmp_path: Path) -> None:
    """The access is the default one, and the command for a first user needs no `datas` on PATH."""
    code = (
        "import sys; sys.argv = ['gone', 'serve', '--bind', '127.0.0.1:0', '--workers', '1']\n"
        "from datas.__main__ import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environ() | {"PATH": "/nowhere"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        lines = list(iter(process.stdout.readline, "  Stop it:              Ctrl+C\n"))
        process.terminate()
    text = "".join(lines)
    assert " (default)\n" in text
    assert f"  First user:           {sys.executable} -m datas user add NAME\n" in text


@pytest.mark.slow
def test_the_first_user_is_made_in_the_database_that_was_given(
    start: Start, tmp_path: Path
) -> None:
    """The command in the banner names the file of --database, and can be pasted."""
    options = ("--access", "owner", "--workers", "1", "--database", "sqlite:///my own.db")
    server = start(*options, PATH=str(Path(sys.executable).parent))
    server.stop()
    [command] = re.findall(r"First user: +datas (.+)", "".join(server.output))
    arguments = ["alice" if word == "NAME" else word for word in shlex.split(command)]
    assert run_datas(tmp_path, *arguments, stdin=b"correct horse").returncode == 0
    listed = run_datas(tmp_path, "user", "list", "--database", "sqlite:///my own.db")
    assert "alice" in listed.stdout


@pytest.mark.slow
def test_a_server_on_every_interface_shows_its_address_for_other_devices(start: Start) -> None:
    """The name that it answers for; without one, this machine's address and what it needs."""
    public = ("--bind", "0.0.0.0:0", "--access", "open", "--workers", "1")
    named = start(*public, DATAS_ALLOWED_HOSTS="localhost,127.0.0.1,api.example")
    other = f"  From other devices:   http://api.example:{named.port}/\n"
    assert other in "".join(named.output)
    unnamed = "".join(start(*public).output)
    found = re.search(
        r"From other devices:   http://([\d.]+):\d+/  \(needs DATAS_ALLOWED_HOSTS=\1\)", unnamed
    )
    assert found or not banner.address()
    assert "other devices" not in "".join(start("--workers", "1").output)


def test_open_mode_beyond_this_machine_must_be_asked_for(tmp_path: Path) -> None:
    """A variable alone doesn't open a server to the network: one line says what to do instead."""
    result = run_datas(tmp_path, "serve", "--bind", "0.0.0.0:0", DATAS_ACCESS="open")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "--access open" in result.stderr
    assert "datas user add" in result.stderr


def test_open_mode_beyond_this_machine_can_be_asked_for(start: Start) -> None:
    """On the command line, by a word that nobody sets and forgets."""
    server = start("--access", "open", "--bind", "0.0.0.0:0", "--workers", "1")
    assert server.request("POST", ROUTE, {"data": "hello"}).status == 201


@pytest.mark.slow
def test_open_mode_on_this_machine_needs_no_user(start: Start) -> None:
    """On a loopback address, by option or by variable, anybody writes."""
    for server in (start("--access", "open"), start(DATAS_ACCESS="open")):
        assert server.request("POST", ROUTE, {"data": "x"}).status == 201


@pytest.mark.slow
def test_a_taken_port_is_one_line(start: Start, tmp_path: Path) -> None:
    """And a non-zero exit, without a traceback."""
    server = start()
    result = run_datas(tmp_path, "serve", "--bind", f"127.0.0.1:{server.port}")
    assert result.returncode == 1
    assert re.fullmatch(r"Error: 127\.0\.0\.1:\d+ can't be had: .+\n", result.stderr)


def test_a_name_that_no_host_can_have_is_one_line(tmp_path: Path) -> None:
    """It has an empty label, or one that is too long."""
    result = run_datas(tmp_path, "serve", "--bind", "a..b:8000")
    assert result.returncode == 1
    assert re.search(r"^Error: a\.\.b:8000 can't be had: .+$", result.stderr, re.MULTILINE)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "url", ["sqlite:////nonexistent/folder/datas.db", "sqlite:////proc/datas.db", "sqlite:////"]
)
def test_an_unusable_database_is_one_line(tmp_path: Path, url: str) -> None:
    """It names the database and what must be so."""
    result = run_datas(tmp_path, "serve", "--database", url)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {url}: ")
    assert len(result.stderr.splitlines()) == 1


def test_all_bad_settings_are_told_at_once(tmp_path: Path) -> None:
    """Every mistake a line; an unknown name is a warning with the nearest right one."""
    result = run_datas(
        tmp_path,
        "serve",
        DATAS_DATABASE_URL="mysql://x",
        DATAS_AUTO_MIGRATE="perhaps",
        DATAS_DATABASE_ULR="x",
    )
    assert result.returncode == 1
    assert "DATAS_DATABASE_URL: 'mysql'" in result.stderr
    assert "DATAS_AUTO_MIGRATE:" in result.stderr
    assert "Warning: DATAS_DATABASE_ULR" in result.stderr
    assert "DATAS_DATABASE_URL?" in result.stderr


@pytest.mark.slow
def test_unknown_settings_stop_nothing(start: Start) -> None:
    """A warning, once, and the server runs."""
    server = start(DATAS_COLOUR="blue")
    server.stop()
    assert "".join(server.output).count("DATAS_COLOUR") == 1


def test_migrate_shows_applies_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    """The three answers of `datas migrate`."""
    assert "pending  0001_items" in run_datas(tmp_path, "migrate", "--list").stdout
    assert not list(tmp_path.iterdir()), "looking makes nothing"
    by_hand = run_datas(tmp_path, "migrate", DATAS_AUTO_MIGRATE="false")
    assert "applied  0001_items" in by_hand.stdout
    assert "nothing to do" in run_datas(tmp_path, "migrate").stdout
    assert "applied  0001_items" in run_datas(tmp_path, "migrate", "--list").stdout


@pytest.mark.slow
def test_gunicorn_alone_serves_the_app_from_an_absent_file(tmp_path: Path) -> None:
    """`gunicorn datas.wsgi:app` as it stands, four workers at once on no file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--workers", "4"]
    process = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", "datas.wsgi:app"],
        cwd=tmp_path,
        env=clean_environ() | {"DATAS_ACCESS": "open"},
        stderr=subprocess.DEVNULL,
    )
    try:
        server = Server.__new__(Server)
        server.port, server.output = port, []
        server._wait_until_ready()  # noqa: SLF001
        threads = [
            threading.Thread(target=server.request, args=("POST", ROUTE, {"data": "x"}))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        assert server.request("GET", ROUTE).json["msg"] == f"{RECORDS} found (16)"
    finally:
        process.terminate()
        process.wait(DEADLINE)


def test_bodies_are_read_as_http_frames_them(start: Start) -> None:
    """Chunked JSON works; a large body is refused with and without its length."""
    server = start()
    json = {"Content-Type": "application/json"}
    connection = server.connect()
    chunks = iter([b'{"data": ', b'"chunked"}'])
    connection.request("POST", ROUTE, chunks, json, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, b'"chunked"' in response.read()) == (201, True)
    connection.close()
    large = b'{"data": "' + b"a" * 10_000_000 + b'"}'
    assert _status_of_large(server, large, chunked=False) == 413
    assert _status_of_large(server, large, chunked=True) == 413
    assert server.request("GET", ROUTE).json["msg"] == f"{RECORDS} found (1)"


def _status_of_large(server: Server, body: bytes, *, chunked: bool) -> int:
    """Send until the server stops listening, as a client does, then read what it said."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\n{framing}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n".encode())
        try:
            for start in range(0, len(body), 65536):
                piece = body[start : start + 65536]
                if chunked:
                    piece = b"%x\r\n%b\r\n" % (len(piece), piece)
                client.sendall(piece)
            if chunked:
                client.sendall(b"0\r\n\r\n")
        except OSError:
            pass
        return int(client.recv(4096).split()[1])


POST = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
RAW = [
    POST + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    POST + b"Content-Length: 50\r\n\r\n{",
    f"GET {ROUTE}/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    f"GET {ROUTE}/\xd9\xa1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1"),
    b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    f"GET {ROUTE}?%ff=%fe HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    f"GET {ROUTE} HTTP/1.1\r\nHost: localhost\r\nAccept: \xff\r\n\r\n".encode("latin-1"),
    f'GET {ROUTE}/1 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "\xff\r\n\r\n'.encode("latin-1"),
    f"GET {ROUTE} HTTP/1.0\r\n\r\n".encode(),
]


def test_raw_bytes_never_make_a_500(start: Start) -> None:
    """What no well-behaved client would send is answered with a 4xx."""
    server = start("--workers", "1")
    for raw in RAW:
        assert 400 <= _status_of_raw(server, raw) < 500, raw
    server.stop()
    assert "Traceback" not in "".join(server.output)


def test_the_log_quotes_nothing_of_a_request_that_cannot_be_read(start: Start) -> None:
    """It may hold a password; the line says what is wrong, and who sent it."""
    server = start("--workers", "1")
    assert _status_of_raw(server, b"GET / HTTP/1.1\r\nPassword hunter2\r\n\r\n") == 400
    server.stop()
    text = "".join(server.output)
    assert "Invalid request from ip=127.0.0.1: Invalid HTTP Header" in text
    assert "hunter2" not in text


def _status_of_raw(server: Server, raw: bytes) -> int:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        return int(client.recv(4096).split()[1])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_the_host_in_a_whole_url_counts(start: Start, method: str) -> None:
    """And Host doesn't beside it (RFC 9112 §3.2.2); neither may be left out."""
    server = start("--workers", "1")
    found = 204 if method == "OPTIONS" else 404
    for authority, host, status in (
        ("evil.example", "localhost", 421),
        ("localhost@evil.example", "localhost", 421),
        ("LOCALHOST:", "localhost", found),
        ("localhost", "evil.example", found),
        ("localhost", "", 400),
        ("", "localhost", 400),
    ):
        line = f"{method} http://{authority}{ROUTE}/7 HTTP/1.1"
        assert _status_of_raw(server, f"{line}\r\nHost: {host}\r\n\r\n".encode()) == status, line


@pytest.mark.slow
def test_a_method_that_nobody_knows_is_told_by_the_app(start: Start) -> None:
    """In a problem, not in a page of gunicorn's, whatever its letters and its length."""
    server = start("--workers", "1")
    for method in ("get", "Get", "X", "FOO-BAR", "m#search", "M" * 30):
        answer = server.request(method, ROUTE)
        assert answer.status == 501
        assert answer.json["type"] == "/problems/method-unknown"


@pytest.mark.slow
def test_a_compressed_stream_is_not_taken_for_json(start: Start) -> None:
    """The server takes off the chunks alone."""
    head = POST + b"Transfer-Encoding: %b\r\n\r\n"
    body = b'd\r\n{"data": "x"}\r\n0\r\n\r\n'
    server = start("--workers", "1")
    assert _status_of_raw(server, head % b"chunked" + body) == 201
    assert _status_of_raw(server, head % b"Chunked" + body) == 201
    assert _status_of_raw(server, head % b"gzip, chunked" + body) == 415


@pytest.mark.slow
def test_it_can_be_mounted_under_a_path(start: Start) -> None:
    """By SCRIPT_NAME, whether a proxy in front keeps that prefix in a request or strips it.

    Answers name addresses inside of it, and what is neither is nowhere.
    """
    server = start("--workers", "1", SCRIPT_NAME="/x")
    assert f"localhost:{server.port}/x{ROUTE}" in "".join(server.output)
    created = server.request("POST", f"/x{ROUTE}", {"data": "hello"})
    assert (created.status, created.headers["Location"]) == (201, f"/x{ROUTE}/1")
    created = server.request("POST", ROUTE, {"data": "stripped"})
    assert (created.status, created.headers["Location"]) == (201, f"/x{ROUTE}/2")
    for prefix in ("", "/x"):
        page = server.request("GET", f"{prefix}{ROUTE}?limit=1")
        assert page.json["next"].startswith(f"/x{ROUTE}?")
        assert page.headers["Link"].startswith(f"</x{ROUTE}?")
        assert server.request("GET", page.json["next"]).json["data"][0]["id"] == 2
        for path in ("/", "/docs", "/problems"):
            html = server.request("GET", f"{prefix}{path}", headers={"Accept": "text/html"})
            links = re.findall(r'(?:href|src)="(/[^"]*)"', html.content.decode())
            assert links
            assert all(link.startswith("/x/") for link in links), links
        document = server.request("GET", f"{prefix}/openapi.json").json
        assert document["servers"] == [{"url": "/x"}]
    assert server.request("GET", "/x").status == server.request("GET", "/x/").status == 200
    for outside in ("/nowhere", f"/x{ROUTE[1:]}", f"/x..{ROUTE}", f"/x/x{ROUTE}", f"/X{ROUTE}"):
        answer = server.request("GET", outside)
        assert (answer.status, answer.json["type"]) == (404, "/x/problems/route-not-found")
        assert f"{RECORDS} are at /x{ROUTE}" in answer.json["detail"]
    server.stop()
    assert "Traceback" not in "".join(server.output)


@pytest.mark.slow
def test_changed_code_runs_by_itself(start: Start, tmp_path: Path) -> None:
    """With --reload: the worker that had the old code is replaced, though a client doesn't read."""
    code = tmp_path / "sitecustomize.py"  # which every Python loads that finds it
    code.write_text("")
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    server = start("--workers", "1", "--reload", PYTHONPATH=path)
    fill(server, 20_000)
    [old] = server.workers()
    with unread_export(server):
        end = time.monotonic() + DEADLINE / 2
        while server.workers() in ([old], []):
            assert time.monotonic() < end, "the old worker still runs"
            os.utime(code, (time.time(), time.time() + 1))
            time.sleep(0.1)
        server._wait_until_ready()  # noqa: SLF001


@pytest.mark.slow
def test_sigterm_lets_requests_in_flight_finish(start: Start) -> None:
    """A request whose body is still on its way when the server is asked to stop is answered."""
    server = start("--workers", "1")
    body = b'{"data": "late"}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(
            f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body[:5]
        )
        time.sleep(0.3)  # until a thread has it in hand; there is nothing to be seen from outside
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(body[5:])
        assert client.recv(4096).startswith(b"HTTP/1.1 201")
    assert server.process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_a_killed_master_frees_the_port_within_a_second(start: Start) -> None:
    """Its workers die with it, idle connections or not, and another server can start there."""
    server = start()
    idle = server.connect()
    request(idle, "GET", "/healthz")
    server.kill()
    end = time.monotonic() + 1
    while True:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", server.port))
                break
            except OSError:
                assert time.monotonic() < end, "the port is still taken"
                time.sleep(0.02)
    idle.close()


@pytest.mark.parametrize("bind", ["localhost:99999", "localhost", "8000", "localhost:x"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, bind: str) -> None:
    """With an example of one."""
    result = run_datas(tmp_path, "serve", "--bind", bind)
    assert result.returncode == 2
    assert "such as 127.0.0.1:8000" in result.stderr
