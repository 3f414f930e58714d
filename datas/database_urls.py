"""Database URLs: `sqlite:///datas.db` or `postgresql://user:password@host/name`."""

import re
from pathlib import Path

POSTGRESQL = ("postgresql://", "postgres://")

_HOST = r"(?:[\w.-]*|\[[\w:.]+\])(?::\d+)?"
_SAFE = re.compile(rf"(\w+://)(?:[^@]*@)?({_HOST}(?:,{_HOST})*/[\w.-]*)(?:\?[^@]*)?")


def redacted_url(url: str) -> str:
    """The URL without user, password and parameters, to be shown."""
    if url.startswith("sqlite:"):
        return url
    safe = _SAFE.fullmatch(url)
    return "".join(safe.groups()) if safe else f"{url.partition('://')[0]}://…"


def sqlite_file(url: str) -> Path:
    """Raises: ValueError, if the URL names no SQLite file."""
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        raise ValueError(f"{redacted_url(url)!r} names no database file; write sqlite:///datas.db")
    return Path(path)


def database_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for PostgreSQL. Raises: ValueError."""
    return None if url.startswith(POSTGRESQL) else sqlite_file(url)
