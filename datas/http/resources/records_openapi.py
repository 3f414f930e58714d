"""What the OpenAPI document says of the items' resources."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from falcon import MEDIA_JSON
from marshmallow import EXCLUDE, Schema, fields

from datas.domain.items import Item
from datas.http.body import MEDIA_MERGE_PATCH
from datas.http.operation import BODY, IF_NONE_MATCH, STORED, TAGS, Operation, json_content
from datas.http.params import BulkParams, ListParams, PageParams
from datas.http.schemas import (
    READ_ONLY,
    WRITABLE,
    BulkAnswerSchema,
    ItemAnswerSchema,
    ItemPageSchema,
    ItemSchema,
    dump_item,
)
from datas.http.streams import Csv, Ndjson

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": (
        'Change the item only if it is still at one of these versions, such as `"3"`; `*`: at any.'
    ),
    "schema": TAGS,
}
_UNLESS_MATCH = IF_NONE_MATCH | {
    "description": "Change the item only if it is at none of these versions.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes a retry safe: the first success is kept for 24 hours, and sent again to whoever "
        "repeats the request with the same key. Make a new one, such as a random UUID, for each "
        "new request."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

_DRAFT = {"data": "hello"}
_TIME = datetime(2026, 11, 22, 16, 0, 0, 123456, tzinfo=UTC)
_ITEM = dump_item(Item(7, "hello", _TIME, _TIME, version=1))
_NDJSON = {"schema": "ItemLines", "example": '{"data": "tea"}\n{"data": "milk"}\n'}
_CSV = {"schema": "ItemLines", "example": "data\r\ntea\r\nmilk\r\n"}


def components() -> dict[str, Any]:
    """The schemas that are more than a marshmallow class, by name."""
    ignored: dict[str, Any] = {
        name: fields.Raw(metadata={"description": "Ignored."}) for name in READ_ONLY
    }
    return {
        "Item": _with_every_field(ItemSchema(unknown=EXCLUDE)),
        "ItemDraft": ItemSchema(only=WRITABLE),
        "ItemPatch": ItemSchema(only=WRITABLE, partial=True),
        "ItemReplacement": ItemSchema.from_dict(ignored, name="ItemReplacement"),
        "ItemLines": {
            "type": "string",
            "description": "Items, one a line: JSON objects, or values under a header.",
        },
    }


def _with_every_field(schema: Schema) -> Schema:
    """The same schema. An answer has every field; `required` in the class is about requests."""
    for each in schema.fields.values():
        each.required = True
    return schema


def _answer(what_happened: str) -> dict[str, Any]:
    example = {"success": True, "msg": f"Item [7] {what_happened}", "data": _ITEM}
    return json_content(ItemAnswerSchema, example)


_ITEM_BODY = (*BODY, "invalid-item")
_ONE = (*STORED, "item-not-found", "route-not-found")
_CHANGE = (*_ONE, "version-mismatch", "forbidden")

COLLECTION = {
    "GET": Operation(
        "listItems",
        "List items, a page at a time",
        json_content(
            ItemPageSchema,
            {"success": True, "msg": "Items found (1)", "data": [_ITEM], "next": None},
        ),
        headers=("Link",),
        parameters=({"in": "query", "schema": PageParams},),
        problems=STORED,
        tag="items",
    ),
    "POST": Operation(
        "createItem",
        "Create an item",
        _answer("successfully created"),
        HTTPStatus.CREATED,
        headers=("Location", "ETag", "Idempotency-Replayed"),
        parameters=(_IDEMPOTENCY_KEY,),
        body=json_content("ItemDraft", _DRAFT),
        problems=(*STORED, *_ITEM_BODY, "idempotency-key-reused"),
        links={
            operation: {
                "operationId": operation,
                "parameters": {"item_id": "$response.body#/data/id"},
            }
            for operation in ("getItem", "replaceItem", "changeItem", "deleteItem")
        },
        tag="items",
    ),
}

RECORD = {
    "GET": Operation(
        "getItem",
        "Read an item",
        _answer("found"),
        headers=("ETag",),
        parameters=(IF_NONE_MATCH,),
        problems=_ONE,
        not_modified=True,
        tag="items",
    ),
    "PUT": Operation(
        "replaceItem",
        "Replace an item; read-only fields are ignored, so that what was read can be put back",
        _answer("successfully updated"),
        headers=("ETag",),
        parameters=(_IF_MATCH, _UNLESS_MATCH),
        body=json_content("ItemReplacement", _DRAFT),
        problems=(*_CHANGE, *_ITEM_BODY),
        tag="items",
    ),
    "PATCH": Operation(
        "changeItem",
        "Change what a merge patch names (RFC 7396)",
        _answer("successfully updated"),
        headers=("ETag",),
        parameters=(_IF_MATCH, _UNLESS_MATCH),
        body={
            media_type: {"schema": "ItemPatch", "example": _DRAFT}
            for media_type in (MEDIA_MERGE_PATCH, MEDIA_JSON)
        },
        problems=(*_CHANGE, *_ITEM_BODY),
        tag="items",
    ),
    "DELETE": Operation(
        "deleteItem",
        "Delete an item, and show it as it was",
        _answer("successfully deleted"),
        parameters=(_IF_MATCH, _UNLESS_MATCH),
        problems=_CHANGE,
        tag="items",
    ),
}

BULK = {
    "GET": Operation(
        "exportItems",
        "Stream all items that match, one a line",
        {Ndjson.media_type: {"schema": "ItemLines"}, Csv.content_type: {"schema": "ItemLines"}},
        headers=("Vary",),
        parameters=({"in": "query", "schema": ListParams},),
        problems=STORED,
        tag="items",
    ),
    "POST": Operation(
        "importItems",
        "Create many items, all or none; read-only fields are ignored, so that what was streamed "
        "out can be streamed in",
        json_content(BulkAnswerSchema),
        HTTPStatus.CREATED,
        headers=("Idempotency-Replayed",),
        parameters=({"in": "query", "schema": BulkParams}, _IDEMPOTENCY_KEY),
        body={Ndjson.media_type: _NDJSON, Csv.media_type: _CSV},
        problems=(*STORED, *BODY, "invalid-lines", "idempotency-key-reused"),
        dry_run=True,
        tag="items",
    ),
}
