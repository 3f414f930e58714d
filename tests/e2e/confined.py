"""Runs a command under the system call filters of a systemd unit, as systemd sets them.

    python confined.py UNIT COMMAND…

Standard library only, and libseccomp, which systemd itself brings along.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000


class Compare(ctypes.Structure):
    """A condition on an argument (seccomp_rule_add(3))."""

    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


def members(group: str) -> set[str]:
    """The system calls of one of systemd's groups."""
    if not group.startswith("@"):
        return {group}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], stdout=subprocess.PIPE, text=True, check=True
    )
    names = re.findall(r"^ {4}([\w@-]+)$", listed.stdout, re.MULTILINE)
    return set().union(*map(members, names))


def allowed(settings: dict[str, list[str]]) -> set[str]:
    """The system calls that the unit leaves."""
    calls: set[str] = set()
    for line in settings["SystemCallFilter"]:
        groups = set().union(*map(members, line.lstrip("~").split()))
        calls = calls - groups if line.startswith("~") else calls | groups
    # These systemd never takes away.
    return calls | members("@default")


class Filter:
    """A filter of system calls."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, name: str, *conditions: Compare) -> None:
        """What to do with a system call; this machine may lack it."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (Compare * len(conditions))(*conditions)
        done = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(conditions), array
        )
        if done:
            raise OSError(-done, f"no rule for {name}")

    def load(self) -> None:
        """Put this process, and all its children, under it; with NoNewPrivileges."""
        if done := self._library.seccomp_load(self._context):
            raise OSError(-done, "the filter can't be loaded")


def confine(unit: Path) -> None:
    """Set the unit's filters."""
    settings: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)", unit.read_text(), re.MULTILINE):
        settings.setdefault(name, []).append(value)
    calls = allowed(settings)
    refused = ERRNO | errno.EPERM
    writable_code = Filter(ALLOW)
    both = PROT_WRITE | PROT_EXEC
    if settings["MemoryDenyWriteExecute"] == ["true"]:
        writable_code.add(refused, "mmap", Compare(2, MASKED_EQUAL, both, both))
        for name in ("mprotect", "pkey_mprotect"):
            writable_code.add(refused, name, Compare(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
        writable_code.add(refused, "shmat", Compare(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
    calls_only = Filter(refused)
    for name in calls - {"socket"}:
        calls_only.add(ALLOW, name)
    for family in settings["RestrictAddressFamilies"][0].split():
        calls_only.add(ALLOW, "socket", Compare(0, EQUAL, getattr(socket, family), 0))
    writable_code.load()
    calls_only.load()


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606
