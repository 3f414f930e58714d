"""64 clients that write without a pause: `python -m tests.bench.writers`.

What is looked at is how evenly they wait: with one listening socket the workers share connections
unevenly, and a client of a crowded worker waits longer.
"""

import os
import selectors
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.e2e.conftest import Server
from tests.served import ROUTE

BODY = '{"data": "hello"}'
POST = (
    f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
).encode()
CLIENTS = 64
ROUNDS = 5


class Written(NamedTuple):
    """What came of all requests: seconds of each, and how many had which status."""

    seconds: list[float]
    statuses: Counter[str]

    @property
    def p50_p99(self) -> tuple[float, float]:
        """Seconds within which half, and 99 of 100, were answered."""
        hundredths = statistics.quantiles(self.seconds, n=100)
        return hundredths[49], hundredths[98]

    def __str__(self) -> str:
        p50, p99 = self.p50_p99
        return (
            f"{len(self.seconds)} writes, p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms "
            f"({p99 / p50:.1f} times), longest {max(self.seconds) * 1e3:.0f} ms"
        )


def write(port: int, lasting: float, clients: int = CLIENTS) -> Written:
    """Let so many clients write for so many seconds, each on one connection."""
    written = Written([], Counter())
    selector = selectors.DefaultSelector()
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(clients)]
    begun, answers = dict.fromkeys(sockets, 0.0), dict.fromkeys(sockets, b"")
    by_number = {client.fileno(): client for client in sockets}
    for client in sockets:
        selector.register(client, selectors.EVENT_READ)
        begun[client] = time.perf_counter()
        client.sendall(POST)
    end = time.perf_counter() + lasting
    while by_number and (ready := selector.select(30)):
        for key, _ in ready:
            client = by_number[key.fd]
            answers[client] += (piece := client.recv(4096))
            if piece and not answers[client].endswith(b"}"):
                continue
            now = time.perf_counter()
            written.seconds.append(now - begun[client])
            written.statuses[answers[client][9:12].decode()] += 1
            if now < end and piece:
                begun[client], answers[client] = now, b""
                client.sendall(POST)
            else:
                del by_number[key.fd]
                selector.unregister(client)
                client.close()
    written.statuses["no answer"] += len(by_number)
    return written


def rounds(workers: int, count: int = ROUNDS) -> Iterator[Written]:
    """Let them write to a new server of so many workers, again and again."""
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder), "--workers", str(workers))
            try:
                yield write(server.port, 6)
            finally:
                server.stop()


def main() -> None:
    """Measure with as many workers as cores, and with twice as many."""
    cores = os.cpu_count() or 1
    for workers in (cores, 2 * cores):
        for written in rounds(workers):
            print(f"{workers} workers: {written}, {dict(written.statuses)}", flush=True)


if __name__ == "__main__":
    main()
