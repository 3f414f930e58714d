"""How a resource describes its methods: `operations = {"GET": Operation(…)}` beside its responders.

`openapi.py` builds the document from these entries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from falcon import MEDIA_JSON

from datas.domain.access import Access
from datas.http.problems import Problem

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

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": (
        'Versions that the client has, such as `"3"`: the current one among them is not sent again.'
    ),
    "schema": TAGS,
}


class About(NamedTuple):
    """The app that the document describes."""

    title: str
    plurals: Sequence[str]  # of the collections
    access: Access
    problems: Mapping[str, Problem]


@dataclass(frozen=True)
class Operation:
    """One method of a resource (https://spec.openapis.org/oas/v3.1.1#operation-object).

    `content` (of the answer) and `body` have a Media Type Object for each media type. The schema
    in it is a marshmallow class, or the name of a component.
    """

    id: str
    summary: str
    content: Mapping[str, Mapping[str, Any]]
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ANYWHERE
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    not_modified: bool = False
    tag: str = "system"
    links: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False


def json_content(schema: object, example: object = None) -> dict[str, dict[str, Any]]:
    """The content of a body or an answer that is JSON."""
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {MEDIA_JSON: media}
