"""What keeps the newest requests. gunicorn's master makes it, so that a reload can't replace it."""

import mmap
from secrets import token_hex
from tempfile import TemporaryFile
from typing import IO, NamedTuple

SIZE = 4 * 1024 * 1024  # bytes


class Memory(NamedTuple):
    """An anonymous shared mapping, and an empty file without a name: nothing is on a disk."""

    ring: mmap.mmap
    file: IO[bytes]  # its lock
    id: str


def make_memory() -> Memory:
    return Memory(mmap.mmap(-1, SIZE), TemporaryFile(), token_hex(8))
