"""A copy of the project that a page of `docs/` changes, and what a reader then does with it."""

import csv
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, expect

from tests.e2e.browser import Visit
from tests.e2e.conftest import Server, clean_environ, run_datas
from tests.pages import apply

ROOT = Path(__file__).parents[2]
# What isn't the project's text: tools' folders, what is built, and databases.
TOOLS = (".git", ".venv", ".*_cache", ".hypothesis", ".schemathesis", "__pycache__")
LEFT_OUT = (*TOOLS, "build", "dist", "*.db", "*.db-*")
COMMANDS = {
    "datas": "python -m datas",
    "lint-imports": "lint-imports --no-cache",
    "mypy": "mypy",
    "python": "python",
    "ruff": "ruff",
}


class Use(NamedTuple):
    """What to do with a collection: the JSON of a record, and a list that finds only this one."""

    path: str
    plural: str
    body: Mapping[str, Any]
    question: str
    schema: str  # the name of its draft in the OpenAPI document
    environ: Mapping[str, str] = {}


class Copy:
    """A folder with the project in it, in which `make` finds everything set up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = os.pathsep.join((os.fspath(folder), os.fspath(folder / "examples")))
        self.environ = clean_environ() | {"PYTHONPATH": path}
        # Where `.ci/run` puts promtool; a copy has no build folder.
        self.environ["PATH"] += f"{os.pathsep}{ROOT / 'build/prometheus/usr/bin'}"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
        # What mypy knows of the packages needn't be found out anew for each copy.
        if (cache := ROOT / ".mypy_cache").is_dir():
            shutil.copytree(cache, folder / ".mypy_cache", dirs_exist_ok=True)
        self._set_up()

    def _set_up(self) -> None:
        venv = self.folder / ".venv"
        (venv / "bin").mkdir(parents=True)
        for name, command in COMMANDS.items():
            program, *arguments = command.split()
            words = [os.fspath(Path(sys.executable).with_name(program)), *arguments]
            script = venv / "bin" / name
            # A page that changes what is needed must not install it for everybody else.
            lines = ["#!/bin/sh", '[ "$2" = pip ] && exit 0', f'exec {shlex.join(words)} "$@"']
            script.write_text("\n".join(lines) + "\n")
            script.chmod(0o755)
        (venv / "complete").write_text(f"{self.folder.resolve()}\n")
        for stamp in ("run", "dev"):
            (venv / stamp).touch()

    def follow(self, page: str) -> None:
        """Do what a page says, all of it or a part, and check what comes of it."""
        apply(page, self.folder, self.environ)
        self._run("make", "check")

    def test(self, *arguments: str) -> None:
        """Run the tests that `make test` runs, or these of them; there must be some."""
        # PostgreSQL has the same adapter, and a test suite of its own elsewhere.
        which = ("-m", "not slow", "-k", "not postgresql")
        # In one process: other tests, of what happens in time, run beside it.
        quiet = ("-q", "-p", "no:cacheprovider", *which)
        self._run(".venv/bin/python", "-m", "pytest", *quiet, *arguments)

    def use(self, use: Use, browser: Browser | None = None) -> None:
        """Serve the copy, and use a collection over HTTP, by files, and in the console.

        Lessons are about the first collection; another needs no browser.
        """
        with self.served(use) as server:
            use_over_http(server, use)
            if browser:
                do_the_first_lesson(server, browser, use)
            else:
                assert server.request("POST", use.path, use.body).status == 201
        for name in ("out.csv", "out.ndjson"):
            self._use_by_files(use, name)

    @contextmanager
    def served(self, use: Use) -> Iterator[Server]:
        """A server of the copy, for the length of the block."""
        environ = {"PYTHONPATH": self.environ["PYTHONPATH"], **use.environ}
        server = Server(self.folder, "--workers", "1", **environ)
        try:
            yield server
        finally:
            assert server.stop() == 0
            server.close()

    def _use_by_files(self, use: Use, name: str) -> None:
        """Export all records, import them into an empty database, and find the same there."""
        other = ("--database", f"sqlite:///{secrets.token_hex(4)}.db")  # a copy is used twice
        self.datas(use, "export", name)
        self.datas(use, "import", name, *other)
        self.datas(use, "export", f"again-{name}", *other)
        before, after = (_drafts(self.folder / it, use) for it in (name, f"again-{name}"))
        assert before == after
        assert len(before) > 0

    def datas(self, use: Use, command: str, *arguments: str, stdin: bytes = b"") -> None:
        """Run a command of the copy."""
        environ = {"PYTHONPATH": self.environ["PYTHONPATH"], **use.environ}
        words = (command, *arguments, "--collection", use.plural)
        done = run_datas(self.folder, *words, stdin=stdin, **environ)
        assert done.returncode == 0, done.stderr

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-8000:]}{done.stderr[-2000:]}"


def use_over_http(served: Server, use: Use) -> None:
    """Create, read, list and delete, and look at what describes the collection."""
    created = served.request("POST", use.path, use.body)
    assert created.status == 201, created.content
    record = served.request("GET", created.headers["Location"]).json["data"]
    assert use.body.items() <= record.items()
    found = served.request("GET", f"{use.path}?{use.question}").json["data"]
    assert [it["id"] for it in found] == [record["id"]]
    document = served.request("GET", "/openapi.json").json
    assert use.path in document["paths"]
    assert document["components"]["schemas"][use.schema]["properties"].keys() == use.body.keys()
    assert served.request("GET", "/problems/invalid-parameter").status == 200
    assert served.request("DELETE", created.headers["Location"]).status == 200


def do_the_first_lesson(served: Server, browser: Browser, use: Use) -> None:
    """Create a record in the console, which counts its first lesson as done then."""
    with browser.new_context() as context:
        visit = Visit(context.new_page(), f"http://127.0.0.1:{served.port}")
        page = visit.page
        page.goto(visit.origin)
        expect(page.locator("#lesson-steps li")).not_to_have_count(0)
        hrefs = "links => links.map((link) => link.getAttribute('href'))"
        for link in set(page.locator("a[href^='/']").evaluate_all(hrefs)):
            assert served.request("GET", link).status == 200, link
        expect(page.locator("#lesson-steps .done")).to_have_count(0)
        page.locator("#tab-send").click()
        form = page.locator("form:has([name=path])")
        form.locator("[name=method]").fill("POST")
        form.locator("[name=path]").fill(use.path)
        form.locator("[name=headers]").fill("Content-Type: application/json")
        form.locator("[name=body]").fill(json.dumps(use.body))
        form.get_by_role("button", name="Send").click()
        expect(page.locator("#lesson-steps .done")).not_to_have_count(0)
        assert (visit.outside, visit.faults) == ([], [])


def _drafts(file: Path, use: Use) -> list[dict[str, Any]]:
    """What clients wrote of the records in a file."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines) if file.suffix == ".csv" else map(json.loads, lines)
        return [{name: row[name] for name in use.body} for row in rows]
