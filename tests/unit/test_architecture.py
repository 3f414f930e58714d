"""Who may import whom: the contracts in setup.cfg hold, and a bad import breaks each of them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = str(Path(sys.executable).with_name("lint-imports"))

LAYERS = "Each layer imports only the layers below it"
CONTRACTS = re.findall(r"^name = (.+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package and of its contracts, to be changed."""
    shutil.copytree(ROOT / "datas", tmp_path / "datas")
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def test_the_package_keeps_its_contracts(copy: Path) -> None:
    """What is in the repository is accepted."""
    done = _lint(copy)
    assert done.returncode == 0, done.stdout


# A file, a line that is planted there, and the contract that it breaks.
BAD_IMPORTS = [
    ("domain/items.py", "import datas.settings", LAYERS),
    ("http/app.py", "import datas.adapters.memory", LAYERS),
    ("http/app.py", "import datas.bootstrap", LAYERS),
    ("http/app.py", "import datas.operations.serving", LAYERS),
    ("settings.py", "import datas.adapters.memory", LAYERS),
    ("adapters/memory.py", "import datas.settings", LAYERS),
    ("adapters/memory.py", "import datas.cli.settings", LAYERS),
    ("cli/accounts.py", "import datas.operations.copy", LAYERS),
    ("helpers.py", "", LAYERS),
    ("utils/__init__.py", "", LAYERS),
    ("cli/accounts.py", "import datas.http.app", "Only bootstrap and operations join layers"),
    ("wsgi.py", "import datas.adapters.memory", "Only bootstrap and operations join layers"),
    ("operations/doctor.py", "import datas.http.app", "Operations know no http"),
    ("domain/items.py", "import falcon", "The domain knows no framework"),
    ("domain/items.py", "def late():\n    import orjson", "The domain knows no framework"),
    ("http/app.py", "import peewee", "Only adapters and operations know a database"),
    ("cli/accounts.py", "import playhouse.pool", "Only adapters and operations know a database"),
    ("operations/copy.py", "import falcon", "Only http knows the web framework"),
    ("adapters/memory.py", "import marshmallow", "Only http knows marshmallow"),
]


def test_each_contract_has_a_bad_import() -> None:
    """A contract that no import can break guards nothing."""
    assert {contract for _, _, contract in BAD_IMPORTS} == set(CONTRACTS)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "code", "contract"), BAD_IMPORTS)
def test_a_bad_import_is_refused(copy: Path, file: str, code: str, contract: str) -> None:
    """One line in the wrong layer breaks the contract that is about it."""
    changed = copy / "datas" / file
    changed.parent.mkdir(exist_ok=True)
    with changed.open("a") as source:
        source.write(f"\n\n{code}\n")
    done = _lint(copy)
    assert done.returncode == 1, done.stdout
    assert f"{contract} BROKEN" in done.stdout


def test_only_settings_read_settings_from_the_environment() -> None:
    """Another reader would not know the options of the command line, or check the value."""
    readers = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "datas").rglob("*.py")
        if re.search(r"(environ|getenv)\S*DATAS_", file.read_text())
    }
    assert not readers


def test_the_domain_loads_only_the_standard_library() -> None:
    """`import datas` and every module of the domain come without a third party."""
    files = sorted((ROOT / "datas/domain").glob("*.py"))
    modules = [f"datas.domain.{file.stem}" for file in files if file.stem != "__init__"]
    assert "datas.domain.service" in modules
    loaded = _loaded_by(f"import datas, {', '.join(modules)}")
    assert loaded - sys.stdlib_module_names == {"datas"}


def test_the_service_comes_without_the_web(tmp_path: Path) -> None:
    """Python code that opens a database and writes an item loads nothing that serves HTTP."""
    loaded = _loaded_by(
        "from datas.bootstrap import open_service\n"
        "from datas.domain.items import ItemDraft\n"
        f"with open_service('sqlite:///{tmp_path}/items.db') as items:\n"
        "    items.create(ItemDraft('hello'))"
    )
    assert "peewee" in loaded
    assert loaded.isdisjoint({"apispec", "click", "falcon", "gunicorn", "marshmallow"})


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package in `folder` in a process of its own, which has imported no other one."""
    command = [LINT_IMPORTS, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that `code` makes a fresh interpreter load."""
    script = (
        f"import sys; before = set(sys.modules)\n{code}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())
