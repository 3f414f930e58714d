"""Two use cases of the library at the same time: it is as if one had come first.

Over every store, with a thread for each; the outcome of each is a result or the error it names.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from datas.adapters.memory import Memory, MemoryRepository
from datas.adapters.system import SystemClock
from datas.bootstrap import open_package
from datas.domain.access import AUTHENTICATED
from datas.domain.errors import DomainError
from datas.domain.service import RecordService
from library import COLLECTIONS
from library.adapters.loans import MemoryLoans
from library.domain.authors import AUTHORS, AuthorDraft
from library.domain.books import BOOKS, BookDraft
from library.domain.lending import Books
from tests.postgres import QUICK, Postgres, running

ROUNDS = 40
ISBN = "9780441007318"


class Library(NamedTuple):
    """The services of both collections."""

    books: Books
    authors: RecordService[AuthorDraft]

    def book(self, *, out: bool = False, **fields: Any) -> int:
        """A new book."""
        book_id = self.books.create(BookDraft("Rare", **fields)).id
        if out:
            self.books.lend(book_id)
        return book_id


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One server for all tests."""
    with running(*QUICK) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    """An empty library over each kind of store in turn."""
    if request.param == "memory":
        yield _in_memory()
        return
    url = f"sqlite:///{tmp_path}/library.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        server.ask("DROP DATABASE IF EXISTS library WITH (FORCE)")
        server.ask("CREATE DATABASE library")
        url = server.url("library")
    with open_package(url, COLLECTIONS) as services:
        books = services["books"]
        assert isinstance(books, Books)
        yield Library(books, services["authors"])


def _in_memory() -> Library:
    memory, clock = Memory(), SystemClock()
    books, authors = (MemoryRepository(memory, each) for each in (BOOKS, AUTHORS))
    parts = BOOKS, books, clock, AUTHENTICATED, {"author_id": authors}
    return Library(
        Books(*parts, storage=memory, loans=MemoryLoans(memory)),
        RecordService(AUTHORS, authors, clock),
    )


def _outcome(barrier: Barrier, act: Callable[[], object]) -> str:
    """What came of it: `ok`, or the code of the error."""
    barrier.wait(10)
    try:
        act()
    except DomainError as error:
        return error.code
    return "ok"


Race = Callable[[Library], tuple[Callable[[], object], Callable[[], object]]]


def lend_and_delete(library: Library) -> Any:
    book_id = library.book()
    return lambda: library.books.lend(book_id), lambda: library.books.delete(book_id)


def lend_and_lend(library: Library) -> Any:
    book_id = library.book()
    return (lambda: library.books.lend(book_id),) * 2


def return_and_lend(library: Library) -> Any:
    book_id = library.book(out=True)
    return lambda: library.books.take_back(book_id), lambda: library.books.lend(book_id)


def return_and_delete(library: Library) -> Any:
    book_id = library.book(out=True)
    return lambda: library.books.take_back(book_id), lambda: library.books.delete(book_id)


def return_and_return(library: Library) -> Any:
    book_id = library.book(out=True)
    return (lambda: library.books.take_back(book_id),) * 2


def delete_and_delete(library: Library) -> Any:
    book_id = library.book()
    return (lambda: library.books.delete(book_id),) * 2


def delete_author_and_create_book(library: Library) -> Any:
    author_id = library.authors.create(AuthorDraft("Rare")).id
    return (
        lambda: library.authors.delete(author_id),
        lambda: library.book(author_id=author_id),
    )


def delete_author_and_change_book(library: Library) -> Any:
    author_id, book_id = library.authors.create(AuthorDraft("Rare")).id, library.book()
    return (
        lambda: library.authors.delete(author_id),
        lambda: library.books.change(book_id, {"author_id": author_id}),
    )


def create_twins(library: Library) -> Any:
    for book in library.books.page(limit=1000).records:
        library.books.delete(book.id)
    return (lambda: library.book(isbn=ISBN),) * 2


def create_a_twin_and_change_into_one(library: Library) -> Any:
    for book in library.books.page(limit=1000).records:
        library.books.delete(book.id)
    book_id = library.book()
    return lambda: library.book(isbn=ISBN), lambda: library.books.change(book_id, {"isbn": ISBN})


ONE = {("ok", "value-taken"), ("value-taken", "ok")}
NONE_LEFT = {("ok", "book-not-found"), ("book-not-found", "ok")}
RACES: dict[Race, set[tuple[str, str]]] = {
    lend_and_delete: {("ok", "book-is-out"), ("book-not-found", "ok")},
    lend_and_lend: {("ok", "book-is-out"), ("book-is-out", "ok")},
    return_and_lend: {("ok", "ok"), ("ok", "book-is-out")},
    return_and_delete: {("ok", "ok"), ("ok", "book-is-out")},
    return_and_return: {("ok", "book-is-in"), ("book-is-in", "ok")},
    delete_and_delete: NONE_LEFT,
    delete_author_and_create_book: {("ok", "invalid-book"), ("record-in-use", "ok")},
    delete_author_and_change_book: {("ok", "invalid-book"), ("record-in-use", "ok")},
    create_twins: ONE,
    create_a_twin_and_change_into_one: ONE,
}


@pytest.mark.slow
@pytest.mark.parametrize(("race", "outcomes"), RACES.items(), ids=[it.__name__ for it in RACES])
def test_of_two_at_once_one_comes_first(
    library: Library, race: Race, outcomes: set[tuple[str, str]]
) -> None:
    """Each is told why it could not be done; neither is told to try again."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            barrier = Barrier(2)
            tasks = [pool.submit(_outcome, barrier, act) for act in race(library)]
            assert tuple(task.result(30) for task in tasks) in outcomes
