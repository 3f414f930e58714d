"""Exchanges without secrets: credentials, passwords and tokens are blanked in what is kept."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from datas.domain.accounts import PREFIX

BLANK = "…"
_SECRET_HEADERS = frozenset({"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"})
_SECRET_FIELDS = frozenset({"password", "new_password", "token"})
# What a body about users and tokens may show as it is. A password may stand under a wrong name.
_SHOWN_FIELDS = frozenset(
    {"username", "label", "id", "current", "date_joined", "date_created", "date_expires"}
    | {"success", "msg", "type", "title", "status", "detail", "request_id"}
)
_ACCOUNTS = ("/api/users", "/api/tokens")
# A token, which a cut may have shortened; and a password in a URL (RFC 3986 §3.2.1).
_TOKEN = re.compile(rf"({PREFIX})[\w-]{{8,}}|()[^\s/\"'@:]+:[^\s/\"'@]*@")
# A secret in a form, a query, or JSON that is cut or broken.
_FIELD = re.compile(
    r"""((?:password|token)\\*["']?\s*[:=]\s*)(?:\\*"(?:\\.|[^"\\])*"?|'[^']*'?|[^\s&,;}\]"']+)""",
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


def without_credentials(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, BLANK if name.title() in _SECRET_HEADERS else value) for name, value in headers]


def blank_text(text: str) -> str:
    """A text that isn't JSON. What is percent-encoded or escaped is found too."""
    return _replaced(text, _FIELD, _TOKEN)


def blank_body(path: str, body: bytes) -> str | None:
    """A body, which may be cut or broken. Of users and tokens only whole JSON is shown."""
    if not body:
        return None
    text = body.decode(errors="replace")
    is_private = path.startswith(_ACCOUNTS)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return BLANK if is_private else blank_text(text)
    shown = _blank_value(value, is_private=is_private)
    return _replaced(text if shown == value else json.dumps(shown, ensure_ascii=False), _TOKEN)


def _blank_value(value: Any, *, is_private: bool, name: str | None = None) -> Any:
    """A value of JSON, which stands under this name."""
    if name and name.casefold() in _SECRET_FIELDS:
        return BLANK
    if isinstance(value, dict):
        return {key: _blank_value(it, is_private=is_private, name=key) for key, it in value.items()}
    if isinstance(value, list):
        return [_blank_value(it, is_private=is_private, name=name) for it in value]
    return BLANK if is_private and name not in _SHOWN_FIELDS else value


def _replaced(text: str, *secrets: re.Pattern[str]) -> str:
    plain = blanked = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), unquote(text))
    for secret in secrets:
        blanked = secret.sub(lambda found: f"{found[1] or ''}{BLANK}", blanked)
    return text if blanked == plain else blanked
