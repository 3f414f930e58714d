"""The newest requests, in memory that all workers share (Linux and macOS)."""

import fcntl
import json
import mmap
import struct
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from tempfile import TemporaryFile
from typing import Any

SIZE = 4 * 1024 * 1024  # bytes
SLOTS = 200
# What an entry has that would be too long for a slot, beside the beginning of its target.
_BARE: Mapping[str, Any] = {
    "request_headers": [],
    "response_headers": [],
    "request_body": None,
    "response_body": None,
}
MAX_TARGET = 1000  # characters
_HEAD = struct.Struct("<QI")  # of a slot: the entry's number, and the length of its JSON


class RequestRing:
    """A ring of entries, numbered from 1. Processes that are forked later share it.

    A worker may be killed at any point: the kernel frees its lock, and a slot that is half written
    has no number.
    """

    def __init__(self, *, is_shared: bool = False) -> None:
        self.id, self.is_shared = token_hex(8), is_shared
        self._ring = mmap.mmap(-1, SIZE)  # nothing is on a disk
        self._file = TemporaryFile()  # noqa: SIM115 (only to be locked)
        weakref.finalize(self, self._file.close)
        self._slot = SIZE // (SLOTS + 1)  # the first one has the newest number
        self._threads = threading.Lock()

    def put(self, entry: Mapping[str, Any]) -> None:
        text = _encoded(entry)
        if len(text) > self._slot - _HEAD.size:
            text = _encoded({**entry, **_BARE, "target": entry["target"][:MAX_TARGET]})
        with self._lock():
            number = self._last() + 1
            place = self._place(number)
            begin = place + _HEAD.size
            self._ring[place:begin] = bytes(_HEAD.size)
            self._ring[begin : begin + len(text)] = text
            self._ring[place:begin] = _HEAD.pack(number, len(text))
            _HEAD.pack_into(self._ring, 0, number, 0)

    def since(self, number: int) -> tuple[int, list[dict[str, Any]]]:
        """The newest number, and the entries after this one: all if no entry had it yet."""
        with self._lock():
            last = self._last()
            first = max(number if number <= last else 0, last - SLOTS) + 1
            found = {each: self._read(each) for each in range(first, last + 1)}
        return last, [{"id": each, **json.loads(text)} for each, text in found.items() if text]

    def _read(self, number: int) -> bytes:
        place = self._place(number)
        found, size = _HEAD.unpack_from(self._ring, place)
        begin = place + _HEAD.size
        return self._ring[begin : begin + size] if found == number else b""

    def _last(self) -> int:
        number: int = _HEAD.unpack_from(self._ring, 0)[0]
        return number

    def _place(self, number: int) -> int:
        return self._slot * (1 + number % SLOTS)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # A lock of `lockf` belongs to the process: it excludes no other thread of it.
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _encoded(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode(errors="replace")
