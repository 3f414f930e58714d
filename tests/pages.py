"""Pages that change the project step by step, and what applies their steps to a copy of it.

A step is a fenced block, under a line that names its file. `diff` blocks show a place in that file,
which must be there once, with what is removed and added; a line `@@` divides two places. A block in
another language is a new file as a whole. Lines after `$ ` in a `console` block are run in order.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def apply(page: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Do all that the page says in a folder. Raises: AssertionError, where it can't be done."""
    assert page.count("\n```") == 2 * len(BLOCK.findall(page)), "a block without a language"
    for step in BLOCK.finditer(page):
        language, block = step.groups()
        if language == "console":
            _run(block, folder, environ)
            continue
        line = page[: step.start()].rstrip().rpartition("\n")[2]
        named = re.findall(r"`([\w./-]+)`", line)
        assert named, f"which file? {line!r}"
        file = folder / named[0]
        if language == "diff":
            file.write_text(patched(file.read_text(), block, named[0]))
        else:
            assert not file.exists(), f"{named[0]} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block)


def patched(text: str, block: str, name: str = "the file") -> str:
    """The text after the changes of a `diff` block."""
    for hunk in re.split(r"^@@\n", block, flags=re.MULTILINE):
        lines = hunk.splitlines()
        assert all(line[:1] in " +-" for line in lines), f"neither ' ', '+' nor '-': {hunk}"
        old, new = ("\n".join([line[1:] for line in lines if line[:1] != it]) for it in "+-")
        found = len(re.findall(rf"(?=\n{re.escape(old)}\n)", f"\n{text}"))
        assert found == 1, f"{name} has {found} places, not one, that read:\n{old}"
        text = f"\n{text}".replace(f"\n{old}\n", f"\n{new}\n" if new else "\n")[1:]
    return text


def _run(block: str, folder: Path, environ: Mapping[str, str]) -> None:
    commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
