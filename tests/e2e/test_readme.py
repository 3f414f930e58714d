"""README's commands, run in order as a reader would run them, and what it says that they print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ

README = Path(__file__).parents[2].joinpath("README.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

# Commands with this in them aren't run, and why.
NOT_RUN = {
    "pip install": "it downloads",
    ".example": "the host is made up",
    "$DATAS_DATABASE_URL": "so is the database",
    "litestream": "test_litestream.py runs them",
    "LITESTREAM_REPLICA": "this is for them,",
    "umask": "this too,",
    "fetched.db": "and this is what they leave",
}
# These are asked for on a terminal alone; without one `datas` reads the password from its input.
PROMPT = re.compile(r"^(Password \(.*\)|Again):\n", re.MULTILINE)
PASSWORD = "correct horse\n"
# A test may not write there; the same files are made in its own folder.
FOLDERS = {"/mnt/backups": "backups", "/var/lib": "."}
# What `make run` sets.
MAKE_RUN = {"DATAS_ACCESS": "open", "DATAS_REGISTRATION": "open", "DATAS_EXPLAIN": "true"}
# The server that README starts has this port, the test's has a free one.
PORT = "localhost:8000"

ANY = {
    "…": r"[\s\S]*?",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    r'(?<="request_id":")\w+': r"\w+",
}
# What `datas` counts depends on what is stored: README's database is bigger.
ANY_NUMBER = {r"\d[\d,]*": r"\d[\d,]*"}
SHELL = f'datas() {{ {shlex.quote(sys.executable)} -m datas "$@"; }}\nset -o pipefail\n'


def exchanges() -> list[tuple[str, str]]:
    """Each command with the output that README shows."""
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, PROMPT.sub("", output).strip()))
    return found


def pattern(shown: str, wild: dict[str, str]) -> str:
    """A regular expression for what is shown, where some parts may differ."""
    places = re.compile("|".join(f"({place})" for place in wild))
    pieces, end = [], 0
    for match in places.finditer(shown):
        free = list(wild.values())[(match.lastindex or 1) - 1]
        pieces += [re.escape(shown[end : match.start()]), free]
        end = match.end()
    return "".join([*pieces, re.escape(shown[end:])])


class Reader:
    """Somebody with a terminal and a server, who types what stands in README."""

    def __init__(self, folder: Path, curl_home: Path, start: Start) -> None:
        self.folder = folder
        self.start = start
        self.server: Server | None = start(**MAKE_RUN)
        self.seen = ""
        (folder / "backups").mkdir()
        curl_home.joinpath(".curlrc").write_text("silent\nshow-error\n")
        self.variables = {"CURL_HOME": os.fspath(curl_home)}

    def type(self, command: str) -> str:
        """Type one command, and return what it prints."""
        command = self._filled_in(command)
        if command.startswith("datas serve"):
            self._stop()
            self._serve(*command.split()[2:])
            return ""
        if assigned := re.fullmatch(r"(\w+)=(\S+)", command):
            self.variables[assigned[1]] = assigned[2]
            return ""
        if command.startswith("datas restore"):
            self._stop()
        elif self.server is None:
            self._serve()
        self.seen = self._run(command)
        return self.seen

    def _filled_in(self, command: str) -> str:
        """The command with what the reader puts in: what was printed before, and the folders."""
        for word in re.findall(r"[\w-]+…", command):
            printed = re.search(rf"{re.escape(word[:-1])}[\w-]+", self.seen)
            assert printed, f"nothing like {word} was printed: {self.seen}"
            command = command.replace(word, printed[0])
        return self.located(command)

    def located(self, text: str) -> str:
        """The text with the test's own folders."""
        for named, own in FOLDERS.items():
            text = text.replace(named, os.path.normpath(self.folder / own))
        return text

    def _run(self, command: str) -> str:
        assert self.server or command.startswith("datas restore")
        port = f"localhost:{self.server.port}" if self.server else PORT
        done = subprocess.run(
            ["bash", "-c", SHELL + command.replace(PORT, port)],
            cwd=self.folder,
            env=clean_environ() | self.variables,
            input=PASSWORD,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout.replace(port, PORT).replace("\r", "").strip()

    def _serve(self, *arguments: str) -> None:
        # The default, named: without a word of it, `start` opens the server to anybody.
        self.server = self.start(*arguments, DATAS_ACCESS="authenticated")

    def _stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None


def compare(command: str, shown: str, printed: str) -> None:
    """What is shown is what is printed; of headers (`curl -i`) some may be left out."""
    wild = ANY | (ANY_NUMBER if command.startswith("datas ") else {})
    if " -i " not in command:
        assert re.fullmatch(pattern(shown, wild), printed), f"{command}\n{shown}\n{printed}"
        return
    lines = iter(printed.splitlines())
    for line in shown.splitlines():
        found = any(re.fullmatch(pattern(line, wild), each) for each in lines)
        assert found, f"{command}\nno line in this order: {line}\n{printed}"


@pytest.mark.slow
def test_readme_prints_what_it_shows(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, start: Start
) -> None:
    """Every command of every block, in one folder, over one server, which it may start anew."""
    reader = Reader(tmp_path, tmp_path_factory.mktemp("curl"), start)
    for command, shown in exchanges():
        if any(part in command for part in NOT_RUN):
            continue
        printed = reader.type(command)
        if shown:
            compare(command, reader.located(shown), printed)
        elif printed.startswith("{"):
            assert '"success":true' in printed, f"{command}\n{printed}"
