"""Clients that write what they can, and a ledger of what they were told, to judge the rest by."""

import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from tests.e2e.conftest import Answer, Server
from tests.served import ROUTE

# How often each fault happens: FAULT_ROUNDS=100 looks longer.
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
PAUSE = 0.05  # seconds after an answer that asks for patience, or none
NOTHING_CHANGED = "Nothing was changed."

# What an item may be: its data and version, or None if it isn't there.
State = tuple[str, int] | None
WRITES = ("POST", "PUT", "DELETE")
# What came of a request that has no whole answer.
REFUSED = "refused"  # nobody listens
CLOSED = "closed"  # before a byte of an answer, on a connection that had been used before
RESET = "reset"  # the same on a new connection
BROKEN = "broken"  # amid an answer
# What may come of one when a server dies; and what else: the last two say that it was carried out
# before, or that the item is gone.
OF_DEATH = {REFUSED, CLOSED, RESET, BROKEN}
GOOD = {"200", "201", "404", "412"}


class Doubt(NamedTuple):
    """Why nobody knows whether a request was carried out: what came of its last try."""

    outcome: str
    # The server said that it wasn't.
    denied: bool = False


class Client:
    """One client with items of its own, which nobody else changes: it knows what each may be."""

    def __init__(self, ledger: "Ledger", name: str, *, kept: bool) -> None:
        self.name = name
        self.items: dict[int, set[State]] = {}
        self.unanswered: set[str] = set()  # texts that may have become items
        self._ledger = ledger
        self._kept = kept
        self._connection: HTTPConnection | None = None
        self._numbers = iter(range(1_000_000_000))
        self._choice = random.Random(name)  # noqa: S311 (no secret)

    def run(self) -> None:
        """Do one thing after another until the ledger is closed."""
        ledger = self._ledger
        while not ledger.closing.is_set():
            certain = [item_id for item_id, states in self.items.items() if len(states) == 1]
            alive = [item_id for item_id in certain if None not in self.items[item_id]]
            deed = self._choice.choice("cccrrrdgggl") if alive else "c"
            item_id = self._choice.choice(alive[-50:]) if alive else 0
            if deed == "c":
                self._create()
            elif deed == "r":
                self._change(item_id, "PUT")
            elif deed == "d":
                self._change(item_id, "DELETE")
            elif deed == "g":
                self._read(self._choice.choice(list(self.items)[-50:]))
            else:
                self._list()
        self._hang_up()

    def _create(self) -> None:
        """Create one, asking again with the same key until there is an answer."""
        text = f"{self.name}/{next(self._numbers)}"
        body, headers = {"data": text}, {"Idempotency-Key": text}
        doubts: list[Doubt] = []
        self.unanswered.add(text)
        while (answer := self._try("POST", ROUTE, body, headers, doubts)) is None:
            if self._ledger.closing.is_set():
                return
        if answer.status != 201:
            self._wrong(answer, "a creation")
            return
        item = answer.json["data"]
        if (item["data"], item["version"], answer.headers["ETag"]) != (text, 1, '"1"'):
            self._wrong(answer, f"a creation of {text}")
        if answer.headers["Idempotency-Replayed"]:
            self._was_carried_out(doubts, text)
        self.unanswered.discard(text)
        self.items[item["id"]] = {(text, 1)}
        self._ledger.acknowledged.append(time.monotonic())

    def _change(self, item_id: int, method: str) -> None:
        """Replace or delete one at the version that is known."""
        [state] = self.items[item_id]
        assert state
        text, version = state
        after: State = None
        body = None
        if method == "PUT":
            after = f"{text.partition(' ')[0]} {next(self._numbers)}", version + 1
            body = {"data": after[0]}
        doubts: list[Doubt] = []
        self.items[item_id] = {state, after}
        path, headers = f"{ROUTE}/{item_id}", {"If-Match": f'"{version}"'}
        while (answer := self._try(method, path, body, headers, doubts)) is None:
            if self._ledger.closing.is_set():
                return
        shown = answer.json.get("data", {})
        if answer.status == 200 and (shown["data"], shown["version"]) == (after or state):
            self._ledger.acknowledged.append(time.monotonic())
        elif answer.status == (412 if after else 404) and doubts:
            self._was_carried_out(doubts, f"{method} of record {item_id}")
        else:
            self._wrong(answer, f"{method} of record {item_id} at {state}")
            return
        self.items[item_id] = {after}

    def _read(self, item_id: int) -> None:
        """Read one of its own: it is what it may be."""
        answer = self._try("GET", f"{ROUTE}/{item_id}", None, {}, [])
        if answer is None:
            return
        state: State = None
        if answer.status == 200:
            item = answer.json["data"]
            state = item["data"], item["version"]
        if answer.status not in (200, 404) or state not in self.items[item_id]:
            self._wrong(answer, f"record {item_id}, which is one of {self.items[item_id]}")
        self.items[item_id] = {state}

    def _list(self) -> None:
        """Read the newest: of its own none is what it can't be."""
        answer = self._try("GET", f"{ROUTE}?sort=-date_created&limit=50", None, {}, [])
        if answer is None:
            return
        if answer.status != 200:
            self._wrong(answer, "a list")
            return
        for item in answer.json["data"]:
            states = self.items.get(item["id"], set())
            if states and (item["data"], item["version"]) not in states:
                self._wrong(answer, f"a list with {item}, which is one of {states}")

    def faults(self, stored: dict[int, State]) -> list[str]:
        """What of its own is stored otherwise than it may be."""
        found = [
            f"record {item_id} is {stored.get(item_id)}, and not one of {states}"
            for item_id, states in self.items.items()
            if stored.get(item_id) not in states
        ]
        unknown = Counter(
            state[0]
            for item_id, state in stored.items()
            if state and state[0].startswith(f"{self.name}/") and item_id not in self.items
        )
        for text, count in unknown.items():
            if count > 1 or text not in self.unanswered:
                found.append(f"{count} records {text!r} that nobody was told of")
        return found

    def _try(
        self, method: str, path: str, body: Any, headers: dict[str, str], doubts: list[Doubt]
    ) -> Answer | None:
        """One request; None, and a reason for doubt, if it must be tried again."""
        answer, outcome = self._ask(method, path, body, headers)
        self._ledger.tell(method, outcome)
        if answer is None:
            doubts.append(Doubt(outcome))
        elif answer.status == 503:
            problem = answer.json
            if (
                problem["type"] != "/problems/storage-unavailable"
                or not answer.headers["Retry-After"]
            ):
                self._wrong(answer, "a refusal")
            doubts.append(Doubt("503", denied=NOTHING_CHANGED in problem["detail"]))
            self._ledger.reasons.add(problem["detail"])
            if method != "GET":
                self._list()  # reading may go on
        else:
            return answer
        time.sleep(PAUSE)
        return None

    def _ask(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[Answer | None, str]:
        """One request, and what came of it, on a connection that is kept or a new one."""
        connection = self._connection or self._ledger.node().connect()
        self._connection = connection
        used_before = connection.sock is not None
        content = None if body is None else json.dumps(body).encode()
        types = {"Content-Type": "application/json"} if content else {}
        response = None
        try:
            connection.connect() if not used_before else None
        except OSError as error:
            self._hang_up()
            return None, REFUSED if isinstance(error, ConnectionRefusedError) else RESET
        try:
            connection.request(method, path, content, types | headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, HTTPException) as error:
            self._hang_up()
            if response or not isinstance(error, ConnectionError):
                return None, BROKEN
            return None, CLOSED if used_before else RESET
        if not self._kept:
            self._hang_up()
        return answer, str(answer.status)

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _was_carried_out(self, doubts: list[Doubt], what: str) -> None:
        """A request had been carried out before; that must be possible."""
        possible = [each.outcome for each in doubts if not each.denied and each.outcome != REFUSED]
        self._ledger.lost.update(possible[:1])
        if not possible:
            self._ledger.faults.append(f"{what} was carried out by nobody: {doubts}")

    def _wrong(self, answer: Answer, what: str) -> None:
        self._ledger.faults.append(f"{what}: {answer.status} {answer.content[:300]!r}")


class Ledger:
    """Clients at work from its beginning to its closing, and all that came of it.

    Half of them keep their connections, the others make a new one for each request.
    """

    def __init__(self, *nodes: Server, clients: int = 8, name: str = "c") -> None:
        self.acknowledged: list[float] = []  # when
        self.answers: Counter[tuple[str, str]] = Counter()  # by method, and what came of it
        self.reasons: set[str] = set()  # that were given for a 503
        self.faults: list[str] = []
        # Requests that turned out, by their repetition, to have been carried out without an answer;
        # by what came of them.
        self.lost: Counter[str] = Counter()
        self.closing = threading.Event()
        self._nodes = nodes
        self._turns = iter(range(1_000_000_000))
        self._lock = threading.Lock()
        self.clients = [Client(self, f"{name}{n}", kept=n % 2 == 0) for n in range(clients)]
        self._threads = [threading.Thread(target=client.run) for client in self.clients]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let each client finish its request."""
        self.closing.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), f"no answer: {self}"
        print(f"{len(self.acknowledged)} acknowledged; {self}")

    def __str__(self) -> str:
        told = sorted(self.answers.items())
        answers = ", ".join(f"{method} {outcome}: {count}" for (method, outcome), count in told)
        lost = f"carried out without an answer: {dict(self.lost)}"
        return f"{answers}; {lost}; {sorted(self.reasons)}; {len(self.faults)} faults"

    def node(self) -> Server:
        """Each in turn."""
        with self._lock:
            return self._nodes[next(self._turns) % len(self._nodes)]

    def tell(self, method: str, outcome: str) -> None:
        """Count what came of a request."""
        with self._lock:
            self.answers[method, outcome] += 1

    @property
    def outcomes(self) -> set[str]:
        """All that came of requests."""
        return {outcome for _, outcome in self.answers}

    def wait_for_more(self, count: int = 50, within: float = 20.0) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted, end = len(self.acknowledged) + count, time.monotonic() + within
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < end, f"writes don't go on: {self}"
            time.sleep(0.01)

    def count(self, outcome: str, *methods: str) -> int:
        """How many requests with one of these methods came to this."""
        return sum(self.answers[method, outcome] for method in methods)

    def wait_for(self, outcome: str, *methods: str, count: int = 50, within: float = 20.0) -> None:
        """Wait until there are so many more of them."""
        wanted, end = self.count(outcome, *methods) + count, time.monotonic() + within
        while self.count(outcome, *methods) < wanted:
            assert time.monotonic() < end, f"too few {methods} {outcome}: {self}"
            time.sleep(0.01)


def check(server: Server, *ledgers: Ledger) -> None:
    """All that was acknowledged is there, once and as it should be; no answer was wrong."""
    stored = read_all(server)
    faults = [fault for ledger in ledgers for fault in ledger.faults]
    clients = {client.name: client for ledger in ledgers for client in ledger.clients}
    for client in clients.values():
        faults += client.faults(stored)
    for item_id, state in stored.items():
        if state and state[0].partition("/")[0] not in clients:
            faults.append(f"nobody made record {item_id}: {state}")
    assert not faults, f"{len(faults)} faults: {faults[:5]}"


def read_all(server: Server) -> dict[int, State]:
    """Every item that the server lists."""
    stored: dict[int, State] = {}
    path = f"{ROUTE}?limit=1000"
    while path:
        page = server.request("GET", path).json
        stored |= {item["id"]: (item["data"], item["version"]) for item in page["data"]}
        path = page["next"]
    return stored


def checkpoint(path: Path) -> None:
    """Bring all of a database into its one file. (Not each server does so at its end.)"""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def check_integrity(path: Path) -> None:
    """SQLite finds nothing wrong with the file."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
