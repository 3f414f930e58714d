"""Minutes of everything at once: `python -m tests.bench.soak [--minutes 10]`.

A real server answers clients that read, list, search, create, replace, delete, bring in and stream
out many, sign in, and are refused. It fails if an answer is another than the one that is due, if a
process dies, or if one has more memory or descriptors than it had in the first minute.
"""

import argparse
import itertools
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Answer, Server, request
from tests.served import BULK, ROUTE

GROWTH = 1.10  # of a process's memory, after the first minute
READERS, WRITERS = 3, 3
KEPT = 500  # items of each writer, about
LINES = 1000
PASSWORD = "correct horse"
PAGE = 4096
_BAD = re.compile(r'"level": ?"(warning|error|critical)"|Traceback')


class Load:
    """Clients at work, and what came of it."""

    def __init__(self, server: Server) -> None:
        self.answers: Counter[str] = Counter()
        self.errors: list[str] = []
        self._server = server
        self._stopping = threading.Event()
        jobs = [self._bulk, self._sign_in, *[self._read] * READERS, *[self._write] * WRITERS]
        users = [self._user(f"user{n}") for n in range(len(jobs))]
        self._threads = [
            threading.Thread(target=self._work, args=(job, *user), daemon=True)
            for job, user in zip(jobs, users, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish what it does."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _user(self, name: str) -> tuple[str, str]:
        """A new one, with a token."""
        credentials = {"username": name, "password": PASSWORD}
        self._server.request("POST", "/api/users", credentials)
        return name, self._server.request("POST", "/api/tokens", credentials).json["data"]["token"]

    def _work(self, job: Callable[["Client"], Iterator[None]], name: str, token: str) -> None:
        client = Client(self, self._server, name, token)
        while not self._stopping.is_set():
            try:
                for _ in job(client):
                    if self._stopping.is_set():
                        break
            except (OSError, HTTPException, ValueError, LookupError) as error:
                self.errors.append(f"{name}: {error!r}")
                client.renew()
                time.sleep(0.1)
        client.connection.close()

    def _read(self, client: "Client") -> Iterator[None]:
        """Pages in every order, searches, counts, single items, and some that are refused."""
        sort = random.choice(["id", "data", "date_created", "-date_updated"])  # noqa: S311
        path = f"{ROUTE}?sort={sort}&limit=50"
        for _ in range(5):
            page = client.ask("page", "GET", path, 200).json
            for item in page["data"][:10]:
                client.ask("get", "GET", f"{ROUTE}/{item['id']}", 200, 404)
                yield
            if not (path := page["next"]):
                break
        client.ask("search", "GET", f"{ROUTE}?q=7&count=true&limit=20", 200)
        client.ask("refused", "GET", f"{ROUTE}/999999999", 404)
        client.ask("refused", "GET", f"{ROUTE}?limit=x", 400)
        client.ask("refused", "POST", ROUTE, 400, body=b"{")
        client.ask("metrics", "GET", "/metrics", 200)
        client.renew()
        yield

    def _write(self, client: "Client") -> Iterator[None]:
        """Items that come, change, and go."""
        items: list[tuple[int, str]] = []
        for n in range(KEPT):
            key = {"Idempotency-Key": f"{client.name}-{time.monotonic_ns()}"}
            body = {"data": f"{client.name} {n}"}
            made = client.ask("create", "POST", ROUTE, 201, body=body, headers=key)
            again = client.ask("repeat", "POST", ROUTE, 201, body=body, headers=key)
            if made.content != again.content:
                self.errors.append(f"{made.content[:200]!r} became {again.content[:200]!r}")
            items.append((made.json["data"]["id"], made.headers["ETag"]))
            yield
        for n, (item_id, etag) in enumerate(items):
            path, body = f"{ROUTE}/{item_id}", {"data": f"changed {n}"}
            now = client.ask("replace", "PUT", path, 200, body=body, headers={"If-Match": etag})
            client.ask("stale", "PUT", path, 412, body=body, headers={"If-Match": etag})
            client.ask("delete", "DELETE", path, 200, headers={"If-Match": now.headers["ETag"]})
            yield

    def _bulk(self, client: "Client") -> Iterator[None]:
        """Many in, all out, and those deleted again."""
        lines = "".join(json.dumps({"data": f"line {n}"}) + "\n" for n in range(LINES)).encode()
        types = {"Content-Type": "application/x-ndjson"}
        client.ask("bulk in", "POST", BULK, 201, body=lines, headers=types)
        for accept in ("application/x-ndjson", "text/csv"):
            out = client.ask("bulk out", "GET", BULK, 200, headers={"Accept": accept})
            if out.content.count(b"\n") < LINES:
                self.errors.append("a stream was short")
        while mine := client.ask(
            "own page", "GET", f"{ROUTE}?owner={client.name}&limit=100", 200
        ).json["data"]:
            for item in mine:
                client.ask("delete", "DELETE", f"{ROUTE}/{item['id']}", 200)
                yield

    def _sign_in(self, client: "Client") -> Iterator[None]:
        """In and out, and now and then with a wrong password."""
        credentials = {"username": client.name, "password": PASSWORD}
        if random.random() < 0.1:  # noqa: S311
            wrong = credentials | {"password": "wrong horse"}
            client.ask("wrong", "POST", "/api/tokens", 401, body=wrong)
        token = client.ask("sign in", "POST", "/api/tokens", 201, body=credentials).json["data"]
        headers = {"Authorization": f"Bearer {token['token']}"}
        client.ask("own tokens", "GET", "/api/tokens", 200, headers=headers)
        client.ask("sign out", "DELETE", "/api/tokens/current", 200, headers=headers)
        client.ask("unknown token", "GET", "/api/users/me", 401, headers=headers)
        time.sleep(0.2)
        yield


class Client:
    """A user with a connection that is kept."""

    def __init__(self, load: Load, server: Server, name: str, token: str) -> None:
        self.name = name
        self.connection = server.connect()
        self._load = load
        self._server = server
        self._headers = {"Authorization": f"Bearer {token}"}

    def renew(self) -> None:
        """Go on with a new connection."""
        self.connection.close()
        self.connection = self._server.connect()

    def ask(
        self,
        deed: str,
        method: str,
        path: str,
        *due: int,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; any other status than those that are due is an error."""
        types = {"Content-Type": "application/json"} if body else {}
        sent = self._headers | types | (headers or {})
        answer = request(self.connection, method, path, body, sent)
        self._load.answers[deed] += 1
        if answer.status not in due:
            self._load.errors.append(f"{method} {path}: {answer.status} {answer.content[:200]!r}")
        return answer


class Processes:
    """What the master and its workers have: memory (resident, MiB) and descriptors."""

    def __init__(self, server: Server) -> None:
        self._pids = [server.process.pid, *sorted(server.workers())]
        self._server = server
        self.names = ["master", *(f"worker {n}" for n in range(1, len(self._pids)))]
        self.memory: list[float] = []
        self.files: list[int] = []
        self.begin()

    def begin(self) -> None:
        """Forget what there was at most."""
        self.memory, self.files = [0.0] * len(self._pids), [0] * len(self._pids)

    def look(self) -> None:
        """Keep the most that there is. Raises: RuntimeError, if one is gone or has come."""
        if sorted(self._server.workers()) != self._pids[1:]:
            raise RuntimeError("a worker died")
        for n, pid in enumerate(self._pids):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            self.memory[n] = max(self.memory[n], pages * PAGE / 2**20)
            self.files[n] = max(self.files[n], sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def soak(server: Server, minutes: int) -> list[str]:
    """Load it for so long, and print a line each minute; return what is wrong with it."""
    load, processes = Load(server), Processes(server)
    heads = [f"{name:>16}" for name in processes.names]
    print(f"minute  requests  errors{''.join(heads)}   (most MiB / descriptors)")
    faults: list[str] = []
    first: tuple[list[float], list[int]] | None = None
    before = 0
    for minute in range(1, minutes + 1):
        processes.begin()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.5)
            processes.look()
        faults += told_errors(server)
        done = sum(load.answers.values())
        told = zip(processes.memory, processes.files, strict=True)
        cells = "".join(f"{f'{memory:.1f} / {files}':>16}" for memory, files in told)
        print(f"{minute:6}{done - before:10}{len(load.errors):8}{cells}", flush=True)
        before = done
        first = first or (processes.memory, processes.files)
    load.stop()
    assert first
    for n, name in enumerate(processes.names):
        if processes.memory[n] > first[0][n] * GROWTH:
            faults.append(f"{name} grew from {first[0][n]:.1f} to {processes.memory[n]:.1f} MiB")
        if processes.files[n] > first[1][n] + READERS + WRITERS + 2:
            faults.append(f"{name} had {first[1][n]} descriptors, and {processes.files[n]} at last")
    print(", ".join(f"{deed} {count}" for deed, count in sorted(load.answers.items())))
    return faults + load.errors


def told_errors(server: Server) -> list[str]:
    """The lines of its log that say so; all lines are forgotten."""
    count = len(server.output)
    lines = server.output[:count]
    del server.output[:count]  # whoever appends meanwhile loses nothing
    return [line for line in lines if _BAD.search(line)]


def main() -> int:
    """Run it, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="2 or more [default: 10]")
    minutes = max(2, parser.parse_args().minutes)
    settings = {
        "DATAS_ACCESS": "authenticated",
        "DATAS_REGISTRATION": "open",
        "DATAS_METRICS": "true",
        "DATAS_LOG_LEVEL": "info",
    }
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), "--workers", "2", **settings)
        try:
            faults = soak(server, minutes)
        finally:
            code = server.stop()
    faults += told_errors(server) + ([f"exit code {code}"] if code else [])
    for fault in itertools.islice(faults, 20):
        print(f"FAULT: {fault}", file=sys.stderr)
    print(f"{len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
