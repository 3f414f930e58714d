"""The query string: what a list may be asked, and the opaque cursor that walks through it."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Any, ClassVar

import falcon
import orjson
from falcon.routing import BaseConverter
from marshmallow import RAISE, Schema, ValidationError, fields

from datas.domain.credentials import fold, username_faults
from datas.domain.items import data_faults
from datas.domain.query import (
    ALL,
    BY_ID,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_SEARCH,
    SORTS,
    Filter,
    Position,
    Sort,
    search_faults,
)
from datas.http.errors import Refusal
from datas.http.request import Request
from datas.http.schemas import USERNAME_PATTERN, rfc3339, rule

MAX_ID = 2**63 - 1
DIGEST = 6  # bytes of a cursor that tie it to its list
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


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


class Moment(fields.Field[datetime]):
    """A moment in UTC, whose `Z` needs no escape: a `+` in a query would be a space."""

    def _deserialize(self, value: str, *_: Any, **__: Any) -> datetime:
        try:
            return _moment(value)
        except ValueError:
            fault = "must be a time in UTC that ends in Z, such as 2026-11-22T16:00:00Z."
            raise ValidationError(fault) from None


class Truth(fields.Field[bool]):
    """`true` or `false`."""

    def _deserialize(self, value: str, *_: Any, **__: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("must be true or false.")
        return value == "true"


class SortOrder(fields.Field[Sort]):
    """An order, by its name: `id`, or `-id` for descending."""

    NAMES: ClassVar = {f"{'-' if sort.descending else ''}{sort.field}": sort for sort in SORTS}

    def _serialize(self, value: Sort | None, *_: Any, **__: Any) -> str | None:
        return next((name for name, sort in self.NAMES.items() if sort == value), None)

    def _deserialize(self, value: str, *_: Any, **__: Any) -> Sort:
        if value not in self.NAMES:
            raise ValidationError(f"must be one of: {', '.join(self.NAMES)}.")
        return self.NAMES[value]


class ListParams(Schema):
    """Which items are asked for, and in which order."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is no parameter of this address; leave it out."}

    sort = SortOrder(
        load_default=BY_ID,
        metadata={
            "type": "string",
            "enum": list(SortOrder.NAMES),
            "description": "The order; a minus sign for descending.",
        },
    )
    q = fields.String(
        attribute="search",
        validate=rule(search_faults),
        metadata={
            "minLength": 1,
            "maxLength": MAX_SEARCH,
            "pattern": "^[^\\u0000]*$",
            "description": "Items whose data contains this, whatever the case.",
        },
    )
    created_from = Moment(
        metadata={
            "type": "string",
            "format": "date-time",
            "pattern": "Z$",
            "description": "Items of this time or later.",
        }
    )
    created_to = Moment(
        metadata={
            "type": "string",
            "format": "date-time",
            "pattern": "Z$",
            "description": "Items of before this time.",
        }
    )
    owner = fields.String(
        validate=rule(username_faults),
        metadata={"pattern": USERNAME_PATTERN, "description": "Items of this user."},
    )


class PageParams(ListParams):
    """The parameters of a page of items."""

    limit = Limit(
        load_default=DEFAULT_LIMIT,
        metadata={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "description": "How many items a page has at most.",
        },
    )
    after = fields.String(
        metadata={"description": "Where the page starts: the cursor in `next` of the page before."}
    )
    count = Truth(
        load_default=False,
        metadata={
            "type": "boolean",
            "description": "Whether to say in `total` how many items there are in all.",
        },
    )


class BulkParams(Schema):
    """The parameters of many items that are brought in."""

    class Meta:
        unknown = RAISE

    error_messages = ListParams.error_messages

    dry_run = Truth(
        load_default=False,
        metadata={"type": "boolean", "description": "Check every line, and store none."},
    )


_LIST, _PAGE, _BULK = ListParams(), PageParams(), BulkParams()


