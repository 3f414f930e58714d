"""`/api/books/{book_id}/loan`: lend a book, see its loan, take it back."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

import falcon

from datas.domain.access import Action
from datas.domain.idempotency import Idempotency
from datas.http.fields import rfc3339
from datas.http.idempotency import answer_once
from datas.http.operation import STORED, Operation
from datas.http.params import refuse_params
from datas.http.parts import RecordParts
from datas.http.request import Request
from datas.http.resources.records_openapi import IDEMPOTENCY_KEY
from datas.http.schemas import envelope
from library.domain.books import BookDraft
from library.domain.lending import Books, Loan

_EXAMPLE = {"book_id": 7, "date_lent": "2026-11-22T16:00:00.000000Z", "lent_by": None}
_PROBLEMS = (*STORED, "book-not-found", "route-not-found")


_LOAN = {
    "type": "object",
    "required": ["book_id", "date_lent", "lent_by"],
    "properties": {
        "book_id": {"type": "integer"},
        "date_lent": {"type": "string", "format": "date-time"},
        "lent_by": {"type": ["string", "null"], "description": "The user who lent it."},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["success", "msg", "data"],
    "properties": {"success": {"enum": [True]}, "msg": {"type": "string"}, "data": _LOAN},
}


def _answer(msg: str) -> Mapping[str, Mapping[str, object]]:
    example = {"success": True, "msg": msg, "data": _EXAMPLE}
    return {falcon.MEDIA_JSON: {"schema": _ANSWER, "example": example}}


class LoanResource:
    """The loan of one book."""

    actions = {"GET": Action.READ, "POST": Action.CHANGE, "DELETE": Action.CHANGE}
    operations = {
        "GET": Operation(
            "getLoan",
            "See since when a book is out",
            _answer("Book [7] is out"),
            problems=(*_PROBLEMS, "book-is-in"),
            tag="books",
        ),
        "POST": Operation(
            "lendBook",
            "Lend a book",
            _answer("Book [7] successfully lent"),
            HTTPStatus.CREATED,
            headers=("Location", "Idempotency-Replayed"),
            parameters=(IDEMPOTENCY_KEY,),
            problems=(
                *(*_PROBLEMS, "forbidden", "idempotency-key-reused"),
                *("book-is-out", "book-is-not-for-loan"),
            ),
            tag="books",
        ),
        "DELETE": Operation(
            "takeBookBack",
            "Take a book back",
            _answer("Book [7] successfully returned"),
            problems=(*_PROBLEMS, "forbidden", "book-is-in"),
            tag="books",
        ),
    }

    def __init__(self, parts: RecordParts[BookDraft], idempotency: Idempotency) -> None:
        self._books = cast("Books", parts.service)
        self._route = parts.collection.route
        self._idempotency = idempotency

    def on_get(self, req: Request, resp: falcon.Response, book_id: int) -> None:
        """The loan."""
        refuse_params(req)
        _write(resp, self._books.loan(book_id, actor=req.actor), "is out")

    def on_post(self, req: Request, resp: falcon.Response, book_id: int) -> None:
        """Lend it; once, if the request names an Idempotency-Key."""
        refuse_params(req)

        def lend() -> None:
            _write(resp, self._books.lend(book_id, actor=req.actor), "successfully lent")
            resp.status = falcon.HTTP_201
            resp.set_header("Location", f"{req.root_path}{self._route}/{book_id}/loan")

        answer_once(req, resp, b"", self._idempotency, lend)

    def on_delete(self, req: Request, resp: falcon.Response, book_id: int) -> None:
        """Take it back, and show the loan as it was."""
        refuse_params(req)
        _write(resp, self._books.take_back(book_id, actor=req.actor), "successfully returned")


def _write(resp: falcon.Response, loan: Loan, what_happened: str) -> None:
    data = loan._asdict() | {"date_lent": rfc3339(loan.date_lent)}
    resp.media = envelope(f"Book [{loan.book_id}] {what_happened}", data)
    resp.set_header("Cache-Control", "no-cache")
