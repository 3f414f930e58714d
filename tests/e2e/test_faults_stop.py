"""Servers that are asked to stop, or to load anew, under load: no request comes to harm."""

import signal
import time

import pytest

from tests.e2e.conftest import Start
from tests.e2e.ledger import CLOSED, GOOD, REFUSED, ROUNDS, Ledger, check

# A connection that was kept may be closed between two requests (RFC 9112 §9.3.1): its client asks
# again. That nothing had been carried out of what was asked last, `Ledger.lost` tells.
BETWEEN = {CLOSED}
STOPPED = 10.0  # seconds


@pytest.mark.slow
def test_a_stop_harms_no_request(start: Start) -> None:
    """Each is answered, or refused before it begins; exit code 0, in time."""
    server = start("--workers", "2")
    with Ledger(server, clients=32) as ledger:
        for _ in range(ROUNDS):
            ledger.wait_for_more()
            server.process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            assert server.process.wait(STOPPED) == 0
            print(f"stopped after {time.monotonic() - begun:.2f} s")
            # Whoever is in doubt asks the next one, which serves on for a moment at its own end.
            again = ("--workers", "2", "--bind", f"127.0.0.1:{server.port}")
            server = start(*again, DATAS_DRAIN_SECONDS="1")
            ledger.wait_for_more()
    check(server, ledger)
    assert ledger.outcomes <= GOOD | BETWEEN | {REFUSED}
    assert not ledger.lost


@pytest.mark.slow
def test_a_reload_fails_no_request(start: Start) -> None:
    """SIGHUP replaces the workers, and nobody notices."""
    server = start("--workers", "2")
    with Ledger(server, clients=32) as ledger:
        for _ in range(ROUNDS):
            ledger.wait_for_more()
            server.reload()
        ledger.wait_for_more()
    check(server, ledger)
    assert ledger.outcomes <= GOOD | BETWEEN
    assert not ledger.lost
