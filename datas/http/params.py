"""The query string: what a list can be asked. Cursors are in cursors.py."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic
from urllib.parse import unquote_to_bytes

import falcon
from marshmallow import Schema, ValidationError, fields

from datas.domain.credentials import USERNAME, fold, username_faults
from datas.domain.query import (
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
from datas.domain.rules import DecimalRule, IntegerRule, boolean, choice, integer
from datas.http.cursors import read_cursor, write_cursor
from datas.http.errors import Refusal
from datas.http.fields import Boolean, Date, Integer, Moment, RecordField, Text
from datas.http.request import Request
from datas.http.schemas import RecordBody, without_excess


class Param(fields.Field[Any]):
    """A parameter, whose text stands for a value as the text of a record's field does."""

    def __init__(self, field: RecordField, description: str, **kwargs: Any) -> None:
        schema = {**field.metadata, "description": description}
        for name in ("x-default", "example"):
            schema.pop(name, None)
        if "enum" in schema:
            schema["enum"] = [value for value in schema["enum"] if value is not None]
        super().__init__(metadata=schema, **kwargs)
        self._field = field

    def _deserialize(self, value: str, *_: Any, **__: Any) -> Any:
        try:
            return self._field.deserialize(self._field.from_text(value))
        except ValidationError as error:
            if isinstance(self._field, Moment) and " " in value:
                error.messages = [*error.messages, "In a query, write the + of an offset as %2B."]
            raise


class Username(Text):
    def from_json(self, value: Any) -> Any:
        return fold(value) if isinstance(value, str) else value


_USERNAME = Username(username_faults, metadata={"pattern": f"^{USERNAME}$"})
_SEARCH = Text(
    search_faults, metadata={"minLength": 1, "maxLength": MAX_SEARCH, "pattern": "^[^\\u0000]*$"}
)


_COMMON = {
    "created_from": Filter("date_created", Operator.FROM),
    "created_to": Filter("date_created", Operator.BELOW),
    "owner": Filter("owner"),
}
# The parameters that any list may have.
PARAMS = frozenset({*_COMMON, "sort", "q", "limit", "after", "count"})
# What a list with the parameter shows; for a filter of a collection's own, by its operator.
_SHOWN = {
    "created_from": "of this time or later",
    "created_to": "of before this time",
    "owner": "of this user",
    Operator.EQUAL: "whose {} is this",
    Operator.FROM: "whose {} is at least this",
    Operator.BELOW: "whose {} is below this",
    Operator.CONTAINS: "whose {} contains this, whatever the case",
}


def _filter_param(body: RecordBody[Any], name: str, of: Filter) -> Param:
    """A value that a field is compared with; a range may begin or end outside a field's bounds."""
    field = _USERNAME if of.field == "owner" else body.fields[of.field]
    if of.operator is Operator.CONTAINS:
        field = _SEARCH
    elif of.operator is not Operator.EQUAL:
        field = _unbounded(field)
    shown = _SHOWN.get(name, _SHOWN[of.operator]).format(of.field)
    param = Param(field, f"{body.collection.plural_title} {shown}.")
    if isinstance(field, Date | Moment):
        # Pages that try an API send the example as it is. It leaves nothing out.
        day = "2100-01-01" if of.operator is Operator.BELOW else "2000-01-01"
        example = day if isinstance(field, Date) else f"{day}T00:00:00Z"
        param.metadata = {**param.metadata, "example": example}
    return param


def _unbounded(field: RecordField) -> RecordField:
    rule = field.rule
    match rule:
        case IntegerRule():
            rule = integer()
        case DecimalRule(minimum=minimum, maximum=maximum):
            rule = replace(rule, minimum=minimum - 1, maximum=maximum + 1)
    bounds = ("minimum", "maximum")
    schema = {name: value for name, value in field.metadata.items() if name not in bounds}
    return type(field)(rule, metadata=schema)


class _Params(Schema):
    error_messages = {"unknown": "is no parameter of this address; leave it out."}


class BulkParams(_Params):
    dry_run = Param(Boolean(boolean()), "Check every line, and store none.", load_default=False)


_BULK = BulkParams()


