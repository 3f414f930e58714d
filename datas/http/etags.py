"""ETag, If-Match and If-None-Match (RFC 9110 §8.8.3, §13.1): a record's ETag is its version."""

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import falcon

from datas.domain.records import Record
from datas.http.errors import Refusal

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
# A list may have empty elements (RFC 9110 §5.6.1.2). No two parts can match the same text, so
# that no input makes the match slow.
_LIST = re.compile(rf"(?:[ \t]*(?:{_TAG}[ \t]*)?(?:,|$))+")
_TAGS = re.compile(_TAG)


def etag(record: Record[Any]) -> str:
    """The strong entity tag of a record: `"3"`."""
    return f'"{record.version}"'


@dataclass(slots=True)
class Tags:
    """The versions that a header names; `*` names all of them.

    A weak tag never matches If-Match; for If-None-Match the mark doesn't count (§8.8.3.2).
    """

    tags: list[str]
    weak: bool

    def __contains__(self, version: object) -> bool:
        tag = f'"{version}"'
        return tag in self.tags or "*" in self.tags or (self.weak and f"W/{tag}" in self.tags)


@dataclass(slots=True)
class Preconditions:
    match: Tags | None
    none_match: Tags | None

    def __contains__(self, version: object) -> bool:
        if self.match is not None and version not in self.match:
            return False
        return self.none_match is None or version not in self.none_match


def preconditions(req: falcon.Request) -> Container[int] | None:
    """The versions at which a change may happen, or None. Raises: Refusal (`invalid-header`)."""
    match, none_match = _read(req, "HTTP_IF_MATCH", weak=False), if_none_match(req)
    if match is None and none_match is None:
        return None
    return Preconditions(match, none_match)


def if_none_match(req: falcon.Request) -> Tags | None:
    """The versions that the client has. Raises: Refusal (`invalid-header`)."""
    return _read(req, "HTTP_IF_NONE_MATCH", weak=True)


def _read(req: falcon.Request, name: str, *, weak: bool) -> Tags | None:
    value = req.env.get(name)
    if value is None:
        return None
    tags = _TAGS.findall(value)
    if not tags and value.strip(" \t") == "*":
        return Tags(["*"], weak)
    if not tags or not _LIST.fullmatch(value):
        fault = f'must be ETags in double quotes, such as "3", or *; {value[:80]!r} is neither.'
        raise Refusal(
            "invalid-header", errors={name.removeprefix("HTTP_").title().replace("_", "-"): [fault]}
        )
    return Tags(tags, weak)
