"""A walk through the library over HTTP: what any server of it must answer, whatever its store."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ISBN, OTHER_ISBN = "9780441478125", "9780441007318"
BOOK: Mapping[str, Any] = {
    "title": "The Left Hand of Darkness",
    "pages": 304,
    "price": "12.50",
    "isbn": ISBN,
    "status": "on-shelf",
    "published": "1969-03-01",
    "in_print": True,
    "tags": ["science fiction", "Gethen"],
}
# A value that each field refuses, and a part of the sentence.
BAD_VALUES = [
    ("title", " ", "not white space"),
    ("pages", 0, "1 to 100000"),
    ("pages", "7", "an integer"),
    ("price", "1.005", "2 decimal places"),
    ("price", "-1", "0 to 99999.99"),
    ("isbn", "9780441478126", "check digit"),
    ("isbn", "978", "13 digits"),
    ("status", "lost", "one of: on-shelf, in-repair, reference"),
    ("published", "1969-02-30", "a date"),
    ("in_print", "yes", "true or false"),
    ("tags", ["x" * 31], "1 to 30 characters"),
    ("tags", "x", "a list"),
    ("author_id", 999, "does not exist"),
    ("shelf", "A", "no field of a book"),
]
# A question to the list, and the titles that answer it, in order.
QUESTIONS = [
    ("", ["The Left Hand of Darkness", "Rocannon's World", "An Atlas"]),
    ("sort=title", ["An Atlas", "Rocannon's World", "The Left Hand of Darkness"]),
    ("sort=-date_created", ["An Atlas", "Rocannon's World", "The Left Hand of Darkness"]),
    ("q=left", ["The Left Hand of Darkness"]),
    ("title_contains=WORLD", ["Rocannon's World"]),
    ("author_id=1", ["The Left Hand of Darkness"]),
    ("status=reference", ["An Atlas"]),
    ("in_print=false", ["Rocannon's World"]),
    (f"isbn={ISBN}", ["The Left Hand of Darkness"]),
    ("pages_from=117&pages_to=304", ["Rocannon's World"]),
    ("price_from=5&price_to=12.5", ["Rocannon's World"]),
    ("published_from=1966-01-01&published_to=1969-03-01", ["Rocannon's World"]),
]


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> tuple[int, str]:
        """The status and the code of an error."""
        return self.status, self.json["type"].rpartition("/")[2]


# Method, path, a body in JSON (None: none), and headers.
Ask = Callable[[str, str, Any, Mapping[str, str]], Answer]


class Visitor:
    """One who sends requests."""

    def __init__(self, ask: Ask, headers: Mapping[str, str] | None = None) -> None:
        self._ask = ask
        self._headers = headers or {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask(method, path, body, {**self._headers, **named})

    def signed_in(self, username: str) -> "Visitor":
        """The same as a new user."""
        credentials = {"username": username, "password": "correct horse"}
        assert self("POST", "/api/users", credentials).status == 201
        token = self("POST", "/api/tokens", credentials).json["data"]["token"]
        return Visitor(self._ask, {"Authorization": f"Bearer {token}"})

    def titles(self, question: str = "") -> list[str]:
        """The titles of all books that answer a question, two a page."""
        path, titles = f"/api/books?limit=2&{question}", []
        while path:
            page = self("GET", path)
            assert page.status == 200, page.text
            titles += [book["title"] for book in page.json["data"]]
            path = page.json["next"]
        return titles


def fill(visitor: Visitor) -> None:
    """Author 1, and three books of an empty library."""
    author = visitor("POST", "/api/authors", {"name": "Ursula K. Le Guin", "born": 1929})
    assert (author.status, author.json["data"]["born"]) == (201, 1929)
    assert visitor("POST", "/api/books", {**BOOK, "author_id": 1}).status == 201
    second = {"title": "Rocannon's World", "pages": 117, "price": "5", "in_print": False}
    assert visitor("POST", "/api/books", {**second, "published": "1966-01-01"}).status == 201
    assert visitor("POST", "/api/books", {"title": "An Atlas", "status": "reference"}).status == 201


def walk(visitor: Visitor) -> None:
    """Read, ask, break every rule, change, retry, lend, delete: the library ends as it began."""
    _read(visitor)
    for question, titles in QUESTIONS:
        assert visitor.titles(question) == titles, question
    assert visitor("GET", "/api/books?count=true&limit=1").json["total"] == 3
    _break_rules(visitor)
    _change(visitor)
    _lend(visitor)


def _read(visitor: Visitor) -> None:
    found = visitor("GET", "/api/books/1")
    assert {name: found.json["data"][name] for name in BOOK} == BOOK
    tag = found.headers["etag"]
    assert visitor("GET", "/api/books/1", If_None_Match=tag).status == 304
    third = visitor("GET", "/api/books/3").json["data"]
    absent = {"pages": None, "price": None, "isbn": None, "published": None, "author_id": None}
    assert {name: third[name] for name in absent} == absent
    assert (third["in_print"], third["tags"]) == (True, [])


def _break_rules(visitor: Visitor) -> None:
    for name, value, sentence in BAD_VALUES:
        refused = visitor("POST", "/api/books", {"title": "Bad", name: value})
        assert refused.problem == (400, "invalid-book"), (name, value)
        assert sentence in refused.json["errors"][name][0]
        patched = visitor("PATCH", "/api/books/2", {name: value})
        assert patched.json["errors"] == refused.json["errors"]
    for taken in (
        visitor("POST", "/api/books", {"title": "Twin", "isbn": ISBN}),
        visitor("PATCH", "/api/books/2", {"isbn": ISBN}),
    ):
        assert taken.problem == (409, "value-taken")
        assert list(taken.json["errors"]) == ["isbn"]
    assert visitor("DELETE", "/api/authors/1").problem == (409, "record-in-use")
    assert visitor("GET", "/api/books?pages_from=x").problem == (400, "invalid-parameter")
    assert visitor("GET", "/api/books/999").problem == (404, "book-not-found")


def _change(visitor: Visitor) -> None:
    tag = visitor("GET", "/api/books/2").headers["etag"]
    changed = visitor("PATCH", "/api/books/2", {"isbn": OTHER_ISBN, "pages": 118}, If_Match=tag)
    assert (changed.status, changed.json["data"]["isbn"]) == (200, OTHER_ISBN)
    late = visitor("PATCH", "/api/books/2", {"pages": 1}, If_Match=tag)
    assert late.problem == (412, "version-mismatch")
    assert visitor("PATCH", "/api/books/2", {"isbn": None, "pages": 117}).status == 200
    body, key = {"title": "Once"}, tag.strip('"') + changed.headers["x-request-id"]
    first = visitor("POST", "/api/books", body, Idempotency_Key=key)
    again = visitor("POST", "/api/books", body, Idempotency_Key=key)
    assert (first.status, again.text) == (201, first.text)
    assert again.headers["idempotency-replayed"] == "true"
    other = visitor("POST", "/api/books", {"title": "Twice"}, Idempotency_Key=key)
    assert other.problem == (422, "idempotency-key-reused")
    assert visitor("DELETE", first.headers["location"]).status == 200
    assert visitor("GET", first.headers["location"]).problem == (404, "book-not-found")


def _lend(visitor: Visitor) -> None:
    loan, key = "/api/books/1/loan", visitor("GET", "/api/books/1").headers["x-request-id"]
    assert visitor("GET", loan).problem == (404, "book-is-in")
    lent = visitor("POST", loan, Idempotency_Key=key)
    assert (lent.status, lent.headers["location"]) == (201, loan)
    assert visitor("POST", loan, Idempotency_Key=key).text == lent.text
    assert visitor("GET", loan).json["data"] == lent.json["data"]
    for _ in range(2):
        assert visitor("POST", loan).problem == (409, "book-is-out")
        assert visitor("DELETE", "/api/books/1").problem == (409, "book-is-out")
    assert visitor("POST", "/api/books/3/loan").problem == (409, "book-is-not-for-loan")
    assert visitor("POST", "/api/books/999/loan").problem == (404, "book-not-found")
    assert visitor("DELETE", loan).json["data"] == lent.json["data"]
    assert visitor("DELETE", loan).problem == (404, "book-is-in")
