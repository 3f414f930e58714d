"""A service of its own beside Datas: books and their authors, and books that are lent.

Run it in the folder above: DATAS_COLLECTIONS=library:COLLECTIONS datas serve
"""

from pathlib import Path

from datas.served import Package, Served
from library.adapters.authors import AuthorRow
from library.adapters.books import BookRow
from library.adapters.loans import LoanRow, SqlLoans
from library.domain.authors import AUTHORS
from library.domain.books import BOOKS
from library.domain.lending import Books
from library.http.authors import AuthorSchema
from library.http.books import BOOK_FILTERS, BookSchema
from library.http.loans import LoanResource

_HERE = Path(__file__).parent

COLLECTIONS = Package(
    "library",
    [
        Served(
            BOOKS,
            BookSchema,
            BookRow,
            BOOK_FILTERS,
            service=Books,
            resources={"loan": LoanResource},
            ports={"loans": SqlLoans},
            other_tables=[LoanRow],
        ),
        Served(AUTHORS, AuthorSchema, AuthorRow),
    ],
    migrations=_HERE / "migrations",
    problems=_HERE / "problems.toml",
)
