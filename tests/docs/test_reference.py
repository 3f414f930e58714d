"""The reference pages name all that there is, and nothing else."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from falcon.testing import TestClient

from datas.__main__ import main
from datas.bootstrap import build_app
from datas.served import DATAS_ITEMS
from datas.settings import Settings, variable_names

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
HOST = {"Host": "localhost"}
METHODS = ["get", "post", "put", "patch", "delete"]


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of a table: the first of the page, or the one under a heading."""
    text = (REFERENCE / page).read_text()
    if heading:
        _, _, text = text.partition(f"\n{heading}\n")
        text = text.partition("\n## ")[0]
    found = re.search(r"^\|.*\|\n\|(-+\|)+\n((?:\|.*\|\n)*)", text, re.MULTILINE)
    lines = found[2].splitlines() if found else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_setting_is_there_with_its_default() -> None:
    """In the order of the code."""
    table = rows("settings.md")
    assert [row[0].strip("`") for row in table] == variable_names()
    for row, setting in zip(table, fields(Settings), strict=True):
        shown = "none" if setting.default in ("", ()) else f"`{setting.default!s}`"
        if isinstance(setting.default, bool):
            shown = shown.lower()
        assert row[1] == shown, row[0]


@pytest.mark.slow  # the page shows the routes of items; other projects change it last
def test_every_route_is_there_with_its_methods(tmp_path: Path) -> None:
    """HEAD and OPTIONS are left out, and other collections, which have the routes of the first."""
    url = f"sqlite:///{tmp_path / 'datas.db'}"
    app = build_app(Settings(url, metrics=True, explain=True, log_level="error"))
    paths = TestClient(app).simulate_get("/openapi.json", headers=HOST).json["paths"]
    others = tuple(f"{each.collection.route}/" for each in DATAS_ITEMS.collections[1:])
    documented = {row[0].strip("`"): row[1].lower().split(", ") for row in rows("routes.md")}
    assert documented == {
        path: sorted(item.keys() - {"head", "options"}, key=METHODS.index)
        for path, item in paths.items()
        if not f"{path}/".startswith(others)
    }


def test_every_problem_is_there_with_its_status() -> None:
    """Those of items, and those that only other collections have."""
    table = tomllib.loads((ROOT / "datas/http/problems.toml").read_text())
    documented = {row[0].strip("`"): int(row[1]) for row in rows("problems.md")}
    assert documented == {
        code.replace("{name}", "item"): problem["status"] for code, problem in table.items()
    }
    assert list(documented.values()) == sorted(documented.values())


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """All commands by name, a group before its members."""
    yield name, command
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from commands(each, f"{name} {word}")


COMMANDS = dict(commands(main, "datas"))


def test_every_command_is_there() -> None:
    """Each has a heading."""
    text = (REFERENCE / "command-line.md").read_text()
    assert sorted(re.findall(r"^## (.*)$", text, re.MULTILINE)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_there(name: str) -> None:
    """In the table under its heading."""
    options = {
        max(option.opts, key=len)
        for option in COMMANDS[name].params
        if isinstance(option, click.Option) and not option.hidden
    }
    named = [row[0].strip("`").split()[0] for row in rows("command-line.md", f"## {name}")]
    assert sorted(named) == sorted(options)
