"""What the OpenAPI document says of the resources of any collection."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from falcon import MEDIA_JSON
from marshmallow import EXCLUDE, Schema, fields

from datas.domain.records import ENVELOPE, Collection
from datas.http.body import MEDIA_MERGE_PATCH
from datas.http.csv_rows import write_row
from datas.http.lines import Csv, Ndjson
from datas.http.operation import BODY, IF_NONE_MATCH, STORED, TAGS, Operation, json_content
from datas.http.params import BulkParams
from datas.http.record_parts import RecordParts
from datas.http.schemas import INT64, AnswerSchema, OpenSchema, RecordBody

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
_TIME = "2026-11-22T16:00:00.123456Z"


class CreatedSchema(OpenSchema):
    """How many records were created."""

    created = fields.Integer(required=True, metadata=INT64)


class BulkAnswerSchema(AnswerSchema):
    """The result of a bulk request, in the envelope."""

    data = fields.Nested(CreatedSchema, required=True)


def components(parts: RecordParts[Any]) -> dict[str, Any]:
    """The schemas of a collection, by name: `Item`, `ItemDraft`, …"""
    collection, schema = parts.collection, parts.schema
    one, many = camel(collection.name), collection.plural_title
    ignored: dict[str, Any] = {
        name: fields.Raw(metadata={"description": "Ignored."}) for name in ENVELOPE
    }
    page: dict[str, Any] = {
        "data": fields.List(fields.Nested(schema), required=True),
        "next": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "The path and query of the next page; null on the last one."},
        ),
        "total": fields.Integer(
            metadata={
                **INT64,
                "description": f"How many {collection.plural} there are on all pages; only with "
                "`count=true`.",
            }
        ),
    }
    lines = f"{many}, one a line: JSON objects, or values under a header."
    return {
        one: _with_every_field(schema(unknown=EXCLUDE)),
        f"{one}Draft": schema(only=collection.fields),
        f"{one}Patch": _without_defaults(schema(only=collection.fields, partial=True)),
        f"{one}Replacement": schema.from_dict(ignored),
        f"{one}Answer": AnswerSchema.from_dict({"data": fields.Nested(schema, required=True)}),
        f"{one}Page": AnswerSchema.from_dict(page),
        f"{one}Lines": {"type": "string", "description": lines},
    }


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


def _example(body: RecordBody[Any]) -> dict[str, Any]:
    """A record as an answer shows it."""
    kept = {"id": 7, "date_created": _TIME, "date_updated": _TIME, "version": 1, "owner": None}
    values = kept | dict.fromkeys(body.collection.fields) | body.example(whole=True)
    return {name: values[name] for name in body.names}


def _answer(parts: RecordParts[Any], what_happened: str) -> dict[str, Any]:
    collection = parts.collection
    msg = f"{collection.title} [7] {what_happened}"
    example = {"success": True, "msg": msg, "data": _example(parts.body)}
    return json_content(f"{camel(collection.name)}Answer", example)


def _draft_problems(collection: Collection[Any]) -> tuple[str, ...]:
    """The problems of a request whose body is a draft."""
    taken = ("value-taken",) if collection.unique else ()
    return (*BODY, f"invalid-{collection.name}", *taken)


def _if_match(collection: Collection[Any]) -> tuple[Mapping[str, Any], ...]:
    change = f"Change the {collection.name} only if it is"
    at_one = f'{change} still at one of these versions, such as `"3"`; `*`: at any.'
    unless = f"{change} at none of these versions."
    header = {"name": "If-Match", "in": "header", "description": at_one, "schema": TAGS}
    return header, IF_NONE_MATCH | {"description": unless}


def collection_operations(parts: RecordParts[Any]) -> dict[str, Operation]:
    """Of `/api/datas`."""
    collection, body = parts.collection, parts.body
    one, many = camel(collection.name), camel(collection.plural)
    msg = f"{collection.plural_title} found (1)"
    page = {"success": True, "msg": msg, "data": [_example(body)], "next": None}
    names = [f"{verb}{one}" for verb in ("get", "replace", "change", "delete")]
    target = {f"{collection.name}_id": "$response.body#/data/id"}
    return {
        "GET": Operation(
            f"list{many}",
            f"List {collection.plural}, a page at a time",
            json_content(f"{one}Page", page),
            headers=("Link",),
            parameters=({"in": "query", "schema": parts.params.page_schema},),
            problems=STORED,
            tag=collection.plural,
        ),
        "POST": Operation(
            f"create{one}",
            f"Create {collection.one}",
            _answer(parts, "successfully created"),
            HTTPStatus.CREATED,
            headers=("Location", "ETag", "Idempotency-Replayed"),
            parameters=(_IDEMPOTENCY_KEY,),
            body=json_content(f"{one}Draft", body.example(whole=True)),
            problems=(*STORED, *_draft_problems(collection), "idempotency-key-reused"),
            links={name: {"operationId": name, "parameters": target} for name in names},
            tag=collection.plural,
        ),
    }


def record_operations(parts: RecordParts[Any], *, is_target: bool) -> dict[str, Operation]:
    """Of `/api/datas/{item_id}`; records of another collection may refer to a target."""
    collection, draft = parts.collection, parts.body.example(whole=True)
    one = camel(collection.name)
    found = (*STORED, f"{collection.name}-not-found", "route-not-found")
    changed = (*found, "version-mismatch", "forbidden")
    used = ("record-in-use",) if is_target else ()
    patch = {"schema": f"{one}Patch", "example": draft}
    return {
        "GET": Operation(
            f"get{one}",
            f"Read {collection.one}",
            _answer(parts, "found"),
            headers=("ETag",),
            parameters=(IF_NONE_MATCH,),
            problems=found,
            not_modified=True,
            tag=collection.plural,
        ),
        "PUT": Operation(
            f"replace{one}",
            f"Replace {collection.one}; read-only fields are ignored, so that what was read can be "
            "put back",
            _answer(parts, "successfully updated"),
            headers=("ETag",),
            parameters=_if_match(collection),
            body=json_content(f"{one}Replacement", draft),
            problems=(*changed, *_draft_problems(collection)),
            tag=collection.plural,
        ),
        "PATCH": Operation(
            f"change{one}",
            "Change what a merge patch names (RFC 7396)",
            _answer(parts, "successfully updated"),
            headers=("ETag",),
            parameters=_if_match(collection),
            body={MEDIA_MERGE_PATCH: patch, MEDIA_JSON: patch},
            problems=(*changed, *_draft_problems(collection)),
            tag=collection.plural,
        ),
        "DELETE": Operation(
            f"delete{one}",
            f"Delete {collection.one}, and show it as it was",
            _answer(parts, "successfully deleted"),
            parameters=_if_match(collection),
            problems=(*changed, *used),
            tag=collection.plural,
        ),
    }


def bulk_operations(parts: RecordParts[Any]) -> dict[str, Operation]:
    """Of `/api/datas/bulk`."""
    collection, draft = parts.collection, parts.body.example(whole=True)
    many, lines = camel(collection.plural), {"schema": f"{camel(collection.name)}Lines"}
    ndjson = orjson.dumps(draft, option=orjson.OPT_APPEND_NEWLINE).decode()
    csv = write_row(draft) + write_row(draft.values())
    taken = ("value-taken",) if collection.unique else ()
    return {
        "GET": Operation(
            f"export{many}",
            f"Stream all {collection.plural} that match, one a line",
            {Ndjson.media_type: lines, Csv.content_type: lines},
            headers=("Vary",),
            parameters=({"in": "query", "schema": parts.params.list_schema},),
            problems=STORED,
            tag=collection.plural,
        ),
        "POST": Operation(
            f"import{many}",
            f"Create many {collection.plural}, all or none; read-only fields are ignored, so that "
            "what was streamed out can be streamed in",
            json_content(BulkAnswerSchema),
            HTTPStatus.CREATED,
            headers=("Idempotency-Replayed",),
            parameters=({"in": "query", "schema": BulkParams}, _IDEMPOTENCY_KEY),
            body={
                Ndjson.media_type: lines | {"example": ndjson},
                Csv.media_type: lines | {"example": csv},
            },
            problems=(*STORED, *BODY, "invalid-lines", *taken, "idempotency-key-reused"),
            dry_run=True,
            tag=collection.plural,
        ),
    }