class ListParams(Generic[D]):
    """The parameters of one collection's lists, and the cursors of its pages."""

    def __init__(self, body: RecordBody[D], filters: Mapping[str, Filter]) -> None:
        self._collection = body.collection
        self._fields = body.fields
        sorts = [f"{sign}{name}" for name in self._collection.sorts for sign in ("", "-")]
        search = self._collection.search
        searched = {"q": Filter(search, Operator.CONTAINS)} if search else {}
        self._filters = {**searched, **_COMMON, **filters}
        order = Param(
            Text(choice(sorts), metadata={"enum": sorts}),
            "The order; a minus sign for descending.",
            load_default="id",
        )
        params: dict[str, Any] = {"sort": order}
        params |= {name: _filter_param(body, name, each) for name, each in self._filters.items()}
        self.list_schema = _Params.from_dict(params)
        self.page_schema = _Params.from_dict(params | _page_fields(self._collection.plural))
        self._list, self._page = self.list_schema(), self.page_schema()

    def read_page(self, req: Request) -> dict[str, Any]:
        """The arguments of `RecordService.page`. Raises: Refusal (`invalid-parameter`)."""
        params = self._arguments(_load(req, self._page))
        if "after" in params:
            params["after"] = read_cursor(params["after"], *self._cursor_context(req, params))
        return params

    def read_list(self, req: Request) -> dict[str, Any]:
        """The arguments of `RecordService.export`. Raises: Refusal (`invalid-parameter`)."""
        return self._arguments(_load(req, self._list))

    def next_page(self, req: Request, params: Mapping[str, Any], position: Position) -> str:
        """The path and query of the page that starts at `position`."""
        query = dict(req.params) | {
            "after": write_cursor(position, *self._cursor_context(req, params))
        }
        return f"{req.root_path}{self._collection.route}{falcon.to_query_str(query)}"

    def _arguments(self, params: dict[str, Any]) -> dict[str, Any]:
        order = params["sort"]
        params["sort"] = Sort(order.removeprefix("-"), order.startswith("-"))
        params["where"] = tuple(
            Condition(*each, params.pop(name))
            for name, each in self._filters.items()
            if name in params
        )
        return params

    def _cursor_context(
        self, req: Request, params: Mapping[str, Any]
    ) -> tuple[RecordField | None, bytes]:
        """The field that sorts, None for the id, and what identifies the list."""
        sort = params["sort"]
        parts = self._collection.plural, sort, params["where"], req.actor.username
        return None if sort.field == "id" else self._fields[sort.field], repr(parts).encode()


def _page_fields(plural: str) -> dict[str, Any]:
    # In 32 bits, so that clients in Java can write 2 for it and not 2L.
    bounds = {"format": "int32", "minimum": 1, "maximum": MAX_LIMIT}
    limit = Integer(integer(1, MAX_LIMIT), metadata=bounds)
    after = "Where the page starts: the cursor in `next` of the page before."
    count = f"Whether to say in `total` how many {plural} there are in all."
    return {
        "limit": Param(limit, f"How many {plural} a page has at most.", load_default=DEFAULT_LIMIT),
        "after": fields.String(metadata={"description": after}),
        "count": Param(Boolean(boolean()), count, load_default=False),
    }


def read_dry_run(req: Request) -> bool:
    """Whether nothing is to be stored. Raises: Refusal (`invalid-parameter`)."""
    return bool(_load(req, _BULK)["dry_run"])


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
    if not req.query_string.isascii() or "%" in req.query_string:
        _refuse_other_encodings(req.query_string)
    values, excess = without_excess(schema, req.params)
    try:
        params: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        faults = error.messages_dict
        raise Refusal("invalid-parameter", errors=faults, more_errors=excess) from None
    return params


def _refuse_other_encodings(query: str) -> None:
    """Raises: Refusal, for bytes that are not UTF-8, or not escaped. Falcon replaces such."""
    for pair in query.split("&"):
        try:
            unquote_to_bytes(pair.encode("ascii")).decode()
        except UnicodeError:
            fault = "must be UTF-8, with each byte beyond ASCII escaped: é is %C3%A9."
            name = falcon.uri.decode(pair.partition("=")[0])
            raise Refusal("invalid-parameter", errors={name: [fault]}) from None
