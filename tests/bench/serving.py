"""A server to be measured: `datas serve` with one worker, and the CPU that this worker uses."""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CLIENTS = 16


class Server:
    """`datas serve` with one worker, at a port of its own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "datas", "serve", "--bind", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*command, "--workers", "1", "--threads", "4"],
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        banner = "".join(iter(self.process.stdout.readline, "  Stop it:              Ctrl+C\n"))
        [self.port] = map(int, re.findall(r"localhost:(\d+)", banner)[:1])
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        while not (workers := Path(children).read_text().split()):
            time.sleep(0.05)
        self.worker = workers[0]

    def cpu(self) -> int:
        """Nanoseconds of CPU that the worker's threads have used, user and system."""
        tasks = Path(f"/proc/{self.worker}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def round(self, request: bytes, status: int, count: int) -> float:
        """Microseconds of CPU for one request, with `CLIENTS` of them under way at once."""
        clients = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(CLIENTS)]
        before = self.cpu()
        for _ in range(count // CLIENTS):
            for client in clients:
                client.sendall(request)
            for client in clients:
                answer = client.recv(4096)
                while not answer.endswith(b"}"):
                    answer += client.recv(4096)
                if not answer.startswith(b"HTTP/1.1 %d " % status):
                    raise RuntimeError(answer)
        used = self.cpu() - before
        for client in clients:
            client.close()
        return used / count / 1e3


@contextmanager
def serving(*environs: Mapping[str, str]) -> Iterator[list[Server]]:
    """Servers side by side, ended at the end of the block."""
    running = [Server(environ) for environ in environs]
    try:
        yield running
    finally:
        for server in running:
            server.process.terminate()
            server.process.wait(30)


def compare(names: tuple[str, str], rounds: int, measure: Callable[[int], float]) -> None:
    """Measure two things in turn, and print the medians and their ratio.

    `measure(0)` and `measure(1)` give microseconds of CPU. Rounds alternate, and what is counted
    is the CPU that the worker itself used, so that neither the client nor a noisy neighbour is
    measured; the spread is that of the rounds' ratios.
    """
    measure(0), measure(1)  # warm up
    pairs = [(measure(0), measure(1)) for _ in range(rounds)]
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    low, _, high = statistics.quantiles([b / a for a, b in pairs], n=4)
    print(f"{names[0]}: {first:.0f} µs, {names[1]}: {second:.0f} µs of CPU a request")
    print(f"ratio: {second / first:.2f} (half of the rounds between {low:.2f} and {high:.2f})")
