"""What one GET costs in CPU, as a ratio to the floor: `python -m tests.bench.get_one`.

Two servers run side by side on one database, each gunicorn with one worker and Datas's own
configuration. Rounds alternate; a round counts the CPU seconds that the worker itself used, so
that neither the client nor a noisy neighbour is measured.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from datas.bootstrap import open_service

ROUNDS = 21
REQUESTS = 1_600
CLIENTS = 16


class Server:
    """gunicorn with one worker, serving `app` at a port of its own."""

    def __init__(self, app: str, url: str) -> None:
        command = [sys.executable, "-m", "gunicorn", "--config", "python:datas.gunicorn_conf"]
        self.process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "4", app],
            env=os.environ | {"DATAS_DATABASE_URL": url, "DATAS_ALLOWED_HOSTS": "localhost"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        banner = "".join(iter(self.process.stdout.readline, "  Stop it:              Ctrl+C\n"))
        self.port = int(re.search(r"localhost:(\d+)", banner)[1])  # type: ignore[index]
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        while not (worker := Path(children).read_text().split()):
            time.sleep(0.05)
        self.worker = worker[0]

    def cpu(self) -> int:
        """Nanoseconds of CPU that the worker's threads have used, user and system."""
        tasks = Path(f"/proc/{self.worker}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def round(self) -> float:
        """Microseconds of CPU for one request, with `CLIENTS` of them under way at once."""
        clients = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(CLIENTS)]
        before = self.cpu()
        for _ in range(REQUESTS // CLIENTS):
            for client in clients:
                client.sendall(b"GET /api/datas/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for client in clients:
                answer = client.recv(4096)
                while not answer.endswith(b"}"):
                    answer += client.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(answer)
        used = self.cpu() - before
        for client in clients:
            client.close()
        return used / REQUESTS / 1e3


def main() -> None:
    """Print each round and the medians."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        with open_service(url) as items:
            items.create("hello " * 6)
        floor, datas = Server("tests.bench.floor:app", url), Server("datas.wsgi:app", url)
        try:
            floor.round(), datas.round()  # warm up
            rounds = [(floor.round(), datas.round()) for _ in range(ROUNDS)]
        finally:
            for server in (floor, datas):
                server.process.terminate()
                server.process.wait(30)
    print("CPU of one GET in µs: floor, Datas, ratio")
    for low, high in rounds:
        print(f"{low:8.1f} {high:8.1f} {high / low:6.2f}")
    low, high = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratios = [high / low for low, high in rounds]
    print(f"medians: {low:.1f} {high:.1f}, ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
