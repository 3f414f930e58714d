"""The query string: what a list may be asked, and the opaque cursor that walks through it."""

import base64
import hashlib
import re
from typing import Any, ClassVar

import falcon
from falcon.routing import BaseConverter
from marshmallow import RAISE, Schema, ValidationError, fields

from datas.domain.query import DEFAULT_LIMIT, MAX_LIMIT, SORTS, Position, Sort
from datas.http.errors import Refusal
from datas.http.request import Request

MAX_ID = 2**63 - 1
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)


class IdConverter(BaseConverter):
    """An id in a path: plain digits, no sign, no leading zero, at most 2^63-1."""

    def convert(self, value: str) -> int | None:
        """The id, or None (a 404) for anything else."""
        if not _ID.fullmatch(value):
            return None
        item_id = int(value)
        return item_id if item_id <= MAX_ID else None


class Limit(fields.Field[int]):
    """A page's length."""

    def _deserialize(self, value: str, *_: Any, **__: Any) -> int:
        if not _WHOLE.fullmatch(value) or not 1 <= int(value) <= MAX_LIMIT:
            raise ValidationError(f"must be a whole number from 1 to {MAX_LIMIT}.")
        return int(value)


class SortOrder(fields.Field[Sort]):
    """An order, by its name: `id`, or `-id` for descending."""

    NAMES: ClassVar = {f"{'-' if sort.descending else ''}{sort.field}": sort for sort in SORTS}

    def _serialize(self, value: Sort | None, *_: Any, **__: Any) -> str | None:
        return next((name for name, sort in self.NAMES.items() if sort == value), None)

    def _deserialize(self, value: str, *_: Any, **__: Any) -> Sort:
        if value not in self.NAMES:
            raise ValidationError(f"must be one of: {', '.join(self.NAMES)}.")
        return self.NAMES[value]


class PageParams(Schema):
    """The parameters of a page of items."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is no parameter of this address; leave it out."}

    limit = Limit(
        load_default=DEFAULT_LIMIT,
        metadata={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "description": "How many items a page has at most.",
        },
    )
    sort = SortOrder(
        load_default=SORTS[0],
        metadata={
            "type": "string",
            "enum": list(SortOrder.NAMES),
            "description": "The order; a minus sign for descending.",
        },
    )
    after = fields.String(
        metadata={"description": "Where the page starts: the cursor in `next` of the page before."}
    )


_PAGE = PageParams()


def read_page(req: Request) -> dict[str, Any]:
    """`limit`, `sort` and `after` for the service. Raises: Refusal (`invalid-parameter`)."""
    _refuse_repeated(req)
    try:
        params: dict[str, Any] = _PAGE.load(req.params)
    except ValidationError as error:
        raise Refusal("invalid-parameter", errors=error.messages_dict) from None
    if "after" in params:
        params["after"] = _read_cursor(params["after"], _context(req, params["sort"]))
    return params


def next_page(req: Request, params: dict[str, Any], position: Position) -> str:
    """The path and query of the page that starts at `position`."""
    query = dict(req.params) | {"after": _cursor(position, _context(req, params["sort"]))}
    return f"{req.root_path}/api/datas{falcon.to_query_str(query)}"


def refuse_params(req: falcon.Request) -> None:
    """For addresses that have none. Raises: Refusal (`invalid-parameter`)."""
    if req.params:
        fault = PageParams.error_messages["unknown"]
        raise Refusal("invalid-parameter", errors={name: [fault] for name in req.params})


def _refuse_repeated(req: falcon.Request) -> None:
    repeated = [name for name, value in req.params.items() if isinstance(value, list)]
    if repeated:
        errors = {name: ["is given more than once; give it once."] for name in repeated}
        raise Refusal("invalid-parameter", errors=errors)


def _context(req: Request, sort: Sort) -> str:
    """What a cursor belongs to: an order, and whoever was given it."""
    return f"{sort} {req.actor.username}"


def _cursor(position: Position, context: str) -> str:
    place = str(position.id)
    return base64.urlsafe_b64encode(f"{place}.{_digest(place, context)}".encode()).decode()


def _read_cursor(cursor: str, context: str) -> Position:
    """Raises: Refusal, if the cursor was changed, or made for another order or actor."""
    try:
        place, _, digest = base64.b64decode(cursor, b"-_", validate=True).decode().partition(".")
    except ValueError:
        place = digest = ""
    # The digest keeps no secret: anybody can make one for a place that is none.
    if digest != _digest(place, context) or IdConverter().convert(place) is None:
        fault = (
            "is damaged, or was made for another list. "
            "Take it unchanged from `next`, with the same sort, or start again without it."
        )
        raise Refusal("invalid-parameter", errors={"after": [fault]})
    return Position(int(place))


def _digest(place: str, context: str) -> str:
    """Ties a cursor to its context and finds damage. It keeps no secret: it hides nothing."""
    return hashlib.blake2b(f"{place} {context}".encode(), digest_size=6).hexdigest()
