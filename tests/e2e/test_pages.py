"""The pages of `docs/`, done to a copy of the project as they say, step by step."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Server, clean_environ, run_datas
from tests.pages import apply, patched

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# What isn't the project's text: tools' folders, what is built, and items.
LEFT_OUT = (".*", "__pycache__", "build", "dist", "*.db", "*.db-*")
COMMANDS = {
    "datas": "python -m datas",
    "lint-imports": "lint-imports --no-cache",
    "mypy": "mypy",
    "python": "python",
    "ruff": "ruff",
}


class Copy:
    """A folder with the project in it, in which `make` finds everything set up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = clean_environ() | {
            "PYTHONPATH": os.pathsep.join((os.fspath(folder), os.fspath(folder / "examples")))
        }
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
        """Run tests of the copy; all must pass, and there must be some."""
        # PostgreSQL has the same adapter, and a test suite of its own elsewhere.
        which = ("-m", "not slow", "-k", "not postgresql")
        quiet = ("-q", "-p", "no:cacheprovider", "-n", "2", *which)
        self._run(".venv/bin/python", "-m", "pytest", *quiet, *arguments)

    def use(self, path: str, body: Mapping[str, Any], question: str, **environ: str) -> None:
        """Serve the copy, and use its first collection: over HTTP, by files, on every page."""
        served = Server(self.folder, "--workers", "1", **self._path, **environ)
        try:
            created = served.request("POST", path, body)
            assert created.status == 201, created.content
            record = served.request("GET", created.headers["Location"]).json["data"]
            assert body.items() <= record.items()
            found = served.request("GET", f"{path}?{question}").json["data"]
            assert [it["id"] for it in found] == [record["id"]]
            assert served.request("GET", "/").status == 200
            document = served.request("GET", "/openapi.json").json
            assert path in document["paths"]
            assert served.request("GET", "/problems/invalid-parameter").status == 200
        finally:
            assert served.stop() == 0
            served.close()
        plural = path.rpartition("/")[2].replace("datas", "items")
        options = ("--collection", plural)
        for command in (
            ("export", "out.csv"),
            ("import", "out.csv", "--database", "sqlite:///other.db"),
        ):
            done = run_datas(self.folder, *command, *options, stdin=b"", **self._path, **environ)
            assert done.returncode == 0, done.stderr

    @property
    def _path(self) -> dict[str, str]:
        return {"PYTHONPATH": self.environ["PYTHONPATH"]}

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


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """The project as it stands in the working tree."""
    return Copy(tmp_path)


@pytest.mark.slow
def test_a_field_is_added_as_the_page_says(copy: Copy) -> None:
    """In four product files; the changed project passes its tests, and the field is served."""
    page = (DOCS / "add-a-field.md").read_text()
    files = set(re.findall(r"^(?:In|Make) `(datas/.+)`:$", page, re.MULTILINE))
    assert len(files) <= 4
    assert len(page.splitlines()) <= 150
    copy.follow(page)
    copy.test("tests/unit", "tests/http", "tests/contract/test_comparison.py")
    copy.use("/api/datas", {"data": "tea", "stars": 4}, "stars_from=4&stars_to=5")
    copy.use("/api/datas", {"data": "no tea", "stars": None}, "q=no")


@pytest.mark.parametrize("text", ["other\n", "place\nplace\n", "a place\n"])
def test_a_block_needs_its_place_once(text: str) -> None:
    """A page whose place is gone, or isn't the only one, is wrong."""
    with pytest.raises(AssertionError, match="places, not one, that read:\nplace"):
        patched(text, " place\n+more\n")


def test_a_block_changes_what_it_shows_and_nothing_else() -> None:
    """It adds, removes and replaces whole lines, at several places."""
    text = "one\ntwo\n\nthree\nfour"
    assert patched(f"{text}\n", "-one\n@@\n two\n \n-three\n+3\n") == "two\n\n3\nfour\n"
    assert patched(f"{text}\n", " four\n+five\n") == f"{text}\nfive\n"


@pytest.mark.slow
def test_an_adapter_is_swapped_as_the_page_says(copy: Copy) -> None:
    """The new store keeps the contract of all stores, and what it promises beside."""
    copy.follow((DOCS / "swap-an-adapter.md").read_text())
    copy.test("tests/unit/test_json_file.py", "tests/contract", "-k", "json")


def section(heading: str) -> str:
    """One part of the page on making it yours."""
    return (DOCS / "make-it-yours.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.slow
def test_a_package_of_ones_own_is_served_as_the_page_says(copy: Copy) -> None:
    """By every command, with the lines of the page alone."""
    copy.follow(section("A package of your own"))
    product = {"name": "tea", "price": "2.50", "code": "T1"}
    package = {"DATAS_COLLECTIONS": "shop:COLLECTIONS"}
    copy.use("/api/products", product, "price_to=3&sort=-price", **package)


@pytest.mark.slow
def test_a_second_collection_is_added_as_the_page_says(copy: Copy) -> None:
    """It is served beside items, whose tests still pass."""
    page = section("A second collection")
    assert len(re.findall(r"^(?:In|Make) `(.+)`:$", page, re.MULTILINE)) <= 5
    copy.follow(page)
    copy.test("tests/unit", "tests/http/test_items.py", "tests/http/test_records.py")
    copy.use("/api/comments", {"body": "good", "code": "C1", "item_id": None}, "q=good")


@pytest.mark.slow
def test_a_part_is_removed_as_the_page_says(copy: Copy) -> None:
    """Everything else is as it was."""
    copy.follow(section("Remove an optional part"))
    copy.test("tests/unit", "tests/http")
    copy.use("/api/datas", {"data": "tea"}, "q=tea")


@pytest.mark.slow
def test_items_are_renamed_as_the_page_says(copy: Copy) -> None:
    """One file, and the whole server has the new words; the table and what is in it stay."""
    served = run_datas(copy.folder, "migrate")
    assert served.returncode == 0
    copy.follow(section("Rename items"))
    copy.use("/api/notes", {"data": "tea"}, "q=tea")
