"""Exchanges without secrets: credentials, passwords and tokens are blanked in what is kept.

Where a secret ends is often unclear: so all that follows its name is blanked, and a body that is
neither JSON nor free of such names is not shown at all.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from datas.domain.accounts import PREFIX

BLANK = "…"
MAX_TEXT = 2048  # characters of a text that are looked at, and shown
_NAME = r"(?:passw|token|secret|api[-_ ]?key)"
# Of a field in JSON, and of a header.
_SECRET_FIELD = re.compile(rf"{_NAME}|authorization|cookie", re.IGNORECASE)
_SECRET_HEADER = re.compile(rf"{_NAME}|auth(?!enticate)|cookie", re.IGNORECASE)
# A name and its value in any text, but for the beginnings of our own messages about a name.
_MESSAGE = r"\s(?:must be|is (?:missing|unknown|read-only)|Authorization: Bearer)\b"
_ASSIGNED = re.compile(
    rf"""{_NAME}\w{{0,20}}[\s"'\\\[\]]{{0,8}}(?:=|:(?!{_MESSAGE}))""", re.IGNORECASE
)
# What a body about users and tokens may show as it is. A password may stand under a wrong name.
_SHOWN_FIELDS = frozenset(
    {"username", "label", "id", "current", "date_joined", "date_created", "date_expires"}
    | {"success", "msg", "type", "title", "status", "detail", "errors", "data", "request_id"}
)
_ACCOUNTS = ("/api/users", "/api/tokens")
# A token, which a cut may have shortened.
_TOKEN = re.compile(rf"(?<={PREFIX})[\w-]{{8,}}", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_ESCAPE = re.compile(r"\\u00([0-7][0-9a-f])", re.IGNORECASE)


def request_headers(environ: dict[str, Any]) -> dict[str, str]:
    """The request's headers (PEP 3333), without credentials."""
    given = {
        key.removeprefix("HTTP_").replace("_", "-").title(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return dict(without_credentials(given.items()))


def request_target(environ: dict[str, Any]) -> str:
    """The path and the query, as they came if the server keeps that."""
    query = environ.get("QUERY_STRING")
    path = f"{environ.get('SCRIPT_NAME', '')}{environ['PATH_INFO']}"
    return str(environ.get("RAW_URI") or (f"{path}?{query}" if query else path))


def without_credentials(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, BLANK if _SECRET_HEADER.search(name) else value) for name, value in headers]


def blank_text(text: str) -> str:
    """The beginning of a text, without secrets. Percent-encoded and escaped ones are found too."""
    text = text[:MAX_TEXT]
    plain = _plain(text)
    shown = _WORD.sub(_without_user, _TOKEN.sub(BLANK, plain))
    if found := _ASSIGNED.search(shown):
        shown = shown[: found.end()] + BLANK
    return text if shown == plain else shown


def blank_body(path: str, body: bytes) -> str | None:
    """A body, which may be cut or broken. Of users and tokens only whole JSON is shown."""
    if not body:
        return None
    text = body.decode(errors="replace")
    is_private = f"/{path.lstrip('/')}".startswith(_ACCOUNTS)  # as the router finds a path
    try:
        return _blank_json(text, is_private=is_private)
    except (ValueError, RecursionError):
        is_secret = is_private or _SECRET_FIELD.search(_plain(text))
        return BLANK if is_secret else blank_text(text)


def _blank_json(text: str, *, is_private: bool) -> str:
    """Raises: ValueError, RecursionError."""
    value = json.loads(text, object_pairs_hook=_without_repeats)
    shown = _blank_value(value, is_private=is_private)
    return text if shown == value else json.dumps(shown, ensure_ascii=False)


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("A name stands twice: the first value would be looked over.")
    return found


def _blank_value(value: Any, *, is_private: bool, name: str = "") -> Any:
    """A value of JSON, which stands under this name."""
    if _SECRET_FIELD.search(name):
        return BLANK
    if isinstance(value, dict):
        return {
            _blank_name(key, is_private=is_private): _blank_value(
                item, is_private=is_private, name=key
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_blank_value(item, is_private=is_private, name=name) for item in value]
    if is_private and name not in _SHOWN_FIELDS:
        return BLANK
    return blank_text(value) if isinstance(value, str) else value


def _blank_name(name: str, *, is_private: bool) -> str:
    if is_private and name not in _SHOWN_FIELDS and not _SECRET_FIELD.search(name):
        return BLANK
    return blank_text(name)


def _plain(text: str) -> str:
    """The text without percent-encoding, escapes of JSON, and the NULs of UTF-16."""
    plain = unquote(unquote(text))
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), plain).replace("\0", "")


def _without_user(word: "re.Match[str]") -> str:
    """A URL, or an address, without user and password (RFC 3986 §3.2.1)."""
    before, at, rest = word[0].rpartition("@")
    return f"{BLANK}@{rest}" if at and ":" in before else word[0]
