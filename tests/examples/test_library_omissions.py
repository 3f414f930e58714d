"""Each line that is left out of the library stops the start with a sentence, or is harmless."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from library import COLLECTIONS
from tests.e2e.conftest import DEADLINE, clean_environ

ROOT = Path(__file__).parents[2]
LIBRARY = Path(COLLECTIONS.migrations or "").parent
# A field of a draft, a rule, a column, a field on the wire, a filter, an argument; a line of TOML.
DECLARES = re.compile(
    r"""\s+(\w+: .+|\w+ = (peewee\.|field\(|\w+Field\().*|"\w+": .+,|\w+=.+,|Served\(.+\),)$"""
    r"|(\w|\.)+ = (\S+|\".*[^\\]\")$"
)
SENTENCE = re.compile(r"[A-Zl].+ .+\.")
STOPPED = 3


class Omission(NamedTuple):
    """A line of a file."""

    file: Path
    number: int
    line: str


def _omissions() -> Iterator[Omission]:
    for file in sorted([*LIBRARY.rglob("*.py"), LIBRARY / "problems.toml"]):
        is_code = file.name in ("lending.py", "loans.py")
        for number, line in enumerate(file.read_text().splitlines()):
            declares = DECLARES.fullmatch(line) and not line.strip().startswith(("def ", "if "))
            is_whole = not line.endswith("(")
            if (
                declares
                and is_whole
                and not (is_code and "peewee." not in line and "Field(" not in line)
            ):
                yield Omission(file.relative_to(LIBRARY), number, line)


@pytest.mark.slow
def test_each_line_left_out_stops_the_start_or_is_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that is accepted gets lost, and nothing is answered by a server's error."""
    omissions = list(_omissions())
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda it: _start(tmp_path, it), omissions))
    harm = [
        f"{it.file}:{it.number + 1}: {it.line.strip()}\n{text[-1500:]}"
        for it, (code, text) in zip(omissions, found, strict=True)
        if code not in (0, STOPPED) or (code == STOPPED and not SENTENCE.match(text))
    ]
    stopped = sum(code == STOPPED for code, _ in found)
    with capsys.disabled():
        print(f"\nlines left out: {len(omissions)}, of which {stopped} stop the start")
    assert not harm, "\n\n".join(harm)
    assert stopped > len(omissions) / 2


def _start(tmp_path: Path, omission: Omission) -> tuple[int, str]:
    folder = tmp_path / f"{omission.file}-{omission.number}".replace(os.sep, "-")
    shutil.copytree(LIBRARY, folder / "library", ignore=shutil.ignore_patterns("__pycache__"))
    changed = folder / "library" / omission.file
    lines = changed.read_text().splitlines(keepends=True)
    del lines[omission.number]
    changed.write_text("".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "tests.examples.probe"],
        cwd=folder,
        env=clean_environ() | {"PYTHONPATH": os.pathsep.join((os.fspath(folder), str(ROOT)))},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
