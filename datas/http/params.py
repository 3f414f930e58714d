"""The query string: what a list can be asked, and the opaque cursor that leads through it."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic

import falcon
import orjson
from falcon.routing import BaseConverter
from marshmallow import RAISE, Schema, ValidationError, fields

from datas.domain.credentials import USERNAME, fold, username_faults
from datas.domain.query import (
    BY_ID,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_SEARCH,
    Condition,
    Filter,
    Operator,
    Position,
    Sort,
    search_faults,
)
from datas.domain.records import D
from datas.domain.rules import MAX_INTEGER, DecimalRule, IntegerRule, Rule, integer
from datas.http.errors import Refusal
from datas.http.fields import Date, Moment, RecordField, Text
from datas.http.request import Request
from datas.http.schemas import RecordBody

DIGEST = 6  # bytes of a cursor that tie it to its list
_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)


class IdConverter(BaseConverter):
    """An id in a path: plain digits, no sign, no leading zero, at most 2^63-1."""

    def convert(self, value: str) -> int | None:
        """The id, or None (a 404) for anything else."""
        if not _ID.fullmatch(value):
            return None
        record_id = int(value)
        return record_id if record_id <= MAX_INTEGER else None


class Limit(fields.Field[int]):
    """The length of a page."""

    def _deserialize(self, value: str, *_: Any, **__: Any) -> int:
        if not _WHOLE.fullmatch(value) or not 1 <= int(value) <= MAX_LIMIT:
            raise ValidationError(f"must be a whole number from 1 to {MAX_LIMIT}.")
        return int(value)


class Truth(fields.Field[bool]):
    """`true` or `false`."""

    def _deserialize(self, value: str, *_: Any, **__: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("must be true or false.")
        return value == "true"


class SortOrder(fields.Field[Sort]):
    """An order by its name: `id`, or `-id` for descending."""

    def __init__(self, names: Mapping[str, Sort]) -> None:
        description = "The order; a minus sign for descending."
        schema = {"type": "string", "enum": list(names), "description": description}
        super().__init__(load_default=BY_ID, metadata=schema)
        self._names = names

    def _serialize(self, value: Sort | None, *_: Any, **__: Any) -> str | None:
        return next((name for name, sort in self._names.items() if sort == value), None)

    def _deserialize(self, value: str, *_: Any, **__: Any) -> Sort:
        if value not in self._names:
            raise ValidationError(f"must be one of: {', '.join(self._names)}.")
        return self._names[value]


_FAR = {
    Date: ("2000-01-01", "2100-01-01"),
    Moment: ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
}


class FilterValue(fields.Field[Any]):
    """A value that a field is compared with; a range may begin or end outside a field's bounds."""

    def __init__(self, of: Filter, field: RecordField, description: str) -> None:
        schema = {
            name: value
            for name, value in field.metadata.items()
            if name not in ("x-default", "description", "example")
        }
        if "enum" in schema:
            schema["enum"] = [value for value in schema["enum"] if value is not None]
        self._rule = field.rule
        if of.operator in (Operator.FROM, Operator.BELOW):
            self._rule = _widened(field.rule)
            schema = {name: schema[name] for name in schema if name not in ("minimum", "maximum")}
        if isinstance(field, Date | Moment):
            # Pages that try an API send it: it leaves nothing out.
            schema["example"] = _FAR[type(field)][of.operator == Operator.BELOW]
        super().__init__(metadata={**schema, "description": description})
        self._filter, self._field = of, field

    def condition(self, value: Any) -> Condition:
        """The condition with a value that was loaded."""
        return Condition(*self._filter, value)

    def _deserialize(self, value: str, *_: Any, **__: Any) -> Any:
        converted = self._field.from_json(self._field.from_text(value))
        if faults := self._rule(converted):
            raise ValidationError(faults)
        return converted


def _widened(rule: Rule) -> Rule:
    match rule:
        case IntegerRule():
            return integer()
        case DecimalRule(minimum=minimum, maximum=maximum):
            return replace(rule, minimum=minimum - 1, maximum=maximum + 1)
    return rule


class Username(Text):
    """A username in any case."""

    def from_json(self, value: Any) -> Any:
        return fold(value) if isinstance(value, str) else value


_USERNAME = Username(username_faults, metadata={"pattern": f"^{USERNAME}$"})
_SEARCH = Text(
    search_faults, metadata={"minLength": 1, "maxLength": MAX_SEARCH, "pattern": "^[^\\u0000]*$"}
)


