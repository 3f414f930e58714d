"""The library behind a real server, and every command on it."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from library import COLLECTIONS
from tests.e2e.conftest import DEADLINE, Server, clean_environ, run_datas
from tests.examples.walk import Answer, Visitor, fill, walk
from tests.postgres import QUICK, running

pytestmark = pytest.mark.slow

LIBRARY = Path(COLLECTIONS.migrations or "").parent
NAME = "library:COLLECTIONS"
SERVED = {"DATAS_COLLECTIONS": NAME}

Serve = Callable[..., Visitor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the library in it, as a package of one's own is found."""
    shutil.copytree(LIBRARY, tmp_path / "library")
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Starts a server of the library, which ends with the next one, or with the test."""
    servers: list[Server] = []

    def start(*arguments: str, **environ: str) -> Visitor:
        _stop(servers)
        server = Server(folder, "--workers", "2", *arguments, **SERVED, **environ)
        servers.append(server)

        def ask(method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
            status, found, content = server.request(method, path, body, dict(headers))
            named = {name.lower(): value for name, value in found.items()}
            return Answer(status, named, content.decode())

        return Visitor(ask)

    yield start
    _stop(servers)


def _stop(servers: list[Server]) -> None:
    while servers:
        server = servers.pop()
        assert server.stop() == 0
        server.close()


def datas(folder: Path, *arguments: str, **environ: str) -> str:
    """What a command says of the library; it must succeed."""
    done = run_datas(folder, *arguments, stdin=b"", **SERVED, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_banner_tells_how_to_create_a_record_of_the_package(serve: Serve, folder: Path) -> None:
    """Its name, its first collection, and a body that is stored."""
    server = Server(folder, **SERVED)
    assert server.stop() == 0
    text = "".join(server.output)
    server.close()
    assert f"Library is running at http://localhost:{server.port}/api/books" in text
    assert """/api/books --json '{"title": "The Left Hand of Darkness"}'""" in text
    assert "records are kept in" in text


def test_one_of_many_at_once_gets_the_book(serve: Serve) -> None:
    """A loan, and a unique value, have one winner; all others get 409."""
    visitor = serve()
    fill(visitor)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            asked = pool.map(lambda _: visitor("POST", "/api/books/2/loan").status, range(8))
            assert Counter(asked) == {201: 1, 409: 7}
            given = pool.map(lambda _: visitor("DELETE", "/api/books/2/loan").status, range(8))
            assert Counter(given) == {200: 1, 404: 7}
        same = {"title": "Twin", "isbn": "9780441007318"}
        made = pool.map(lambda _: visitor("POST", "/api/books", same).status, range(8))
        assert Counter(made) == {201: 1, 409: 7}


def test_a_book_is_lent_or_deleted_and_never_both(serve: Serve) -> None:
    """Of a loan and a delete at once one wins; no loan is left of a book that is gone."""
    visitor = serve()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            path = visitor("POST", "/api/books", {"title": "Rare"}).headers["location"]
            lent = pool.submit(visitor, "POST", f"{path}/loan")
            deleted = pool.submit(visitor, "DELETE", path)
            assert (lent.result().status, deleted.result().status) in {(201, 409), (404, 200)}


@pytest.mark.slow
def test_the_library_moves_everywhere_and_stays_whole(serve: Serve, folder: Path) -> None:
    """Backup, restore, copies to PostgreSQL and back: each is served, and walked again."""
    visitor = serve()
    fill(visitor)
    walk(visitor)
    assert visitor("POST", "/api/books/2/loan").status == 201
    told = datas(folder, "backup", "copy.db")
    assert "Records backed up: 4: authors 1, books 3, in " in told
    url = f"sqlite:///{folder}/restored.db"
    told = datas(folder, "restore", "copy.db", "--database", url)
    assert "Records restored: 4: authors 1, books 3, in " in told
    _walk_with_a_loan(serve(DATAS_DATABASE_URL=url))
    with running(*QUICK) as server:
        assert "Copied and compared" in datas(folder, "copy", url, server.url())
        _walk_with_a_loan(serve(DATAS_DATABASE_URL=server.url()))
        back = f"sqlite:///{folder}/back.db"
        datas(folder, "copy", server.url(), back)
        _walk_with_a_loan(serve(DATAS_DATABASE_URL=back))
    assert "Faults: 0" in datas(folder, "doctor")


def _walk_with_a_loan(visitor: Visitor) -> None:
    assert visitor("POST", "/api/books/2/loan").problem == (409, "book-is-out")
    walk(visitor)


def test_records_are_exported_and_imported(serve: Serve, folder: Path) -> None:
    """In both formats, with every value; the collection must be named."""
    fill(serve())
    for kind in ("ndjson", "csv"):
        url = f"sqlite:///{folder}/{kind}.db"
        for plural in ("authors", "books"):
            file = f"{plural}.{kind}"
            datas(folder, "export", file, "--collection", plural)
            datas(folder, "import", file, "--collection", plural, "--database", url)
        walk(serve(DATAS_DATABASE_URL=url))
    refused = run_datas(folder, "export", "-", DATAS_COLLECTIONS=NAME)
    assert refused.returncode != 0
    assert "Name one by --collection: books, authors." in refused.stderr


def test_a_removed_users_records_of_all_collections_get_another_owner(folder: Path) -> None:
    """Books and authors alike; without a new owner the user can't be removed."""
    for name in ("alice", "bob"):
        run = run_datas(
            folder, "user", "add", name, stdin=b"correct horse\n", DATAS_COLLECTIONS=NAME
        )
        assert run.returncode == 0, run.stderr
    for plural, line in (("authors", '{"name": "A"}'), ("books", '{"title": "B", "author_id": 1}')):
        (folder / "lines").write_text(line)
        datas(folder, "import", "lines", "--collection", plural, "--owner", "alice")
    refused = run_datas(folder, "user", "remove", "alice", DATAS_COLLECTIONS=NAME)
    assert "--give-to NAME" in refused.stderr
    assert "given to bob: 2." in datas(folder, "user", "remove", "alice", "--give-to", "bob")


