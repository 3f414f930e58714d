"""The console blocks of a page, typed into one shell as a reader would type them.

A block shows lines for a shell after `$ `, each with what it prints. What is printed must be what
is shown; "…" stands for anything, and the output of `curl -i` may leave headers out.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
HANDS = Path(__file__).with_name("terminal.sh")
DEADLINE = 200.0  # seconds for a page

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A terminal asks for these; without one `datas` reads the password from its input.
PROMPT = re.compile(r"^(Password \(.*\)|Again):\n", re.MULTILINE)
# What differs from run to run: as a page shows it, and what may be printed in its place.
TIME, ADDRESS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z", r"\d+\.\d+\.\d+\.\d+"
ANY = {"…": r"[\s\S]*?", TIME: TIME, ADDRESS: ADDRESS, r'(?<="request_id":")\w+': r"\w+"}
NUMBER = r"\d[\d,]*(?:\.\d+)?"
ANY_NUMBER = {NUMBER: NUMBER}
SEPARATOR = "\x1e"


def exchanges(page: str) -> list[tuple[str, str]]:
    """Each command of a page, with the output that the page shows."""
    found = []
    for block in BLOCK.findall(page):
        before, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not before, f"no command: {before}"
        for part in parts:
            command, _, output = part.partition("\n")
            found.append((command, PROMPT.sub("", output).rstrip()))
    return found


def run_page(page: str, folder: Path, environ: Mapping[str, str], *, any_id: bool = False) -> None:
    """Type all commands of a page, in one shell, in a folder that looks like the project's.

    With `any_id` a number may be another one than the page shows.
    Raises: AssertionError, if a command fails or prints something else.
    """
    _set_up(folder)
    shown = exchanges(page)
    printed = _type([command for command, _ in shown], folder, environ)
    for (command, output), actual in zip(shown, printed, strict=True):
        wild = ANY_NUMBER if any_id or command.startswith(("datas ", "make ")) else {}
        compare(command, output, actual, ANY | wild)


def _set_up(folder: Path) -> None:
    """A project whose files are links, and whose `.venv` installs nothing and serves anywhere."""
    for each in ROOT.iterdir():
        if not each.name.startswith((".", "build", "datas.db", "dist", "examples")):
            folder.joinpath(each.name).symlink_to(each)
    # A page may enter this folder, and make a database there.
    shutil.copytree(ROOT / "examples", folder / "examples")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    _write_script(programs / "python", f'exec {python} "$@"')
    _write_script(programs / "pip", "")
    _write_script(
        programs / "datas",
        'if [ "$1" = serve ]; then set -- serve --bind 127.0.0.1:0 "${@:2}"; fi\n'
        f'exec {python} -m datas "${{@/%:8000/:0}}"',
    )
    programs.joinpath("litestream").symlink_to(Path(sys.executable).with_name("litestream"))
    programs.joinpath("activate").write_text(f"PATH={shlex.quote(os.fspath(programs))}:$PATH\n")
    programs.parent.joinpath("complete").write_text(f"{folder.resolve()}\n")
    for stamp in ("run", "dev"):
        programs.parent.joinpath(stamp).touch()


def _write_script(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/bash\n{lines}\n")
    path.chmod(0o755)


def _type(commands: list[str], folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Run the commands in one shell; return what each prints."""
    hands = folder / ".hands"
    hands.mkdir()
    script = [f". {shlex.quote(os.fspath(HANDS))}", "exec 2>&1"]
    for command in commands:
        script += ["printf '\\x1e'", command]
    hands.joinpath("page.sh").write_text("\n".join([*script, ""]))
    with hands.joinpath("printed").open("w+b") as output:
        process = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", hands / "page.sh"],
            cwd=folder,
            env={**environ, "CURL_HOME": os.fspath(hands)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(DEADLINE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    text = hands.joinpath("printed").read_text().replace("\r", "")
    before, *printed = text.replace(os.fspath(folder), "/home/you/datas").split(SEPARATOR)
    assert code == 0, f"{commands[len(printed) - 1]}\nends with {code}:\n{printed[-1:]}"
    assert not before
    return [each.rstrip() for each in printed]


def compare(command: str, shown: str, printed: str, wild: Mapping[str, str]) -> None:
    """Raises: AssertionError, if what is shown is not what was printed."""
    if not shown:
        assert not printed.startswith("{") or '"success":true' in printed, f"{command}\n{printed}"
    elif not printed.startswith("HTTP/"):
        assert re.fullmatch(_pattern(shown, wild), printed), f"{command}\n{shown}\n---\n{printed}"
    else:
        lines = iter(printed.splitlines())
        for line in shown.splitlines():
            found = any(re.fullmatch(_pattern(line, wild), each) for each in lines)
            assert found, f"{command}\nno line in this order: {line}\n{printed}"


def _pattern(shown: str, wild: Mapping[str, str]) -> str:
    """A regular expression for what is shown, where some parts may differ."""
    places = re.compile("|".join(f"({place})" for place in wild))
    pieces, end = [], 0
    for match in places.finditer(shown):
        free = list(wild.values())[(match.lastindex or 1) - 1]
        pieces += [re.escape(shown[end : match.start()]), free]
        end = match.end()
    return "".join([*pieces, re.escape(shown[end:])])
