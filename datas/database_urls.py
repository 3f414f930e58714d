"""Database URLs: `sqlite:///datas.db` or `postgresql://user:password@host/name`.

White space around a URL is ignored. A relative path is made absolute once: a process may change its
current folder later.
"""

import re
from pathlib import Path

_POSTGRESQL = ("postgresql://", "postgres://")
_HOST = r"(?:[\w.-]*|\[[\w:.]+\])(?::\d+)?"
_SAFE = re.compile(rf"(\w+://)(?:[^@]*@)?({_HOST}(?:,{_HOST})*/[\w.-]*)(?:\?[^@]*)?")


def is_postgresql(url: str) -> bool:
    """Whether the URL names a PostgreSQL."""
    return url.strip().startswith(_POSTGRESQL)


def redacted_url(url: str) -> str:
    """The URL without user, password and parameters, to be shown. The path of a file is absolute.

    Raises: ValueError, if the current folder was removed.
    """
    if url.strip().startswith("sqlite:///"):
        return f"sqlite:///{_absolute(url)}"
    safe = _SAFE.fullmatch(url)
    return "".join(safe.groups()) if safe else f"{url.partition('://')[0]}://…"


def sqlite_file(url: str) -> Path:
    """Raises: ValueError, if the URL names no SQLite file, or the current folder was removed."""
    scheme, _, path = url.strip().partition(":///")
    if scheme != "sqlite" or path in ("", ":memory:"):
        shown = url if url.startswith("sqlite:") else redacted_url(url)
        raise ValueError(f"{shown!r} names no database file; write sqlite:///datas.db")
    return _absolute(url)


def database_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for PostgreSQL. Raises: ValueError."""
    return None if is_postgresql(url) else sqlite_file(url)


def _absolute(url: str) -> Path:
    try:
        return Path(url.strip().removeprefix("sqlite:///")).absolute()
    except FileNotFoundError:
        raise ValueError(
            "The current folder was removed. Name the database by an absolute path."
        ) from None
