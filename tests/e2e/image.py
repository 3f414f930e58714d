"""deploy/Dockerfile without a container engine: its steps in a folder, its command in namespaces.

What it can't show is the base image: Python is this machine's own.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.postgres import missing

ROOT = Path(__file__).parents[2]
INSTRUCTION = re.compile(r"^([A-Z]+) +((?:.*\\\n)*.*)", re.MULTILINE)
# The folders that the file makes; here they are in the test's own.
PLACES = re.compile(r"/(src|opt/datas|data)(?![\w.-])")
USER = "10001"
PORT = re.compile(r"\b8000\b")
# As a container is run: nothing but the volume (and what a machine keeps in memory) can be
# written, by a user without any right. The process stays the same throughout, and gets signals.
CONTAINED = f"""
mount --bind "$0" "$0"
mount -o remount,bind,ro /
if touch /tmp/written 2>/dev/null; then echo "the root file system can be written"; exit 1; fi
exec unshare --user --map-user={USER} --map-group={USER} "$@"
"""


class Image:
    """What the Dockerfile makes, in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        # Of this machine only what finds Python.
        self.environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.command: list[str] = []
        self.health: list[str] = []
        self.user = ""
        self._workdir = folder
        for name, text in INSTRUCTION.findall((ROOT / "deploy/Dockerfile").read_text()):
            getattr(self, f"_on_{name.lower()}")(self._placed(text))

    @property
    def data(self) -> Path:
        """The volume."""
        return self.folder / "data"

    def contained(self, *command: str) -> list[str]:
        """The command, to be run as in a container that can't write its root file system."""
        if os.geteuid() != 0 or not shutil.which("unshare"):
            missing("root, to make namespaces")
        unshare = ("unshare", "--mount", "--propagation", "private")
        return [*unshare, "sh", "-ec", CONTAINED, str(self.data), *command]

    def _placed(self, text: str) -> str:
        text = PLACES.sub(lambda match: f"{self.folder}{match[0]}", text)
        return PORT.sub(str(self.port), text)

    def _on_run(self, text: str) -> None:
        # The user of the image is whoever runs this test, who is called by its number inside.
        text = text.replace(USER, str(os.getuid()))
        done = subprocess.run(
            ["sh", "-ec", text],
            cwd=self._workdir,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"

    def _on_copy(self, text: str) -> None:
        *sources, target = text.split()
        if sources[0].startswith("--from="):
            # Both stages share the folder.
            assert sources[1:] == [target]
            return
        sent = re.findall(r"^!(.+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
        for source in sources:
            assert source in sent, f".dockerignore keeps {source} back"
            place = self._workdir / target
            place = place / Path(source).name if target.endswith("/") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, place, ignore=ignored)
            else:
                shutil.copy(ROOT / source, place)

    def _on_env(self, text: str) -> None:
        for word in shlex.split(text):
            name, _, value = word.partition("=")
            self.environ[name] = value.replace("$PATH", self.environ["PATH"])

    def _on_workdir(self, text: str) -> None:
        self._workdir = Path(text)
        self._workdir.mkdir(parents=True, exist_ok=True)

    def _on_cmd(self, text: str) -> None:
        self.command = json.loads(text)

    def _on_healthcheck(self, text: str) -> None:
        self.health = json.loads(text.partition("CMD ")[2])

    def _on_user(self, text: str) -> None:
        self.user = text

    def _nothing(self, text: str) -> None:
        """Say nothing of how it runs here."""

    _on_from = _on_label = _on_volume = _on_expose = _on_stopsignal = _nothing
