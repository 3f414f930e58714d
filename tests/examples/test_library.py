"""The library over HTTP, in every mode, over both databases."""

import gc
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from datas.adapters.memory import Memory, MemoryRepository
from datas.bootstrap import build_app, open_package, open_service
from datas.domain.errors import InvalidRecord
from datas.settings import Settings
from library import COLLECTIONS
from library.adapters.loans import MemoryLoans
from library.domain.authors import AUTHORS, AuthorDraft
from library.domain.books import BOOKS, BookDraft, isbn_faults
from library.domain.lending import BookIsIn, BookIsOut, Books
from tests.conftest import TickingClock
from tests.examples.walk import BOOK, Answer, Visitor, fill, walk
from tests.served import INVALID, ROUTE

# An app has no end, so its connections are left to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
LIBRARY = Path(COLLECTIONS.migrations or "").parent


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/library.db"
        return
    server = request.getfixturevalue("postgres")
    server.ask("DROP DATABASE IF EXISTS library WITH (FORCE)")
    server.ask("CREATE DATABASE library")
    yield str(server.url("library"))
    # An app lives as long as its process. Here its connections end with it, which psycopg warns of.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def visitor_of(url: str, mode: str, *, explain: bool = False) -> Visitor:
    """One who visits the app over a database, without a server."""
    settings = Settings(url, access=mode, registration="open", log_level="error", explain=explain)
    client = testing.TestClient(build_app(settings, package=COLLECTIONS))

    def ask(method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        given = {} if body is None else {"json": body}
        found = client.simulate_request(
            method, path, headers={"Host": "localhost:8000", **headers}, **given
        )
        return Answer(found.status_code, found.headers, found.text)

    return Visitor(ask)


@pytest.mark.parametrize("mode", ["open", "owner", "private"])
def test_the_library_is_walked_in_each_mode(url: str, mode: str) -> None:
    """Twice: a walk leaves what it found."""
    visitor = visitor_of(url, mode, explain=mode == "open")
    if mode != "open":
        assert visitor("POST", "/api/books", BOOK).problem == (401, "unauthenticated")
        assert visitor("POST", "/api/books/1/loan").problem == (401, "unauthenticated")
        visitor = visitor.signed_in("alice")
    fill(visitor)
    walk(visitor)
    walk(visitor)


def test_only_the_owner_lends_a_book(url: str) -> None:
    """Others see the loan in `owner`, and nothing of the book in `private`."""
    visitor = visitor_of(url, "owner")
    alice, bob = visitor.signed_in("alice"), visitor.signed_in("bob")
    fill(alice)
    assert bob("POST", "/api/books/1/loan").problem == (403, "forbidden")
    assert alice("POST", "/api/books/1/loan").json["data"]["lent_by"] == "alice"
    assert visitor("GET", "/api/books/1/loan").status == 200
    assert bob("DELETE", "/api/books/1/loan").problem == (403, "forbidden")


def test_a_private_library_hides_books_authors_and_loans(url: str) -> None:
    """A record of another user counts as absent, in references too; uniqueness holds over all."""
    visitor = visitor_of(url, "private")
    alice, bob = visitor.signed_in("alice"), visitor.signed_in("bob")
    fill(alice)
    assert alice("POST", "/api/books/1/loan").status == 201
    for method in ("GET", "POST", "DELETE"):
        assert bob(method, "/api/books/1/loan").problem == (404, "book-not-found")
    assert bob.titles() == []
    refused = bob("POST", "/api/books", {"title": "Mine", "author_id": 1})
    assert refused.json["errors"] == {"author_id": ["refers to 1, which does not exist."]}
    assert bob("POST", "/api/books", BOOK).problem == (409, "value-taken")


def test_the_package_has_pages_and_a_document_of_its_own(url: str) -> None:
    """The console loads, each problem has a page, the document has the package's name."""
    visitor = visitor_of(url, "open")
    assert visitor("GET", "/").status == 200
    document = visitor("GET", "/openapi.json").json
    assert document["info"]["title"] == "Library"
    assert {"/api/books", "/api/authors", "/api/books/{book_id}/loan"} <= document["paths"].keys()
    assert ROUTE not in document["paths"]
    index = visitor("GET", "/problems", Accept="application/json")
    codes = {problem["type"] for problem in index.json["problems"]}
    assert {"/problems/book-is-out", "/problems/invalid-author"} <= codes
    assert f"/problems/{INVALID}" not in codes
    for code in codes:
        assert visitor("GET", code, Accept="text/html").status == 200


def test_python_code_opens_the_whole_package(url: str) -> None:
    """References and the lending of books work; the books alone can't be opened."""
    with open_package(url, COLLECTIONS) as services:
        author = services["authors"].create(AuthorDraft("Ursula K. Le Guin"))
        books = services["books"]
        assert isinstance(books, Books)
        book = books.create(BookDraft("The Dispossessed", author_id=author.id))
        books.lend(book.id)
        with pytest.raises(InvalidRecord, match="refers to 99"):
            books.create(BookDraft("Lost", author_id=99))
    with open_package(url, COLLECTIONS, access="owner") as services, pytest.raises(BookIsOut):
        services["books"].delete(book.id)
    with pytest.raises(ValueError, match=r"books refers to authors.+ open_package"):
        open_service(url, collection=BOOKS).__enter__()


def test_lending_needs_no_database() -> None:
    """The rules of lending over memory; a failure in a transaction takes the loan back."""
    memory, clock = Memory(), TickingClock()
    authors = MemoryRepository(memory, AUTHORS)
    parts = BOOKS, MemoryRepository(memory, BOOKS), clock
    books = Books(*parts, storage=memory, loans=MemoryLoans(memory))
    author = authors.add(AuthorDraft("Ursula K. Le Guin"), clock.now())
    book = books.create(BookDraft("The Dispossessed", author_id=author.id))
    with pytest.raises(RuntimeError), memory.atomic():
        books.lend(book.id)
        raise RuntimeError
    loan = books.lend(book.id)
    assert books.loan(book.id) == loan == books.take_back(book.id)
    for refused in (books.loan, books.take_back):
        with pytest.raises(BookIsIn):
            refused(book.id)
    assert books.delete(book.id) == book


@pytest.mark.parametrize(
    ("isbn", "is_good"),
    [("9780441478125", True), ("9780441478152", False), ("97804414781²5", False), (None, False)],
)
def test_an_isbn_has_a_check_digit(isbn: object, is_good: bool) -> None:  # noqa: FBT001
    """Two digits that change places are found."""
    assert (isbn_faults(isbn) == []) == is_good


def test_a_second_collection_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    """All that authors take: files of their own, and lines elsewhere that name them."""
    files = [file for file in LIBRARY.rglob("*authors.py") if "tests" not in file.parts]
    lines = sum(len(file.read_text().splitlines()) for file in files)
    others = [file for file in LIBRARY.rglob("*.py") if file not in files]
    elsewhere = [
        line
        for file in others
        for line in file.read_text().splitlines()
        if "author" in line.lower() and "author_id" not in line and not line.startswith('"""')
    ]
    with capsys.disabled():
        print(f"\nauthors: {len(files)} files, {lines} lines, and {len(elsewhere)} elsewhere")
    assert len(files) <= 5
    assert lines <= 100
    assert len(elsewhere) <= 6
