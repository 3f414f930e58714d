"""How a resource describes its methods: `operations = {"GET": Operation(…)}` beside its responders.

`openapi.py` builds the document from these entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

# Problems of any request, of a request that needs the database, and of one with a body.
ANYWHERE = ("invalid-header", "misdirected-request", "not-acceptable", "internal-error")
STORED = (*ANYWHERE, "invalid-parameter", "storage-unavailable", "unauthenticated")
BODY = (
    "malformed-json",
    "length-required",
    "body-too-large",
    "unsupported-media-type",
    "forbidden",
)

# No request header has an example: pages that try an API would send it unasked, and the answer
# would be a 304, a 412 or a replay.
_TAG = r'(W/)?"[!#-~\x80-\xff]*"'
TAGS = {"type": "string", "pattern": rf"^(\*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$"}
_KNOWN = (
    'Versions that the client has, such as `"3"`: the current one among them is not sent again.'
)
IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "description": _KNOWN, "schema": TAGS}


@dataclass(frozen=True)
class Operation:
    """One method of a resource (https://spec.openapis.org/oas/v3.1.1#operation-object).

    `answer` and `body` name a component, for JSON, or have a Media Type Object for each media type.
    A body may be a marshmallow schema too. Schemas are in `openapi.json`, or a collection's own.
    """

    id: str
    summary: str
    answer: str | Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK
    tag: str = "system"
    headers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ANYWHERE
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: Any = None
    example: Any = None  # of a body in JSON
    answer_example: Any = None
    links: Mapping[str, Any] | None = None
    dry_run: bool = False


# Of content that changes only when the server is updated: the client may have it already.
content_operation = partial(Operation, headers=("ETag",), parameters=(IF_NONE_MATCH,))