def read_page(req: Request) -> dict[str, Any]:
    """What `ItemService.page` is asked. Raises: Refusal (`invalid-parameter`)."""
    params = _with_filter(_load(req, _PAGE))
    if "after" in params:
        params["after"] = _read_cursor(params["after"], params["sort"], _context(req, params))
    return params


def read_list(req: Request) -> dict[str, Any]:
    """`sort` and `which`, for all items. Raises: Refusal (`invalid-parameter`)."""
    return _with_filter(_load(req, _LIST))


def read_dry_run(req: Request) -> bool:
    """Whether nothing is to be stored. Raises: Refusal (`invalid-parameter`)."""
    dry_run: bool = _load(req, _BULK)["dry_run"]
    return dry_run


def next_page(req: Request, params: dict[str, Any], position: Position) -> str:
    """The path and query of the page that starts at `position`."""
    query = dict(req.params) | {"after": _cursor(position, _context(req, params))}
    return f"{req.root_path}/api/datas{falcon.to_query_str(query)}"


def refuse_params(req: falcon.Request) -> None:
    """For addresses that have none. Raises: Refusal (`invalid-parameter`)."""
    if req.params:
        fault = PageParams.error_messages["unknown"]
        raise Refusal("invalid-parameter", errors={name: [fault] for name in req.params})


def _load(req: Request, schema: Schema) -> dict[str, Any]:
    repeated = [name for name, value in req.params.items() if isinstance(value, list)]
    if repeated:
        errors = {name: ["is given more than once; give it once."] for name in repeated}
        raise Refusal("invalid-parameter", errors=errors)
    try:
        params: dict[str, Any] = schema.load(req.params)
    except ValidationError as error:
        raise Refusal("invalid-parameter", errors=error.messages_dict) from None
    return params


def _with_filter(params: dict[str, Any]) -> dict[str, Any]:
    if "owner" in params:
        params["owner"] = fold(params["owner"])
    given = {name: params.pop(name) for name in Filter._fields if name in params}
    return params | {"which": Filter(**given) if given else ALL}


def _context(req: Request, params: dict[str, Any]) -> str:
    """What a cursor belongs to: an order, filters, and whoever was given it."""
    return f"{params['sort']} {params['which']} {req.actor.username}"


def _cursor(position: Position, context: str) -> str:
    item_id, value = position
    place = orjson.dumps([item_id, rfc3339(value) if isinstance(value, datetime) else value])
    return base64.urlsafe_b64encode(_digest(place, context) + place).decode()


def _read_cursor(cursor: str, sort: Sort, context: str) -> Position:
    """Raises: Refusal, if the cursor was changed, or made for another list or actor."""
    try:
        decoded = base64.b64decode(cursor, b"-_", validate=True)
        place = decoded[DIGEST:]
        if decoded[:DIGEST] == _digest(place, context):
            return _position(orjson.loads(place), sort)
    except ValueError:
        pass
    fault = (
        "is damaged, or was made for another list. Take it unchanged from `next`, with the same "
        "sort and filters, or start again without it."
    )
    raise Refusal("invalid-parameter", errors={"after": [fault]})


def _position(place: object, sort: Sort) -> Position:
    """The digest keeps no secret: anybody can make one for a place that is none.

    Raises: ValueError.
    """
    match place:
        case [int(item_id), value] if 0 < item_id <= MAX_ID:
            if value is None and sort.field == "id":
                return Position(item_id)
            if isinstance(value, str) and sort.field == "data" and not data_faults(value):
                return Position(item_id, value)
            if isinstance(value, str) and sort.field.startswith("date"):
                return Position(item_id, _moment(value))
    raise ValueError(place)


def _digest(place: bytes, context: str) -> bytes:
    """Ties a cursor to its context and finds damage. It keeps no secret: it hides nothing."""
    return hashlib.blake2b(place + context.encode(), digest_size=DIGEST).digest()


def _moment(text: str) -> datetime:
    """Raises: ValueError."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)
