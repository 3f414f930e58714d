"""What the OpenAPI document says of the resources of any collection."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from falcon import MEDIA_JSON
from marshmallow import EXCLUDE, Schema, fields

from datas.domain.records import ENVELOPE, Collection
from datas.http.body import MEDIA_MERGE_PATCH
from datas.http.csv_rows import write_row
from datas.http.lines import Csv, Ndjson
from datas.http.operation import BODY, IF_NONE_MATCH, STORED, TAGS, Operation
from datas.http.params import BulkParams
from datas.http.parts import RecordParts
from datas.http.schemas import RecordBody

_KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes a retry safe: the first success is kept for 24 hours, and sent again if the "
        "request is repeated with the same key. Make a new one, such as a random UUID, for each "
        "new request."
    ),
    "schema": _KEY_SCHEMA,
}
_TIME = "2026-11-22T16:00:00.123456Z"
_NEXT = {
    "type": ["string", "null"],
    "description": "The path and query of the next page; null on the last one.",
}


def components(parts: RecordParts[Any]) -> dict[str, Any]:
    """The schemas of a collection, by name: `Item`, `ItemDraft`, …"""
    collection, schema = parts.collection, parts.schema
    one, plural = camel(collection.name), collection.plural
    ignored: Any = {name: fields.Raw(metadata={"description": "Ignored."}) for name in ENVELOPE}
    whole = {"$ref": f"#/components/schemas/{one}"}
    total = f"How many {plural} there are on all pages; only with `count=true`."
    page = _envelope({"type": "array", "items": whole}, next=_NEXT)
    page["properties"]["total"] = {"type": "integer", "format": "int64", "description": total}
    lines = f"{collection.plural_title}, one a line: JSON objects, or values under a header."
    return {
        one: _with_every_field(schema(unknown=EXCLUDE)),
        f"{one}Draft": schema(only=collection.fields),
        f"{one}Patch": _without_defaults(schema(only=collection.fields, partial=True)),
        f"{one}Replacement": schema.from_dict(ignored),
        f"{one}Answer": _envelope(whole),
        f"{one}Page": page,
        f"{one}Lines": {"type": "string", "description": lines},
    }


def _envelope(data: Mapping[str, Any], **more: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope of a success, around `data`."""
    success = {"type": "boolean", "description": "Always true."}
    properties = {"data": data, "msg": {"type": "string"}, **more, "success": success}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _with_every_field(schema: Schema) -> Schema:
    """The same schema. An answer has every field; `required` in the class is about requests."""
    for each in schema.fields.values():
        each.required = True
    return schema


def _without_defaults(schema: Schema) -> Schema:
    """The same schema. A field that a patch leaves out stays as it is."""
    for each in schema.fields.values():
        each.metadata = {name: it for name, it in each.metadata.items() if name != "x-default"}
    return schema


def camel(name: str) -> str:
    """`OrderLine` for `order_line`."""
    return name.title().replace("_", "")


def _answer_example(body: RecordBody[Any], msg: str, **members: Any) -> dict[str, Any]:
    """An example of an answer about record 7; that of a page has members more, and a list."""
    kept = {"id": 7, "date_created": _TIME, "date_updated": _TIME, "version": 1, "owner": None}
    values = dict.fromkeys(body.names) | body.example(whole=True) | kept
    return {"success": True, "msg": msg, "data": [values] if members else values, **members}


def _taken(collection: Collection[Any]) -> tuple[str, ...]:
    return ("value-taken",) if collection.unique else ()


def _if_match(collection: Collection[Any]) -> tuple[Mapping[str, Any], ...]:
    change = f"Change the {collection.name} only if it is"
    at_one = f'{change} still at one of these versions, such as `"3"`; `*`: at any.'
    header = {"name": "If-Match", "in": "header", "description": at_one, "schema": TAGS}
    return header, IF_NONE_MATCH | {"description": f"{change} at none of these versions."}


