"""The temporary folder in which a copy of an SQLite file is made."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from datas.adapters.sql.sqlite_file import SIDES

_PARTS = {"lock", "copy", *(f"copy{side}" for side in SIDES)}  # of a folder


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target, until the end of the block. Remove those of killed processes."""
    for left in target.parent.glob(f"{escape(target.name)}.????????.datas-copy"):
        _clear_up(left)
    with TemporaryDirectory(".datas-copy", f"{target.name}.", target.parent) as name:
        folder = Path(name)
        with (folder / "new").open("wb") as lock:
            with suppress(OSError):  # without locks, no other process removes it
                fcntl.flock(lock, fcntl.LOCK_EX)
            # The rename makes sure that no other process finds it unlocked.
            (folder / "new").rename(folder / "lock")
            yield folder


def _clear_up(folder: Path) -> None:
    """Remove a temporary folder of a dead process. A folder with other files stays."""
    with suppress(OSError), (folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if {path.name for path in folder.iterdir()} <= _PARTS:
            rmtree(folder)
