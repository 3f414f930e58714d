"""The console blocks of every page, run as a reader would run them."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from datas.bootstrap import open_service
from datas.domain.items import ItemDraft
from datas.operations import banner
from tests.e2e.conftest import clean_environ
from tests.postgres import QUICK, running
from tests.terminal import ROOT, exchanges, run_page

# They show items as they are here: a project that changes items changes its pages too.
pytestmark = pytest.mark.slow

README, TUTORIAL = "README.md", "docs/tutorial/first-steps.md"
# `make` takes its ARGS from here, where a page's command would take a minute.
SHORT = {"docs/prove.md": {"ARGS": "--minutes 0.1"}}
# test_pages.py follows these: their blocks change the project.
STEPS = {"docs/add-a-field.md", "docs/make-it-yours.md", "docs/swap-an-adapter.md"}
PAGES = {
    name
    for pattern in ("*.md", "docs/**/*.md", "deploy/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
    if exchanges(path.read_text()) and (name := path.relative_to(ROOT).as_posix()) not in STEPS
}


@contextmanager
def _postgres(page: str) -> Iterator[dict[str, str]]:
    """A PostgreSQL, with what the page's SQL makes, for which the page's host name stands."""
    with running(*QUICK) as server:
        for block in re.findall(r"^```sql\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            for statement in block.splitlines():
                server.ask(statement)
        # libpq connects to this address, and takes the host of a URL for its name.
        yield {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(server.port)}


@pytest.mark.parametrize("name", [README, TUTORIAL])
def test_a_beginner_sees_what_the_page_shows(name: str, tmp_path: Path) -> None:
    """In a folder without a database, all numbers are those of the page."""
    run_page((ROOT / name).read_text(), tmp_path, clean_environ())


@pytest.mark.parametrize("name", [README, TUTORIAL])
def test_its_requests_leave_other_records_alone(name: str, tmp_path: Path) -> None:
    """Whatever is in the table: the requests use the id that came back."""
    url = f"sqlite:///{tmp_path}/datas.db"
    with open_service(url) as items:
        others = [items.create(ItemDraft(f"other {n}")) for n in range(3)]
        items.delete(items.create(ItemDraft("deleted")).id)
    run_page((ROOT / name).read_text(), tmp_path, clean_environ(), any_id=True)
    with open_service(url) as items:
        assert [items.get(other.id) for other in others] == others


@pytest.mark.parametrize("name", sorted(PAGES - {README, TUTORIAL}))
def test_a_page_shows_what_its_commands_print(name: str, tmp_path: Path) -> None:
    """All commands of a page, in one shell, which ends with the first that fails."""
    page = (ROOT / name).read_text()
    if "From other devices" in page and not banner.address():
        pytest.skip("this machine has no network")
    with ExitStack() as stack:
        environ = stack.enter_context(_postgres(page)) if "@db.example/" in page else {}
        run_page(page, tmp_path, clean_environ() | environ | SHORT.get(name, {}))


def test_no_page_serves_explain_mode_to_a_network() -> None:
    """There it would show everybody the requests of all clients."""
    starts = [
        line
        for name in PAGES
        for line in (ROOT / name).read_text().splitlines()
        if "make run" in line and "0.0.0.0" in line
    ]
    assert starts
    assert [line for line in starts if "DATAS_EXPLAIN=false" not in line] == []
