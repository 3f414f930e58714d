"""Clients that crash are noticed, and so are faults that hit nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.prove import live
from tests.prove.clients import World
from tests.prove.databases import Missed, SqliteFile, alive
from tests.prove.history import History, read
from tests.prove.http_client import HttpClient
from tests.prove.plan import Fault
from tests.prove.servers import Nemesis, running_servers


def _world(path: Path) -> World:
    return World(History(path), time.monotonic, time.sleep)


def _wait_for_the_end_of(pids: list[int]) -> None:
    end = time.monotonic() + 10
    with pytest.raises(Missed):
        while time.monotonic() < end:
            alive(pids)


def test_a_client_that_crashes_ends_the_run_with_a_reason(tmp_path: Path) -> None:
    asked = threading.Event()

    def no_address() -> int:
        asked.set()
        raise LookupError("no address")

    world = _world(tmp_path / "history")
    client = HttpClient(world, 1, no_address)
    failed = live.work(world, [client], 1, lambda: asked.wait(10))
    world.history.close()
    assert failed == "client 2 crashed (LookupError('no address'))"


def test_a_process_that_has_ended_is_not_hit() -> None:
    """Neither before its parent has asked for its exit code, nor after."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert alive([process.pid]) == [process.pid]
    process.kill()
    _wait_for_the_end_of([process.pid])
    process.communicate()
    with pytest.raises(Missed):
        alive([process.pid])


def test_servers_follow_the_clock_that_is_moved(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("3600")
    made = (
        "from tests.prove.app import PACKAGE\n"
        "from datas.bootstrap import open_package\n"
        "from tests.served import COLLECTION\n"
        f"with open_package('sqlite:///{tmp_path}/x.db', PACKAGE) as services:\n"
        "    service = services[COLLECTION.plural]\n"
        "    print(service.create(COLLECTION.draft('x')).date_created.timestamp())\n"
    )
    environ = os.environ | {"PROVE_CLOCK": str(clock)}
    done = subprocess.run(
        [sys.executable, "-c", made], env=environ, capture_output=True, text=True, check=True
    )
    assert 3500 < float(done.stdout) - time.time() < 3700


def test_a_full_disk_that_no_worker_writes_to_is_missed(tmp_path: Path) -> None:
    with pytest.raises(Missed):
        SqliteFile(tmp_path, None).do("full disk", 0, [])


@pytest.mark.slow
def test_a_fault_without_a_process_is_not_done(tmp_path: Path) -> None:
    """All workers of a server are killed, and its master starts no others meanwhile."""
    world = _world(tmp_path / "history")
    faults = [Fault(0, kind, 0, 0.1) for kind in ("stop a worker", "full disk")]
    with running_servers(tmp_path, SqliteFile(tmp_path, None)) as servers:
        nemesis = Nemesis(servers, world, [])
        nemesis.run(faults)
        for node in servers.nodes:
            node.freeze()
            for pid in node.workers():
                os.kill(pid, signal.SIGKILL)
            _wait_for_the_end_of(node.workers())
        nemesis.run([*faults, Fault(0, "kill a worker", 0, 0.1)])
    world.history.close()
    with (tmp_path / "history").open(encoding="utf-8") as lines:
        done = [fault.done for fault in read(lines).faults]
    assert done == [True, True, False, False, False]
