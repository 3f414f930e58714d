"""Lending a book and taking it back: a use case beside create, read, change and delete."""

from collections.abc import Container
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from datas.domain.access import SYSTEM, Action, Actor
from datas.domain.errors import DomainError
from datas.domain.ports import Storage
from datas.domain.records import Record
from datas.domain.service import RecordService
from library.domain.books import BookDraft, Status


class Loan(NamedTuple):
    """A book that is out: since when (in UTC), and by which user, if one was signed in."""

    book_id: int
    date_lent: datetime
    lent_by: str | None = None


class BookIsOut(DomainError):
    """The book is lent."""

    code = "book-is-out"

    def __init__(self, book_id: int) -> None:
        super().__init__(f"Book {book_id} is out. Try again when it was returned.")


class BookIsNotForLoan(DomainError):
    """The book's status keeps it in the house."""

    code = "book-is-not-for-loan"

    def __init__(self, book_id: int, status: str) -> None:
        super().__init__(f"Book {book_id} can't be lent: its status is {status}.")


class BookIsIn(DomainError):
    """There is no loan of the book."""

    code = "book-is-in"

    def __init__(self, book_id: int) -> None:
        super().__init__(f"Book {book_id} is not lent: there is no loan to show or to end.")


class Loans(Protocol):
    """Where loans are kept. Every method raises `StorageUnavailable` like all ports."""

    def add(self, loan: Loan) -> bool:
        """Store a loan; False if the book is out already. Raises: RecordNotFound (the book)."""

    def get(self, book_id: int) -> Loan | None:
        """The loan of a book; None, if it is in."""

    def remove(self, book_id: int) -> bool:
        """Delete the loan of a book; False if there was none."""


class Books(RecordService[BookDraft]):
    """The use cases of books."""

    def __init__(self, *parts: Any, storage: Storage, loans: Loans) -> None:
        super().__init__(*parts)
        self._storage = storage
        self._loans = loans

    def lend(self, book_id: int, *, actor: Actor = SYSTEM) -> Loan:
        """Lend a book.

        The book keeps its version: what its writer wrote does not change.
        Raises: BookIsOut, BookIsNotForLoan, RecordNotFound, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        with self._storage.atomic():
            book = self._to_change(book_id, None, actor)
            if book.draft.status != Status.ON_SHELF:
                raise BookIsNotForLoan(book_id, book.draft.status)
            loan = Loan(book_id, self._clock.now(), actor.username)
            if not self._loans.add(loan):
                raise BookIsOut(book_id)
        return loan

    def loan(self, book_id: int, *, actor: Actor = SYSTEM) -> Loan:
        """The loan of a book that is out. Raises: BookIsIn, RecordNotFound, Unauthenticated."""
        self.get(book_id, actor=actor)
        loan = self._loans.get(book_id)
        if loan is None:
            raise BookIsIn(book_id)
        return loan

    def take_back(self, book_id: int, *, actor: Actor = SYSTEM) -> Loan:
        """End the loan of a book, and return it as it was.

        Raises: BookIsIn, RecordNotFound, Unauthenticated, Forbidden.
        """
        self._access.admit(actor, Action.CHANGE)
        with self._storage.atomic():
            self._to_change(book_id, None, actor)
            loan = self._loans.get(book_id)
            if loan is None or not self._loans.remove(book_id):
                raise BookIsIn(book_id)
        return loan

    def delete(
        self, record_id: int, *, expected: Container[int] | None = None, actor: Actor = SYSTEM
    ) -> Record[BookDraft]:
        """Delete a book that is in. Raises: BookIsOut, and what the method of all records does."""
        self._access.admit(actor, Action.CHANGE)
        with self._storage.atomic():
            self._to_change(record_id, expected, actor)
            # A loan that is only looked for could be made meanwhile. One that is added keeps the
            # loans of others waiting, until the book is gone.
            if not self._loans.add(Loan(record_id, self._clock.now())):
                raise BookIsOut(record_id)
            self._loans.remove(record_id)
            return super().delete(record_id, expected=expected, actor=actor)