def collection_operations(parts: RecordParts[Any]) -> dict[str, Operation]:
    collection, body = parts.collection, parts.body
    one, plural = camel(collection.name), collection.plural
    names = [f"{verb}{one}" for verb in ("get", "replace", "change", "delete")]
    target = {f"{collection.name}_id": "$response.body#/data/id"}
    invalid = (*BODY, f"invalid-{collection.name}", *_taken(collection))
    return {
        "GET": Operation(
            f"list{camel(plural)}",
            f"List {plural}, a page at a time",
            f"{one}Page",
            tag=plural,
            answer_example=_answer_example(body, f"{collection.plural_title} found (1)", next=None),
            headers=("Link",),
            parameters=({"in": "query", "schema": parts.params.page_schema},),
            problems=STORED,
        ),
        "POST": Operation(
            f"create{one}",
            f"Create {collection.one}",
            f"{one}Answer",
            HTTPStatus.CREATED,
            plural,
            answer_example=_answer_example(body, f"{collection.title} [7] successfully created"),
            headers=("Location", "ETag", "Idempotency-Replayed"),
            parameters=(IDEMPOTENCY_KEY,),
            body=f"{one}Draft",
            example=body.example(whole=True),
            problems=(*STORED, *invalid, "idempotency-key-reused"),
            links={name: {"operationId": name, "parameters": target} for name in names},
        ),
    }


def _change_of(parts: RecordParts[Any]) -> "partial[Operation]":
    """What PUT and PATCH have in common."""
    collection = parts.collection
    invalid = (*BODY, f"invalid-{collection.name}", *_taken(collection))
    return partial(
        Operation,
        answer=f"{camel(collection.name)}Answer",
        tag=collection.plural,
        answer_example=_answer_example(parts.body, f"{collection.title} [7] successfully updated"),
        headers=("ETag",),
        parameters=_if_match(collection),
        problems=(*_found(collection), "version-mismatch", "forbidden", *invalid),
    )


def _found(collection: Collection[Any]) -> tuple[str, ...]:
    return (*STORED, f"{collection.name}-not-found", "route-not-found")


def record_operations(parts: RecordParts[Any], *, is_target: bool) -> dict[str, Operation]:
    """Of `/api/datas/{item_id}`; records of another collection may refer to a target."""
    collection, draft = parts.collection, parts.body.example(whole=True)
    one, a_record, change = camel(collection.name), collection.one, _change_of(parts)
    operation = partial(Operation, answer=f"{one}Answer", tag=collection.plural)
    refused = ("version-mismatch", "forbidden", *(("record-in-use",) if is_target else ()))
    patch = {"schema": f"{one}Patch", "example": draft}
    return {
        "GET": operation(
            f"get{one}",
            f"Read {a_record}",
            answer_example=_answer_example(parts.body, f"{collection.title} [7] found"),
            headers=("ETag",),
            parameters=(IF_NONE_MATCH,),
            problems=_found(collection),
        ),
        "PUT": change(
            f"replace{one}",
            f"Replace {a_record}; read-only fields are ignored, so that what was read can be put "
            "back",
            body=f"{one}Replacement",
            example=draft,
        ),
        "PATCH": change(
            f"change{one}",
            "Change what a merge patch names (RFC 7396)",
            body={MEDIA_MERGE_PATCH: patch, MEDIA_JSON: patch},
        ),
        "DELETE": operation(
            f"delete{one}",
            f"Delete {a_record}, and show it as it was",
            answer_example=_answer_example(
                parts.body, f"{collection.title} [7] successfully deleted"
            ),
            parameters=_if_match(collection),
            problems=(*_found(collection), *refused),
        ),
    }


def bulk_operations(parts: RecordParts[Any]) -> dict[str, Operation]:
    collection, draft = parts.collection, parts.body.example(whole=True)
    many, lines = camel(collection.plural), {"schema": f"{camel(collection.name)}Lines"}
    ndjson = orjson.dumps(draft, option=orjson.OPT_APPEND_NEWLINE).decode()
    csv = write_row(draft) + write_row(draft.values())
    refused = (*BODY, "invalid-lines", *_taken(collection), "idempotency-key-reused")
    return {
        "GET": Operation(
            f"export{many}",
            f"Stream all {collection.plural} that match, one a line",
            {Ndjson.media_type: lines, Csv.content_type: lines},
            tag=collection.plural,
            headers=("Vary",),
            parameters=({"in": "query", "schema": parts.params.list_schema},),
            problems=STORED,
        ),
        "POST": Operation(
            f"import{many}",
            f"Create many {collection.plural}, all or none; read-only fields are ignored, so that "
            "what was streamed out can be streamed in",
            "BulkAnswer",
            HTTPStatus.CREATED,
            collection.plural,
            headers=("Idempotency-Replayed",),
            parameters=({"in": "query", "schema": BulkParams}, IDEMPOTENCY_KEY),
            body={
                Ndjson.media_type: lines | {"example": ndjson},
                Csv.media_type: lines | {"example": csv},
            },
            problems=(*STORED, *refused),
            dry_run=True,
        ),
    }