def test_migrations_of_the_package_have_a_history_of_their_own(folder: Path) -> None:
    """`datas migrate` shows them by the package's name; without the package they stay untouched."""
    assert "applied  library 0002_books\n" in datas(folder, "migrate")
    assert "applied  library 0002_books\n" in datas(folder, "migrate", "--list")
    plain = run_datas(folder, "migrate")
    assert (plain.returncode, plain.stdout) == (0, "The schema is current: nothing to do.\n")
    assert "library" not in run_datas(folder, "migrate", "--list").stdout
    refused = run_datas(folder, "copy", "sqlite:///datas.db", "sqlite:///other.db")
    assert refused.returncode == 1
    assert "has tables of library, which would not be copied" in refused.stderr
    assert "nothing to do" in datas(folder, "migrate")


def test_a_migration_of_a_newer_package_stops_the_start(folder: Path) -> None:
    """And the sentence names the package; a backup of it is not restored."""
    later = folder / "library/migrations/0004_later.py"
    later.write_text("def up(migrator, db):\n    pass\n")
    datas(folder, "migrate")
    datas(folder, "backup", "copy.db")
    later.unlink()
    for arguments in (("migrate",), ("restore", "copy.db", "--force")):
        refused = run_datas(folder, *arguments, DATAS_COLLECTIONS=NAME)
        assert refused.returncode == 1
        assert "library 0004_later" in refused.stderr


WRONG = [
    ("nowhere:COLLECTIONS", "No module named 'nowhere'"),
    ("library:SHELVES", "has no attribute 'SHELVES'"),
    ("library", "no attribute"),
    ("os:path", "is no Package"),
    ("broken:COLLECTIONS", "broken.py, line 3"),
]


@pytest.mark.parametrize(("name", "sentence"), WRONG)
def test_a_package_that_cannot_be_loaded_is_told_with_all_other_mistakes(
    folder: Path, name: str, sentence: str
) -> None:
    """One sentence, beside the one about another setting, and no traceback."""
    (folder / "broken.py").write_text("\n\nCOLLECTIONS = nothing\n")
    wrong = {"DATAS_COLLECTIONS": name, "DATAS_ACCESS": "Open"}
    done = run_datas(folder, "serve", stdin=b"", **wrong)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "DATAS_COLLECTIONS" in line]
    assert sentence in line
    assert "DATAS_ACCESS: 'Open' can't be used" in done.stderr


def test_gunicorn_alone_serves_the_package_and_tells_what_is_wrong(folder: Path) -> None:
    """`gunicorn datas.wsgi:app` finds it in the current folder too, as does the console script."""
    program, script = (str(Path(sys.executable).with_name(it)) for it in ("gunicorn", "datas"))
    done = subprocess.run(
        [program, "--check-config", "datas.wsgi:app"],
        cwd=folder,
        env=clean_environ() | {"DATAS_COLLECTIONS": "nowhere:X", "DATAS_ACCESS": "Open"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1
    assert "DATAS_COLLECTIONS: nowhere:X can't be loaded: " in done.stderr
    assert "DATAS_ACCESS: 'Open' can't be used" in done.stderr
    for command in (
        [program, "--check-config", "datas.wsgi:app"],
        [script, "openapi"],
    ):
        subprocess.run(
            command, cwd=folder, env=clean_environ() | SERVED, check=True, timeout=DEADLINE
        )
