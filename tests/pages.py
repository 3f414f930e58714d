"""Pages that change the project step by step, and the one shell script that does what they say.

A step is a fenced block, under a line that names its file. `diff` blocks show a place in that file,
which must be there once, with what is removed and added; a line `@@` divides two places. A block in
another language is a new file as a whole. Lines after `$ ` in a `console` block are run in order,
those of all blocks in one shell, as a reader runs them; blocks without `$ ` show an output.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def apply(page: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Do all that the page says in a folder. Raises: AssertionError, where it can't be done."""
    assert page.count("\n```") == 2 * len(BLOCK.findall(page)), "a block without a language"
    done = subprocess.run(
        ["bash", "-eu"],
        input="\n".join(_commands(page)),
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}{done.stderr[-4000:]}"


def _commands(page: str) -> Iterator[str]:
    """Lines for the shell: what the page shows, and commands that do what a reader edits."""
    for step in BLOCK.finditer(page):
        language, block = step.groups()
        if language == "console":
            yield from re.findall(r"^\$ (.*)$", block, re.MULTILINE)
            continue
        line = page[: step.start()].rstrip().rpartition("\n")[2]
        named = re.findall(r"`([\w./-]+)`", line)
        assert named, f"which file? {line!r}"
        command = [sys.executable, __file__, language, named[0]]
        yield f"{shlex.join(command)} <<'END_OF_STEP'\n{block}END_OF_STEP"


def edit(language: str, name: str, block: str) -> None:
    """Change or make one file of the current folder. Raises: AssertionError."""
    file = Path(name)
    if language == "diff":
        file.write_text(patched(file.read_text(), block, name))
    else:
        assert not file.exists(), f"{name} is there already"
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


if __name__ == "__main__":
    edit(sys.argv[1], sys.argv[2], sys.stdin.read())