class _Params(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is no parameter of this address; leave it out."}


class BulkParams(_Params):
    """The parameters of a request that creates many records."""

    dry_run = Truth(
        load_default=False,
        metadata={"type": "boolean", "description": "Check every line, and store none."},
    )


_BULK = BulkParams()
# The parameters that any list may have.
PARAMS = frozenset({"sort", "q", "created_from", "created_to", "owner", "limit", "after", "count"})


class ListParams(Generic[D]):
    """The parameters of one collection's lists, and the cursors of its pages."""

    def __init__(self, body: RecordBody[D], filters: Mapping[str, Filter]) -> None:
        self._collection = body.collection
        self._fields = body.fields
        sorts = {
            f"{'-' if descending else ''}{name}": Sort(name, descending)
            for name in self._collection.sorts
            for descending in (False, True)
        }
        self._filters = _common_filters(body) | {
            name: FilterValue(each, body.fields[each.field], _describe(body, each))
            for name, each in filters.items()
        }
        params: dict[str, Any] = {"sort": SortOrder(sorts), **self._filters}
        self.list_schema = _Params.from_dict(params)
        self.page_schema = _Params.from_dict(params | _page_fields(self._collection.plural))
        self._list, self._page = self.list_schema(), self.page_schema()

    def read_page(self, req: Request) -> dict[str, Any]:
        """The arguments of `RecordService.page`. Raises: Refusal (`invalid-parameter`)."""
        params = self._with_conditions(_load(req, self._page))
        if "after" in params:
            params["after"] = self._read_cursor(req, params)
        return params

    def read_list(self, req: Request) -> dict[str, Any]:
        """The arguments of `RecordService.export`. Raises: Refusal (`invalid-parameter`)."""
        return self._with_conditions(_load(req, self._list))

    def next_page(self, req: Request, params: Mapping[str, Any], position: Position) -> str:
        """The path and query of the page that starts at `position`."""
        query = dict(req.params) | {"after": self._cursor(req, params, position)}
        return f"{req.root_path}{self._collection.route}{falcon.to_query_str(query)}"

    def _with_conditions(self, params: dict[str, Any]) -> dict[str, Any]:
        where = tuple(
            each.condition(params.pop(name))
            for name, each in self._filters.items()
            if name in params
        )
        return params | {"where": where}

    def _context(self, req: Request, params: Mapping[str, Any]) -> bytes:
        """What a cursor belongs to: a collection, an order, conditions, and an actor."""
        parts = self._collection.plural, params["sort"], params["where"], req.actor.username
        return repr(parts).encode()

    def _cursor(self, req: Request, params: Mapping[str, Any], position: Position) -> str:
        record_id, value = position
        if value is not None:
            value = self._fields[params["sort"].field].to_json(value)
        place = orjson.dumps([record_id, value])
        digest = _digest(place, self._context(req, params))
        return base64.urlsafe_b64encode(digest + place).decode()

    def _read_cursor(self, req: Request, params: Mapping[str, Any]) -> Position:
        """Raises: Refusal, if the cursor was changed, or made for another list or actor."""
        try:
            decoded = base64.b64decode(params["after"], b"-_", validate=True)
            place = decoded[DIGEST:]
            if decoded[:DIGEST] == _digest(place, self._context(req, params)):
                return self._position(orjson.loads(place), params["sort"])
        except ValueError:
            pass
        fault = (
            "is damaged, or was made for another list. Take it unchanged from `next`, with the "
            "same sort and filters, or start again without it."
        )
        raise Refusal("invalid-parameter", errors={"after": [fault]})

    def _position(self, place: object, sort: Sort) -> Position:
        """The place that a cursor names. The digest keeps no secret, so that anyone can make one.

        Raises: ValueError, if it is no place in this order.
        """
        match place:
            case [int(record_id), value] if 0 < record_id <= MAX_INTEGER:
                if sort.field == "id" and value is None:
                    return Position(record_id)
                field = self._fields[sort.field]
                converted = field.from_json(value)
                if sort.field != "id" and not field.rule(converted):
                    return Position(record_id, converted)
        raise ValueError(place)


def _common_filters(body: RecordBody[Any]) -> dict[str, FilterValue]:
    """The filters that every collection has; `q` only with a field to search."""
    plural, search = body.collection.plural_title, body.collection.search
    created = body.fields["date_created"]
    filters = {
        "created_from": FilterValue(
            Filter("date_created", Operator.FROM), created, f"{plural} of this time or later."
        ),
        "created_to": FilterValue(
            Filter("date_created", Operator.BELOW), created, f"{plural} of before this time."
        ),
        "owner": FilterValue(Filter("owner"), _USERNAME, f"{plural} of this user."),
    }
    if search is None:
        return filters
    description = f"{plural} whose {search} contains this, whatever the case."
    return {"q": FilterValue(Filter(search, Operator.CONTAINS), _SEARCH, description)} | filters


def _describe(body: RecordBody[Any], of: Filter) -> str:
    words = {Operator.FROM: "at least this", Operator.BELOW: "below this"}
    return f"{body.collection.plural_title} whose {of.field} is {words.get(of.operator, 'this')}."


def _page_fields(plural: str) -> dict[str, Any]:
    bounds = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
    limit = f"How many {plural} a page has at most."
    after = "Where the page starts: the cursor in `next` of the page before."
    count = f"Whether to say in `total` how many {plural} there are in all."
    return {
        "limit": Limit(load_default=DEFAULT_LIMIT, metadata={**bounds, "description": limit}),
        "after": fields.String(metadata={"description": after}),
        "count": Truth(load_default=False, metadata={"type": "boolean", "description": count}),
    }


def read_dry_run(req: Request) -> bool:
    """Whether nothing is to be stored. Raises: Refusal (`invalid-parameter`)."""
    dry_run: bool = _load(req, _BULK)["dry_run"]
    return dry_run


def refuse_params(req: falcon.Request) -> None:
    """For addresses that have none. Raises: Refusal (`invalid-parameter`)."""
    if req.params:
        fault = _Params.error_messages["unknown"]
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


def _digest(place: bytes, context: bytes) -> bytes:
    """Ties a cursor to its context and finds damage. It keeps no secret: a cursor hides nothing."""
    return hashlib.blake2b(place + context, digest_size=DIGEST).digest()
