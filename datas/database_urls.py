"""Database URLs: `sqlite:///datas.db` or `postgresql://user:password@host/name`.

White space around a URL is ignored. A relative path is made absolute once: a process may change its
current folder later.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datas.adapters.sql.database import SqlDatabase
    from datas.adapters.sql.engine import Engine
    from datas.adapters.sql.migrate import History
    from datas.adapters.sql.tables import OtherTables, Tables

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


def open_database(  # noqa: PLR0913 (what may be done with a database)
    url: str,
    tables: "Tables | None" = None,
    histories: "Sequence[History]" = (),
    other_tables: "OtherTables | None" = None,
    *,
    auto_migrate: bool = True,
    read_only: bool = False,
    anew: bool = True,
    file: str | None = None,
) -> "SqlDatabase":
    """The database at `url`; nothing is opened before its first use. Raises: ValueError.

    With `read_only` no byte of a file, or beside it, changes. `anew` and `file` say which file may
    be made or used: see `SqliteEngine`.
    """
    # Imported here: only what is used is loaded.
    from datas.adapters.sql.database import SqlDatabase

    engine: Engine
    if path := database_file(url):
        from datas.adapters.sql.sqlite import SqliteEngine
        from datas.adapters.sql.sqlite_reader import SqliteReader

        engine = SqliteReader(path) if read_only else SqliteEngine(path, anew=anew, file=file)
    else:
        engine = _postgres(url)
    auto_migrate = auto_migrate and not read_only
    return SqlDatabase(engine, tables, histories, other_tables, auto_migrate=auto_migrate)


def _postgres(url: str) -> "Engine":
    try:
        from datas.adapters.sql.postgres import PostgresEngine
    except ImportError as error:
        raise ValueError(
            f"PostgreSQL needs psycopg, which can't be loaded ({error}). "
            "Install it: pip install 'psycopg[binary]>=3.3'"
        ) from error
    return PostgresEngine(url.strip())


def _absolute(url: str) -> Path:
    try:
        return Path(url.strip().removeprefix("sqlite:///")).absolute()
    except FileNotFoundError:
        raise ValueError(
            "The current folder was removed. Name the database by an absolute path."
        ) from None
