"""Books on the wire, and what a list of them can be asked."""

from datas.domain.query import Filter, Operator
from datas.http.fields import Text, field
from datas.http.schemas import RecordSchema
from library.domain.books import BOOKS


class BookSchema(RecordSchema):
    """A book."""

    title = field(BOOKS, "title", example="The Left Hand of Darkness")
    pages = field(BOOKS, "pages", example=304)
    price = field(BOOKS, "price", description="In euros.")
    isbn = field(BOOKS, "isbn", Text, description="An ISBN-13.", example="9780441478125")
    status = field(BOOKS, "status")
    published = field(BOOKS, "published", example="1969-03-01")
    in_print = field(BOOKS, "in_print")
    tags = field(BOOKS, "tags", example=["science fiction"])
    author_id = field(BOOKS, "author_id", example=None)


BOOK_FILTERS = {
    "author_id": Filter("author_id"),
    "status": Filter("status"),
    "in_print": Filter("in_print"),
    "isbn": Filter("isbn"),
    "title_contains": Filter("title", Operator.CONTAINS),
    "pages_from": Filter("pages", Operator.FROM),
    "pages_to": Filter("pages", Operator.BELOW),
    "price_from": Filter("price", Operator.FROM),
    "price_to": Filter("price", Operator.BELOW),
    "published_from": Filter("published", Operator.FROM),
    "published_to": Filter("published", Operator.BELOW),
}
