"""nginx as it is shipped, before servers of a test; and clients that take their time."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.conftest import DEADLINE, Server
from tests.postgres import free_port, missing
from tests.served import BULK, ROUTE

DEPLOY = Path(__file__).parents[2] / "deploy"


class Front(Server):
    """A real nginx on a free port, from deploy/nginx.conf."""

    def __init__(self, folder: Path, *nodes: int, edit: Callable[[str], str] = str) -> None:
        self.port = free_port()
        self.output = []
        self.folder = folder / f"nginx-{self.port}"
        self.folder.mkdir()
        self._settings = self.folder / "nginx.conf"
        self._settings.write_text(edit(self._placed(*nodes)))
        checked = self._run("-t")
        assert checked.returncode == 0, checked.stderr
        self.process = subprocess.Popen(self._command("daemon off;"), text=True)

    def wait_until_it_listens(self) -> None:
        """Whatever is behind."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                assert time.monotonic() < end, (self.folder / "error.log").read_text()
                time.sleep(0.02)

    def _placed(self, *nodes: int) -> str:
        """The shipped file, with the ports and folders of this test."""
        text = (DEPLOY / "nginx.conf").read_text()
        for shipped, here in (
            (r"listen 8080;", f"listen 127.0.0.1:{self.port};"),
            (
                r"server datas:8000 (.+);",
                "".join(rf"server 127.0.0.1:{node} \1;" for node in nodes),
            ),
            (r"/var/log/nginx", str(self.folder)),
            (
                r"^http {",
                "http {" + "".join(f"{it}_temp_path {self.folder}/{it};" for it in TEMPORARY),
            ),
        ):
            text, count = re.subn(shipped, here, text, flags=re.MULTILINE)
            assert count, f"{shipped} is not in nginx.conf"
        return text

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self._command("", *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def _command(self, more: str, *arguments: str) -> list[str]:
        # Its own folders are nobody else's, whoever that is here.
        user = "user root;" if os.geteuid() == 0 else ""
        log = str(self.folder / "error.log")
        settings = f"pid {self.folder}/pid; {user} {more}"
        files = ("-p", str(self.folder), "-c", str(self._settings), "-e", log)
        return [nginx(), *files, "-g", settings, *arguments]


def end(server: Server) -> None:
    """Stop a server, and let nothing of it stay open."""
    server.stop()
    server._reader.join(DEADLINE)  # noqa: SLF001
    assert server.process.stdout
    server.process.stdout.close()


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx() -> str:
    """Where it is; without it a test is skipped, or fails in CI."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    return found or str(missing("nginx (Debian's package of that name)"))


@contextmanager
def front(folder: Path, *nodes: int, edit: Callable[[str], str] = str) -> Iterator[Front]:
    """An nginx before the servers at these ports."""
    nginx()
    running = Front(folder, *nodes, edit=edit)
    try:
        running.wait_until_it_listens()
        yield running
    finally:
        running.stop()


class SlowClients:
    """Clients that take their time, each from an address of its own.

    `heads` and `bodies` send one byte a second of each; `readers` ask for all items and read
    nothing; `idle` ones ask for one item, read it, and keep their connections; `silent` ones
    connect and never say why.
    """

    def __init__(self, port: int, **counts: int) -> None:
        self._port = port
        self._stopping = threading.Event()
        self._kinds = [SENT[kind] for kind, count in counts.items() for _ in range(count)]
        self._clients = [self._open(number) for number in range(len(self._kinds))]
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def connected(self) -> int:
        """How many the server hasn't hung up on."""
        count = 0
        for client in self._clients:
            with suppress(ConnectionResetError):
                try:
                    count += bool(client.recv(1, socket.MSG_PEEK))
                except BlockingIOError:
                    count += 1
        return count

    def stop(self) -> None:
        """Break all connections off."""
        self._stopping.set()
        self._thread.join(DEADLINE)
        for client in self._clients:
            client.close()

    def _open(self, number: int) -> socket.socket:
        kind = self._kinds[number]
        client = socket.socket()
        if kind == EXPORT:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.bind((f"127.0.{number // 200 + 1}.{number % 200 + 1}", 0))
        client.settimeout(2)
        # A server that takes no more connections is what is looked for.
        with suppress(OSError):
            client.connect(("127.0.0.1", self._port))
            client.sendall(kind)
            if kind == ONE:
                client.recv(4096)
        client.settimeout(0)
        return client

    def _send(self) -> None:
        while not self._stopping.wait(1):
            for number, kind in enumerate(self._kinds):
                if kind not in (HEAD, BODY):
                    continue
                try:
                    self._clients[number].send(b"x")
                except OSError:
                    # The server has had enough of this one.
                    self._clients[number].close()
                    self._clients[number] = self._open(number)


HEAD = f"GET {ROUTE}/1 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".encode()
BODY = (
    f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 60000\r\n\r\n"
).encode()
EXPORT = f"GET {BULK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
ONE = f"GET {ROUTE}/1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
SENT = {"heads": HEAD, "bodies": BODY, "readers": EXPORT, "idle": ONE, "silent": b""}


def fill(server: Server, items: int) -> None:
    """Store items that are as large as can be: of 1.2 kB when they are exported."""
    line = b'{"data": "' + "\N{DOMINO TILE HORIZONTAL-01-01}".encode() * 255 + b'"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    for lines in range(items, 0, -10_000):  # a request takes no more
        body = line * min(lines, 10_000)
        assert server.request("POST", BULK, body, headers).status == 201


def wait_until_idle(server: Server) -> None:
    """Until its workers have done all that they were asked for, or can't go on."""
    limit = time.monotonic() + 30
    while True:
        before = _ticks(server)
        time.sleep(0.3)
        if _ticks(server) - before <= 1:
            return
        assert time.monotonic() < limit, "the server is at work all the time"


def _ticks(server: Server) -> int:
    """The CPU time of all workers, in hundredths of a second (proc_pid_stat(5))."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2] for pid in server.workers()]
    return sum(int(ticks) for stat in stats for ticks in stat.split()[11:13])


def seconds(server: Server, requests: int) -> list[float]:
    """How long each of so many good requests takes, one after another, each newly connected."""
    lasted = []
    for _ in range(requests):
        start = time.perf_counter()
        assert server.request("GET", f"{ROUTE}/1").status == 200
        lasted.append(time.perf_counter() - start)
    return lasted


@contextmanager
def unread_export(server: Server) -> Iterator[socket.socket]:
    """A client that asks for all items, and doesn't read them."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(DEADLINE)
        client.connect(("127.0.0.1", server.port))
        client.sendall(f"GET {BULK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert client.recv(10)
        yield client
