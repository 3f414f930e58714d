"""Standard streams that are closed when a command starts (`datas serve >&-`)."""

import os
import sys


def open_standard_streams() -> None:
    """Open /dev/null in the place of each closed one.

    Else the next file that is opened, such as the database, gets its number and the log's lines.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
            os.set_inheritable(opened, True)  # noqa: FBT003 (gunicorn replaces `datas serve`)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
