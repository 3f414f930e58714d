"""Servers that are killed under load: what was acknowledged is there, and they go on."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.ledger import GOOD, OF_DEATH, REFUSED, ROUNDS, Ledger, check, check_integrity

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_killed_workers_lose_nothing(start: Start, tmp_path: Path) -> None:
    """Others answer meanwhile, and a new one takes the place of each."""
    server = start("--workers", "2")
    with Ledger(server) as ledger:
        ledger.wait_for_more()
        for _ in range(ROUNDS):
            killed = server.workers()[0]
            os.kill(killed, signal.SIGKILL)
            ledger.wait_for_more()
            assert killed not in server.workers()
    check(server, ledger)
    check_integrity(tmp_path / "datas.db")
    assert ledger.outcomes <= GOOD | OF_DEATH - {REFUSED}
    assert ledger.outcomes & OF_DEATH
    assert len(server.workers()) == 2


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.slow)])
def test_a_killed_server_loses_nothing(start: Start, tmp_path: Path, rounds: int) -> None:
    """Its workers die with it; started again at once, on the same port and file, it goes on."""
    server = start("--workers", "2")
    with Ledger(server) as ledger:
        for _ in range(rounds):
            ledger.wait_for_more()
            server.kill()
            killed = time.monotonic()
            server = start("--workers", "2", "--bind", f"127.0.0.1:{server.port}")
            ledger.wait_for_more()
            print(f"answers again {time.monotonic() - killed:.2f} s after the death")
    check(server, ledger)
    check_integrity(tmp_path / "datas.db")
    assert ledger.outcomes <= GOOD | OF_DEATH
    assert REFUSED in ledger.outcomes


@pytest.mark.slow
def test_two_servers_share_a_file(start: Start, tmp_path: Path) -> None:
    """Under load neither sees an error of the other's, not even of one that is killed."""
    servers = [start("--workers", "1") for _ in range(2)]
    with Ledger(*servers, clients=4) as of_both, Ledger(servers[0], clients=4, name="d") as of_one:
        of_one.wait_for_more(200)
        of_both.wait_for_more()
        assert of_both.outcomes | of_one.outcomes <= GOOD
        servers[1].kill()
        of_one.wait_for_more(200)
        of_both.wait_for_more()
    check(servers[0], of_one, of_both)
    check_integrity(tmp_path / "datas.db")
    assert of_one.outcomes <= GOOD
    assert of_both.outcomes <= GOOD | OF_DEATH
