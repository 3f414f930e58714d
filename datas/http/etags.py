"""ETag, If-Match and If-None-Match (RFC 9110 §8.8.3, §13.1): a record's ETag is its version."""

import re
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
_ALL = frozenset("*")


def etag(record: Record[Any]) -> str:
    """The strong entity tag of a record: `"3"`."""
    return f'"{record.version}"'


@dataclass(slots=True)
class Tags:
    """The versions that one header names, without those that another one names; `*` is all."""

    named: frozenset[str]
    excluded: frozenset[str] = frozenset()

    def __contains__(self, version: object) -> bool:
        tag = f'"{version}"'
        if "*" in self.excluded or tag in self.excluded:
            return False
        return "*" in self.named or tag in self.named


def preconditions(req: falcon.Request) -> Tags | None:
    """The versions at which a change may happen, or None. Raises: Refusal (`invalid-header`)."""
    match = _read(req, "HTTP_IF_MATCH", weak=False)
    none_match = _read(req, "HTTP_IF_NONE_MATCH", weak=True)
    if match is none_match is None:
        return None
    return Tags(_ALL if match is None else match, none_match or frozenset())


def if_none_match(req: falcon.Request) -> Tags | None:
    """The versions that the client has. Raises: Refusal (`invalid-header`)."""
    tags = _read(req, "HTTP_IF_NONE_MATCH", weak=True)
    return None if tags is None else Tags(tags)


def _read(req: falcon.Request, name: str, *, weak: bool) -> frozenset[str] | None:
    value = req.env.get(name)
    if value is None:
        return None
    if value.strip(" \t") == "*":
        return _ALL
    tags = _TAGS.findall(value)
    if not tags or not _LIST.fullmatch(value):
        fault = f'must be ETags in double quotes, such as "3", or *; {value[:80]!r} is neither.'
        raise Refusal(
            "invalid-header", errors={name.removeprefix("HTTP_").title().replace("_", "-"): [fault]}
        )
    # A weak tag never matches If-Match; for If-None-Match the mark doesn't count (§8.8.3.2).
    return frozenset(tag.removeprefix("W/") if weak else tag for tag in tags)
