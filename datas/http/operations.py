"""What the OpenAPI document says of each route and verb: one entry for each, a test sees to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from falcon import MEDIA_HTML, MEDIA_JSON

from datas.http.body import MEDIA_MERGE_PATCH
from datas.http.params import BulkParams, ListParams, PageParams
from datas.http.streams import Csv, Ndjson

MEDIA_NDJSON, MEDIA_CSV = Ndjson.media_type, Csv.media_type

# What can happen to any request, and to any that needs the database.
ANYWHERE = (
    "invalid-header",
    "misdirected-request",
    "not-acceptable",
    "invalid-parameter",
    "internal-error",
)
STORED = (*ANYWHERE, "storage-unavailable", "unauthenticated")
BODY = ("malformed-json", "body-too-large", "unsupported-media-type", "forbidden")
ITEM = (*BODY, "invalid-item")
USER = (*BODY, "invalid-user")

# None of these headers has an example: pages that try an API send it unasked, and the answer would
# be a 304, a 412 or a replay.
_TAG = r'(W/)?"[!#-~\x80-\xff]*"'
_TAGS = {"type": "string", "pattern": rf"^(\*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$"}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": (
        'Change the item only if it is still at one of these versions, such as `"3"`; `*`: at any.'
    ),
    "schema": _TAGS,
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": (
        'Versions that the client has, such as `"3"`: the current one among them is not sent again.'
    ),
    "schema": _TAGS,
}
UNLESS_MATCH = IF_NONE_MATCH | {
    "description": "Change the item only if it is at none of these versions.",
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes a retry safe: the first success is kept for 24 hours, and sent again to whoever "
        "repeats the request with the same key. Make a new one, such as a random UUID, for each "
        "new request."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

# The headers of answers: what each says, its schema, and whether it is always there.
HEADERS: dict[str, tuple[str, Mapping[str, Any], bool]] = {
    "X-Request-Id": (
        "The request's id: the client's, or a new one. Logs have it too.",
        {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        True,
    ),
    "ETag": (
        "The version of what is answered, for If-Match and If-None-Match.",
        {"type": "string", "pattern": '^"[!#-~]+"$'},
        True,
    ),
    "Location": (
        "The path of what was created.",
        {"type": "string", "format": "uri-reference"},
        True,
    ),
    "Link": (
        'The next page, `rel="next"`; absent on the last one.',
        {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
        False,
    ),
    "Vary": ("The request's headers on which the answer depends.", {"type": "string"}, True),
    "Allow": (
        "The methods that are possible here.",
        {"type": "string", "pattern": "^[A-Z]+(, [A-Z]+)*$"},
        True,
    ),
    "WWW-Authenticate": (
        "How to say who one is, and whether it was a token that was no good.",
        {"type": "string", "pattern": "^Bearer "},
        True,
    ),
    "Retry-After": (
        "Seconds to wait before the next try.",
        {"type": "integer", "minimum": 1},
        True,
    ),
    "Idempotency-Replayed": (
        "`true` if this is the answer to an earlier request with this key.",
        {"type": "string", "const": "true"},
        False,
    ),
}


@dataclass(frozen=True)
class Operation:
    """One verb of one route. `content` and `body` name a component for each media type."""

    id: str
    summary: str
    content: Mapping[str, str]
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ANYWHERE
    parameters: tuple[Any, ...] = ()
    body: Mapping[str, str] = field(default_factory=dict)
    not_modified: bool = False
    tag: str = "items"
    links: bool = False
    dry_run: bool = False


_ONE = (*STORED, "item-not-found", "route-not-found")
_CHANGE = (*_ONE, "version-mismatch", "forbidden")

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("/api/datas", "GET"): Operation(
        "listItems",
        "List items, a page at a time",
        {MEDIA_JSON: "ItemPage"},
        headers=("Link",),
        parameters=({"in": "query", "schema": PageParams},),
        problems=STORED,
    ),
    ("/api/datas", "POST"): Operation(
        "createItem",
        "Create an item",
        {MEDIA_JSON: "ItemAnswer"},
        HTTPStatus.CREATED,
        headers=("Location", "ETag", "Idempotency-Replayed"),
        parameters=(IDEMPOTENCY_KEY,),
        body={MEDIA_JSON: "ItemDraft"},
        problems=(*STORED, *ITEM, "idempotency-key-reused"),
        links=True,
    ),
    ("/api/datas/{item_id}", "GET"): Operation(
        "getItem",
        "Read an item",
        {MEDIA_JSON: "ItemAnswer"},
        headers=("ETag",),
        parameters=(IF_NONE_MATCH,),
        problems=_ONE,
        not_modified=True,
    ),
    ("/api/datas/{item_id}", "PUT"): Operation(
        "replaceItem",
        "Replace an item; read-only fields are ignored, so that what was read can be put back",
        {MEDIA_JSON: "ItemAnswer"},
        headers=("ETag",),
        parameters=(IF_MATCH, UNLESS_MATCH),
        body={MEDIA_JSON: "ItemReplacement"},
        problems=(*_CHANGE, *ITEM),
    ),
    ("/api/datas/{item_id}", "PATCH"): Operation(
        "changeItem",
        "Change what a merge patch names (RFC 7396)",
        {MEDIA_JSON: "ItemAnswer"},
        headers=("ETag",),
        parameters=(IF_MATCH, UNLESS_MATCH),
        body={MEDIA_MERGE_PATCH: "ItemPatch", MEDIA_JSON: "ItemPatch"},
        problems=(*_CHANGE, *ITEM),
    ),
    ("/api/datas/{item_id}", "DELETE"): Operation(
        "deleteItem",
        "Delete an item, and show it as it was",
        {MEDIA_JSON: "ItemAnswer"},
        parameters=(IF_MATCH, UNLESS_MATCH),
        problems=_CHANGE,
    ),
    ("/api/datas/bulk", "GET"): Operation(
        "exportItems",
        "Stream all items that match, one a line",
        {MEDIA_NDJSON: "ItemLines", Csv.content_type: "ItemLines"},
        headers=("Vary",),
        parameters=({"in": "query", "schema": ListParams},),
        problems=STORED,
    ),
    ("/api/datas/bulk", "POST"): Operation(
        "importItems",
        "Create many items, all or none; read-only fields are ignored, so that what was streamed "
        "out can be streamed in",
        {MEDIA_JSON: "BulkAnswer"},
        HTTPStatus.CREATED,
        headers=("Idempotency-Replayed",),
        parameters=({"in": "query", "schema": BulkParams}, IDEMPOTENCY_KEY),
        body={MEDIA_NDJSON: "ItemLines", MEDIA_CSV: "ItemLines"},
        problems=(*STORED, *BODY, "invalid-lines", "idempotency-key-reused"),
        dry_run=True,
    ),
    ("/api/users", "POST"): Operation(
        "registerUser",
        "Register, where registration is open",
        {MEDIA_JSON: "UserAnswer"},
        HTTPStatus.CREATED,
        headers=("Location",),
        body={MEDIA_JSON: "Registration"},
        problems=(*STORED, *USER, "registration-closed", "username-taken", "too-many-attempts"),
        tag="users",
    ),
    ("/api/users/me", "GET"): Operation(
        "getMe", "Who am I?", {MEDIA_JSON: "UserAnswer"}, problems=STORED, tag="users"
    ),
    ("/api/users/me/password", "PUT"): Operation(
        "changePassword",
        "Change the password, and revoke all other tokens",
        {MEDIA_JSON: "Done"},
        body={MEDIA_JSON: "PasswordChange"},
        problems=(*STORED, *USER, "wrong-credentials", "too-many-attempts"),
        tag="users",
    ),
    ("/api/tokens", "POST"): Operation(
        "signIn",
        "Sign in: a token, shown this once",
        {MEDIA_JSON: "NewTokenAnswer"},
        HTTPStatus.CREATED,
        body={MEDIA_JSON: "Credentials"},
        problems=(*STORED, *USER, "wrong-credentials", "too-many-attempts"),
        tag="users",
    ),
    ("/api/tokens", "GET"): Operation(
        "listTokens",
        "List one's own tokens, without their secrets",
        {MEDIA_JSON: "TokenList"},
        problems=STORED,
        tag="users",
    ),
    ("/api/tokens/{token_id}", "DELETE"): Operation(
        "revokeToken",
        "Revoke one of one's own tokens",
        {MEDIA_JSON: "Done"},
        problems=(*STORED, "token-not-found", "route-not-found", "forbidden"),
        tag="users",
    ),
    ("/api/tokens/current", "DELETE"): Operation(
        "revokeCurrentToken",
        "Revoke the token in use",
        {MEDIA_JSON: "Done"},
        problems=(*STORED, "token-not-found", "forbidden"),
        tag="users",
    ),
    ("/healthz", "GET"): Operation(
        "getHealth",
        "Is the process alive?",
        {MEDIA_JSON: "Health"},
        problems=("not-acceptable", "invalid-parameter"),
        tag="system",
    ),
    ("/readyz", "GET"): Operation(
        "getReadiness",
        "Is the database reachable, and its schema current?",
        {MEDIA_JSON: "Health"},
        problems=("storage-unavailable", "server-stopping", "not-acceptable", "invalid-parameter"),
        tag="system",
    ),
    ("/metrics", "GET"): Operation(
        "getMetrics",
        "What Prometheus asks for",
        {"text/plain": "Page"},
        problems=("invalid-parameter",),
        tag="system",
    ),
    ("/openapi.json", "GET"): Operation(
        "getOpenApi",
        "This document",
        {MEDIA_JSON: "OpenApi"},
        headers=("ETag",),
        parameters=(IF_NONE_MATCH,),
        not_modified=True,
        tag="system",
    ),
    ("/problems", "GET"): Operation(
        "listProblems",
        "The kinds of errors",
        {MEDIA_HTML: "Page", MEDIA_JSON: "ProblemIndex"},
        headers=("ETag", "Vary"),
        parameters=(IF_NONE_MATCH,),
        not_modified=True,
        tag="system",
    ),
    ("/problems/{code}", "GET"): Operation(
        "getProblem",
        "A kind of error: what happened, why, and the request mended",
        {MEDIA_HTML: "Page", MEDIA_JSON: "ProblemPage"},
        headers=("ETag", "Vary"),
        parameters=(IF_NONE_MATCH,),
        not_modified=True,
        problems=(*ANYWHERE, "route-not-found"),
        tag="system",
    ),
    ("/docs", "GET"): Operation(
        "getDocs",
        "This document as a page, to read and to try",
        {MEDIA_HTML: "Page"},
        headers=("ETag",),
        parameters=(IF_NONE_MATCH,),
        not_modified=True,
        tag="system",
    ),
    ("/", "GET"): Operation(
        "getConsole",
        "The console: lessons, items, and every exchange as it was",
        {MEDIA_HTML: "Page"},
        headers=("ETag",),
        parameters=(IF_NONE_MATCH,),
        not_modified=True,
        tag="system",
    ),
}
