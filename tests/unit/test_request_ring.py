"""The ring that workers share: whole entries, in order, whoever is killed."""

import mmap
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from datas.adapters.request_ring import SIZE, SLOTS, RequestRing


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
    ring.put({"target": "/" + "é" * SIZE, "request_body": "x", "request_headers": [["a", "b"]]})
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


class DyingMemory(mmap.mmap):
    """Stops a writer in the middle of an entry, as a kill does."""

    is_dying = False

    def __setitem__(self, where: Any, value: Any) -> None:
        """Write half of a text."""
        if self.is_dying and len(value) > 12:
            super().__setitem__(slice(where.start, where.start + 9), b"x" * 9)
            raise KeyboardInterrupt
        super().__setitem__(where, value)


def test_an_entry_that_was_half_written_is_not_there() -> None:
    """Nor the one whose place it took; the next writer takes its number."""
    ring = RequestRing()
    memory = ring._ring = DyingMemory(-1, SIZE)  # noqa: SLF001
    for number in range(1, SLOTS + 1):
        ring.put({"target": f"/{number}"})
    memory.is_dying = True
    with pytest.raises(KeyboardInterrupt):
        ring.put({"target": "/killed"})
    memory.is_dying = False
    last, found = ring.since(0)
    assert last == SLOTS
    assert [each["id"] for each in found] == list(range(2, SLOTS + 1))
    ring.put({"target": "/next"})
    assert ring.since(SLOTS)[1] == [{"id": SLOTS + 1, "target": "/next"}]


@pytest.mark.slow
def test_writers_that_are_killed_leave_no_broken_entry_and_no_lock() -> None:
    """Three processes of four threads each; they are killed again and again, wherever they are."""
    ring = RequestRing(is_shared=True)
    writers = [_fork_writer(ring) for _ in range(3)]
    begin, seen, slowest, ends = time.monotonic(), 0, 0.0, set()
    try:
        while time.monotonic() < begin + 4:
            ends.add(_kill(writers.pop(0)))
            writers.append(_fork_writer(ring))
            time.sleep(0.02)
            asked = time.monotonic()
            last, found = ring.since(seen)  # raises for broken JSON
            slowest = max(slowest, time.monotonic() - asked)
            assert all(each["target"] == each["letter"] * each["size"] for each in found)
            assert last >= seen
            seen = last
    finally:
        ends |= {_kill(pid) for pid in writers}
    print(seen, slowest)
    assert ends == {-signal.SIGKILL}  # no writer failed by itself
    assert seen > 500
    assert slowest < 2
    ring.put({"target": "after"})
    assert ring.since(seen)[1][-1]["target"] == "after"


def _kill(pid: int) -> int:
    """Kill a process, and return how it ended."""
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _fork_writer(ring: RequestRing) -> int:
    if pid := os.fork():
        return pid

    def write() -> None:
        letter = random.choice("abcdefghijklmnop")  # noqa: S311
        try:
            while os.getppid() != 1:  # an orphan ends
                size = random.randrange(10_000)  # noqa: S311
                ring.put({"letter": letter, "size": size, "target": letter * size})
        finally:
            os._exit(1)

    for _ in range(3):
        threading.Thread(target=write).start()
    write()
    raise AssertionError
