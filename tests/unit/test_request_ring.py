"""The ring that workers share: whole entries, in order, whoever is killed."""

import mmap
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryFile

import pytest

from datas.adapters.request_ring import OWN_SIZE, SLOTS, RequestRing


def test_entries_come_back_in_order() -> None:
    """The newest of them, and only those after a number."""
    ring = RequestRing()
    assert ring.since(0) == (0, [])
    for number in range(1, 501):
        ring.put({"target": f"/{number}"})
    last, found = ring.since(0)
    assert last == 500
    assert found == [{"id": each, "target": f"/{each}"} for each in range(501 - SLOTS, 501)]
    assert ring.since(499)[1] == found[-1:]
    assert ring.since(500) == (500, [])
    assert ring.since(501) == (500, found)


def test_an_entry_of_any_text_comes_back() -> None:
    """Also with what UTF-8 has no bytes for, and if it is too long for a slot."""
    ring = RequestRing()
    ring.put({"target": "/é\N{SNOWMAN}\x00\n", "request_body": "\ud800"})
    ring.put({"target": "/" + "é" * OWN_SIZE, "request_body": "x", "request_headers": [["a", "b"]]})
    [odd, long] = ring.since(0)[1]
    assert (odd["target"], odd["request_body"]) == ("/é\N{SNOWMAN}\x00\n", "?")
    assert (long["request_body"], long["request_headers"]) == (None, [])
    assert long["target"].startswith("/ééé")


def test_threads_don_t_mix_their_entries() -> None:
    """Each number is given once."""
    ring = RequestRing()
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda each: ring.put({"target": str(each) * 50}), range(180)):
            pass
    last, found = ring.since(0)
    assert last == len(found) == 180
    assert {each["target"] for each in found} == {str(each) * 50 for each in range(180)}


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_no_broken_entry_and_no_lock() -> None:
    """Four processes write; each is killed again and again, wherever it is."""
    with TemporaryFile() as file:
        memory = mmap.mmap(-1, OWN_SIZE), file
        reader, writers = RequestRing(memory), [_fork_writer(memory) for _ in range(4)]
        begin, seen, slowest = time.monotonic(), 0, 0.0
        while time.monotonic() < begin + 4:
            os.kill(writers[0], signal.SIGKILL)
            os.waitpid(writers.pop(0), 0)
            writers.append(_fork_writer(memory))
            time.sleep(0.02)
            asked = time.monotonic()
            last, found = reader.since(seen)  # raises for broken JSON
            slowest = max(slowest, time.monotonic() - asked)
            assert all(each["target"] == "x" * 5000 for each in found)
            assert last >= seen
            seen = last
        for pid in writers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print(seen, slowest)
        assert seen > 500
        assert slowest < 2
        reader.put({"target": "after"})
        assert reader.since(seen)[1][-1]["target"] == "after"


def _fork_writer(memory: tuple[mmap.mmap, object]) -> int:
    if pid := os.fork():
        return pid
    ring = RequestRing(memory)  # type: ignore[arg-type]
    while True:
        ring.put({"target": "x" * 5000})
