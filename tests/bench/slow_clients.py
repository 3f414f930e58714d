"""How many of 24 good requests are answered while others take their time, with and without nginx.

The server has two workers of four threads; slow clients send a byte a second, or nothing of an
export of 6 MB. This takes ten minutes, since what isn't answered is waited for.
"""

import statistics
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.e2e.conftest import Server, request
from tests.e2e.front import SlowClients, fill, front
from tests.served import ROUTE

GOOD = 24
PATIENCE = 2  # seconds for each
# Seconds until they have what they want, or don't get it. To make an export takes time in any case.
SETTLED = {"heads": 3, "bodies": 3, "readers": 20, "idle": 3, "silent": 3}
CROWDS = [
    *({kind: count} for kind in ("heads", "bodies") for count in (4, 8, 16, 500)),
    *({"readers": count} for count in (4, 8, 16, 100)),
    *({"idle": count} for count in (1_000, 10_000)),
    *({"silent": count} for count in (1_000, 3_000)),
]


def answered(server: Server) -> list[float]:
    """The milliseconds of those good requests that were answered."""
    lasted = []
    for _ in range(GOOD):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        start = time.perf_counter()
        with suppress(OSError, HTTPException):
            if request(connection, "GET", f"{ROUTE}/1").status == 200:
                lasted.append((time.perf_counter() - start) * 1e3)
        connection.close()
    return lasted


def measure(name: str, server: Server) -> None:
    """Print what each crowd does to good requests."""
    for crowd in CROWDS:
        quiet = statistics.median(answered(server))
        slow = SlowClients(server.port, **crowd)
        [(kind, count)] = crowd.items()
        time.sleep(SETTLED[kind])
        lasted = answered(server)
        slow.stop()
        took = f"median {statistics.median(lasted):.1f} ms" if lasted else "-"
        print(
            f"{name:6} {count:6} {kind:8} {len(lasted):3} of {GOOD}, {took} (quiet: {quiet:.1f})",
            flush=True,
        )
        # Let it close what was broken off.
        time.sleep(3)


def main() -> None:
    """Measure a server as it is, then behind nginx."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name), "--workers", "2", DATAS_TRUSTED_PROXIES="1")
        try:
            fill(server, 5000)
            measure("bare", server)
            with front(Path(name), server.port) as before_it:
                measure("nginx", before_it)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
