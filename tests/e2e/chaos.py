"""Signals, killed workers, garbage and slow clients in a random order, while others must not wait.

`make chaos ARGS="--minutes 10 --seed 7"`. The seed decides the order of the deeds, and the
machine the timing within them.
"""

import argparse
import os
import random
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from tests.e2e.conftest import DEADLINE, Server
from tests.e2e.front import end, fill
from tests.served import BULK, ROUTE

WORKERS, THREADS = 2, 4
DRAIN = 2  # seconds
LONGEST_ANSWER = 5.0  # seconds that a client may wait
LONGEST_END = DRAIN + 20 + 3  # seconds from SIGTERM to the end
KILL_EFFECT = 1.0  # seconds from kill -9 in which connections of that worker may be reset
PROBES = 3
# Silence of each kind holds a thread of the server, until the client hangs up.
SLOW = {
    "unread export": f"GET {BULK} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    "half a head": f"GET {ROUTE} HTTP/1.1\r\nHo".encode(),
    "half a body": (
        f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{{"
    ).encode(),
    "garbage": b"\x16\x03\x01 nonsense\r\n\r\n",
    "no goodbye": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "nothing": b"",
}


class Probe(NamedTuple):
    """One request on a new connection: when it began, how long it took, and what came of it."""

    begun: float
    seconds: float
    outcome: str


class Chaos:
    """A server, clients that must not wait, and what happens to them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._choice = random.Random(seed)  # noqa: S311 (no secret)
        self._folder = folder
        self._server = self._started("127.0.0.1:0")
        fill(self._server, 20_000)
        self.probes: list[Probe] = []
        self.deeds: Counter[str] = Counter()
        self.events: list[str] = []
        self.faults: list[str] = []
        self._kills = [0.0]
        self._refuses = float("inf")  # from when on the server may refuse connections
        self._closing = threading.Event()
        self._slow: dict[socket.socket, float] = {}  # and when each hangs up

    def _started(self, bind: str) -> Server:
        size = ("--workers", str(WORKERS), "--threads", str(THREADS))
        return Server(self._folder, *size, "--bind", bind, DATAS_DRAIN_SECONDS=str(DRAIN))

    def run(self, seconds: float) -> None:
        """Do one thing after another for so long, then stop the server."""
        threads = [threading.Thread(target=self._probe) for _ in range(PROBES)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        deeds = [self._reload] * 6 + [self._kill] * 4 + [self._behave_badly] * 12 + [self._restart]
        try:
            while time.monotonic() < until:
                self._do(self._choice.choice(deeds))
                self._hang_up(time.monotonic())
                time.sleep(self._choice.choice((0.0, 0.1, 0.5, 1.0)))
            self._do(self._stop)
        finally:
            self._closing.set()
            for thread in threads:
                thread.join(DEADLINE)
            self._hang_up(float("inf"))
            self._server.kill()
            end(self._server)

    def _do(self, deed: Callable[[], object]) -> None:
        what = deed.__name__.strip("_")
        detail = deed()
        self.deeds[what] += 1
        self.events.append(f"{time.monotonic():.2f} {what} {detail or ''}")

    def _reload(self) -> None:
        self._server.process.send_signal(signal.SIGHUP)

    def _kill(self) -> int | None:
        workers = self._server.workers()
        if not workers:
            return None
        pid = self._choice.choice(workers)
        self._kills.append(time.monotonic())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def _behave_badly(self) -> str | None:
        """Another client that holds a thread, as long as one of each worker's is left."""
        if len(self._slow) >= THREADS - 1:
            return None
        kind = self._choice.choice(sorted(SLOW))
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(LONGEST_ANSWER)
        with suppress(OSError):
            client.connect(("127.0.0.1", self._server.port))
            client.sendall(SLOW[kind])
        self._slow[client] = time.monotonic() + self._choice.choice((0.2, 2.0, 8.0, 25.0))
        return kind

    def _hang_up(self, now: float) -> None:
        for client, until in list(self._slow.items()):
            if until <= now:
                client.close()
                del self._slow[client]

    def _restart(self) -> str:
        detail = self._stop()
        self._server = self._started(f"127.0.0.1:{self._server.port}")
        self._refuses = float("inf")
        return detail

    def _stop(self) -> str:
        """SIGTERM: readiness fails at once, the end comes in time, with exit code 0."""
        begun = time.monotonic()
        self._refuses = begun + DRAIN
        also = self._choice.choice([[], [], [signal.SIGHUP]])
        for number in self._choice.sample([signal.SIGTERM, *also], 1 + len(also)):
            self._server.process.send_signal(number)
        while (self._outcome("/readyz")) == "200":
            time.sleep(0.05)
        unready = time.monotonic() - begun
        while self._server.process.poll() is None and time.monotonic() < begun + 60:
            self._hang_up(time.monotonic())
            time.sleep(0.05)
        took = time.monotonic() - begun
        if self._server.process.poll() is not None:
            end(self._server)
        if self._server.process.poll() or took > LONGEST_END or unready > DRAIN:
            code = self._server.process.returncode
            self.faults.append(f"unready after {unready:.1f} s, exit code {code} at {took:.1f} s")
        return f"unready after {unready:.1f} s, ended after {took:.1f} s"

    def _probe(self) -> None:
        while not self._closing.is_set():
            refuses, begun = self._refuses, time.monotonic()
            outcome = self._outcome("/healthz")
            end = time.monotonic()
            probe = Probe(begun, end - begun, outcome)
            self.probes.append(probe)
            if not self._is_fair(probe, absent=end > min(refuses, self._refuses)):
                self.faults.append(f"{begun:.2f} {outcome} after {probe.seconds:.2f} s")
            time.sleep(0.02)

    def _outcome(self, path: str) -> str:
        connection = self._server.connect()
        connection.timeout = 4 * LONGEST_ANSWER
        try:
            connection.request("GET", path)
            return str(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()

    def _is_fair(self, probe: Probe, *, absent: bool) -> bool:
        if probe.seconds > LONGEST_ANSWER:
            return False
        killed = probe.begun - KILL_EFFECT < self._kills[-1]
        cut_off = probe.outcome in {"ConnectionResetError", "RemoteDisconnected"}
        refused = probe.outcome == "ConnectionRefusedError"
        return probe.outcome == "200" or (cut_off and killed) or (refused and absent)

    def __str__(self) -> str:
        outcomes = Counter(probe.outcome for probe in self.probes)
        longest = max(probe.seconds for probe in self.probes)
        return (
            f"{dict(self.deeds)}; {len(self.probes)} requests: {dict(outcomes)}, "
            f"longest {longest:.2f} s; {len(self.faults)} faults"
        )


def run(folder: Path, minutes: float, seed: int) -> list[str]:
    """The faults that were found."""
    print(f"seed {seed}", flush=True)
    chaos = Chaos(folder, seed)
    try:
        chaos.run(minutes * 60)
    finally:
        if chaos.faults:
            print(*chaos.events, sep="\n")
        print(chaos)
    return chaos.faults


def main() -> int:
    """Run it, and print what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="[default: 10]")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="[random]")  # noqa: S311
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = run(Path(folder), options.minutes, options.seed)
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
