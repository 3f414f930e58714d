"""Exchanges without secrets: credentials, passwords and tokens are blanked in what is kept."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from datas.domain.accounts import PREFIX

BLANK = "…"
# What the name of a secret ends in: of a header, and of a field in JSON, a form or a query.
_NAME = r"(?:password|token|api[-_]?key|authorization|cookie)"
_IS_SECRET = re.compile(rf"{_NAME}\Z", re.IGNORECASE)
# What a body about users and tokens may show as it is. A password may stand under a wrong name.
_SHOWN_FIELDS = frozenset(
    {"username", "label", "id", "current", "date_joined", "date_created", "date_expires"}
    | {"success", "msg", "type", "title", "status", "detail", "request_id"}
)
_ACCOUNTS = ("/api/users", "/api/tokens")
# A token, which a cut may have shortened; and name and password in a URL (RFC 3986 §3.2.1).
_TOKEN = re.compile(rf"(?<={PREFIX})[\w-]{{8,}}")
_USERINFO = re.compile(r"""[^\s/"'@:]+:[^\s/"'@]*(?=@)""")
# A secret in a form, a query, or JSON that is cut or broken. `password: must be …` is a message.
_VALUE = r"""(?:\\*"(?:\\.|[^"\\])*"?|'[^']*'?|[^\s&,;}\]"']+)"""
_FIELD = re.compile(
    rf"""({_NAME}(?:\\*["']\s*[:=]|\s*=|\s*:(?=\s*\\*["']))\s*){_VALUE}""",
    re.IGNORECASE | re.DOTALL,
)
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
    return [(name, BLANK if _IS_SECRET.search(name) else value) for name, value in headers]


def blank_text(text: str) -> str:
    """A text without secrets. What is percent-encoded or escaped is found too."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), unquote(text))
    blanked = _FIELD.sub(rf"\1{BLANK}", plain)
    for secret in (_TOKEN, _USERINFO):
        blanked = secret.sub(BLANK, blanked)
    return text if blanked == plain else blanked


def blank_body(path: str, body: bytes) -> str | None:
    """A body, which may be cut or broken. Of users and tokens only whole JSON is shown."""
    if not body:
        return None
    text = body.decode(errors="replace")
    is_private = path.startswith(_ACCOUNTS)
    try:
        value = json.loads(text, object_pairs_hook=_without_repeats)
        shown = _blank_value(value, is_private=is_private)
        return text if shown == value else json.dumps(shown, ensure_ascii=False)
    except (ValueError, RecursionError):
        return BLANK if is_private else blank_text(text)


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("A name stands twice: the first value would be looked over.")
    return found


def _blank_value(value: Any, *, is_private: bool, name: str = "") -> Any:
    """A value of JSON, which stands under this name."""
    if _IS_SECRET.search(name):
        return BLANK
    if isinstance(value, dict):
        return {
            blank_text(key): _blank_value(item, is_private=is_private, name=key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_blank_value(item, is_private=is_private, name=name) for item in value]
    if is_private and name not in _SHOWN_FIELDS:
        return BLANK
    return blank_text(value) if isinstance(value, str) else value
