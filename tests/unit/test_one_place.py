"""One fact, one place: no name of a collection is in the code of all collections."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from datas.domain.items import ITEMS

PACKAGE = Path(__file__).parents[2] / "datas"
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
    ("served.py", "A collection of {} can't have the plural of Datas's own items."): "it is theirs",
}
_FIELDS = "|".join(ITEMS.fields)
WORDS = re.compile(rf"\b({ITEMS.name}|{ITEMS.plural})\b|{ITEMS.route}\b", re.IGNORECASE)
SHOWN = re.compile(rf"\b(with open_service\(url\) as) {ITEMS.plural}\b")


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


def test_problems_name_no_collection() -> None:
    """Their words are filled in for the collections that are served."""
    table = (PACKAGE / "http/problems.toml").read_text()
    assert not re.search(
        rf"\b({ITEMS.name}s?)\b|{ITEMS.route}|\"({_FIELDS})\"", table, re.IGNORECASE
    )
