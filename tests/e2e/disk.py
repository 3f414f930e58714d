"""A small disk of its own, an ext4 image in a file, that can be filled, broken, and cut off."""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import DEADLINE
from tests.postgres import missing

SIZE = 96 * 1024 * 1024  # bytes, of which only those that are used exist
# ext4 answers with EIO from then on, and whatever had not been written is never written: what its
# developers take for a power cut (`godown` of xfstests). The flag: not even the journal is.
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
PROGRAMS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


class Disk:
    """An ext4 file system; `path` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self._image = folder / "disk.img"
        self._ballast = self.path / "ballast"

    def make(self) -> None:
        """Make the file system, empty."""
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(SIZE)
        self._run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))

    def mount(self) -> None:
        """Make its files appear."""
        self._run("mount", "-o", "loop", str(self._image), str(self.path))

    def unmount(self) -> None:
        """Make its files disappear, once nobody has one open; what can be written is, before."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                self._run("umount", str(self.path))
            except subprocess.CalledProcessError:
                assert time.monotonic() < end
                time.sleep(0.02)
            else:
                return

    def remount(self, option: str) -> None:
        """`ro`, which needs that nothing is open; or `abort`: as after an error of the device."""
        self._run("mount", "-o", f"remount,{option}", str(self.path))

    def protect(self, path: Path, *, on: bool = True) -> None:
        """Let nobody open a file for writing, not even root; who has it open writes on."""
        self._run("chattr", "+i" if on else "-i", str(path))

    def fill(self) -> None:
        """Leave no byte."""
        with self._ballast.open("wb", buffering=0) as file:
            taken, size = 0, SIZE
            while size >= 1024:
                try:
                    os.posix_fallocate(file.fileno(), taken, size)
                    taken += size
                except OSError:
                    size //= 2

    def empty(self) -> None:
        """Give that room back."""
        self._ballast.unlink()

    def cut_power(self) -> None:
        """Lose at once what only memory has. Nothing can be read or written any more."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def _run(self, program: str, *arguments: str) -> None:
        found = shutil.which(program, path=PROGRAMS)
        if found is None:
            raise FileNotFoundError(program)
        subprocess.run([found, *arguments], capture_output=True, check=True)


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """A fresh one, mounted; gone after the block."""
    disk = Disk(folder)
    try:
        disk.make()
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        missing(f"mkfs.ext4, and to be root where an image can be mounted ({error})")
    try:
        yield disk
    finally:
        # Lazily: a failed test's server may still have it open.
        subprocess.run(["umount", "--lazy", str(disk.path)], capture_output=True, check=False)
