"""One fact, one place: no name of the collection is in what is of all collections."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from datas.domain.items import ITEMS

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "datas", ROOT / "tests"
# The files that declare items, and make their table.
DECLARE = {
    "domain/items.py",
    "http/items.py",
    "adapters/sql/tables.py",
    *(f"adapters/sql/migrations/{file.name}" for file in PACKAGE.rglob("migrations/*.py")),
}
# A text that has such a word all the same, and why.
ALLOWED = {
    ("domain/rules.py", "items"): "JSON Schema's word for the entries of a list",
    ("http/resources/records_openapi.py", "items"): "JSON Schema's word for the entries of a list",
}
# Tests that are about items, besides `test_items*.py`, and why.
ABOUT_ITEMS = {
    "old_database.py": "what the first version stored",
    "bench/peers/fastapi_sqlmodel_app.py": "another program, with items of its own",
    "bench/peers/flask_restx_app.py": "another program, with items of its own",
    "bench/report.py": "says what was measured",
    "clients/uses/openapi_generator.py": "uses a client that was generated for items",
    "clients/uses/openapi_python_client.py": "uses a client that was generated for items",
    "docs/test_reference.py": "the pages speak of items",
    "e2e/console.py": "the console as it shows items",
    "e2e/test_console.py": "the console as it shows items",
    "e2e/test_console_snippets.py": "the console as it shows items",
    "e2e/test_docs.py": "Swagger UI as it shows items",
    "e2e/test_pages.py": "the pages change items",
    "unit/test_architecture.py": "plants bad imports in the files that declare items",
}
_FIELDS = "|".join(ITEMS.fields)
_ROUTE = re.escape(ITEMS.route.removeprefix("/"))
WORDS = re.compile(
    rf"\b({ITEMS.name}|{ITEMS.plural})\b|{{{ITEMS.name}_id}}|{_ROUTE}\b", re.IGNORECASE
)
SHOWN = re.compile(rf"\b(with open_service\(url\) as) {ITEMS.plural}\b")
SCHEMA_WORDS = {"items", "minItems", "maxItems", "uniqueItems"}  # JSON Schema's


def _texts(file: Path) -> Iterator[str]:
    """All texts of a module that are no docstrings; a value in a text is `{}`."""
    tree = ast.parse(file.read_text())
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [it.value if isinstance(it, ast.Constant) else "{}" for it in node.values]
            inside |= {id(it) for it in node.values}
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


def _found(folder: Path) -> set[tuple[str, str]]:
    """File and text of all that names the collection of items."""
    return {
        (name, text)
        for file in folder.rglob("*.py")
        if (name := str(file.relative_to(folder))) not in DECLARE
        and " = Collection(" not in file.read_text()  # another collection may refer to items
        for text in _texts(file)
        if WORDS.search(SHOWN.sub(r"\1 records", text))
    }


def test_the_code_of_all_collections_names_none() -> None:
    """A service of another collection shows its own words, and a rename has nothing to search."""
    assert {found for found in _found(PACKAGE) if found not in ALLOWED} == set()


def test_each_exception_is_still_needed() -> None:
    """What nothing needs any more is taken off the list."""
    assert ALLOWED.keys() <= _found(PACKAGE)


def _found_in_tests() -> set[tuple[str, str]]:
    return {
        (name, text)
        for name, text in _found(TESTS)
        if not Path(name).name.startswith("test_items") and text not in SCHEMA_WORDS
    }


def test_tests_of_all_collections_name_none() -> None:
    """They take its words from `tests/served.py`, so that they pass when items are renamed."""
    assert {found for found in _found_in_tests() if found[0] not in ABOUT_ITEMS} == set()


def test_each_test_about_items_is_one() -> None:
    """One that names items no more is taken off the list."""
    there = {name for name in ABOUT_ITEMS if (TESTS / name).exists()}
    assert {name for name, _ in _found_in_tests()} >= there


def test_problems_name_no_collection() -> None:
    """Their words are filled in for the collections that are served."""
    table = (PACKAGE / "http/problems.toml").read_text()
    assert not re.search(rf"{WORDS.pattern}|\"({_FIELDS})\"", table, re.IGNORECASE)


def test_pages_for_a_browser_name_no_collection() -> None:
    """The console and the problem pages; `align-items` and `.items` are others' words."""
    word = re.compile(rf"(?<![-.])({WORDS.pattern})", re.IGNORECASE)
    files = (it for it in (PACKAGE / "http/web").rglob("*") if it.is_file())
    named = {file.name for file in files if word.search(file.read_text())}
    assert named == set()
