"""What SQLite's errors say of the database's state, in plain words."""

from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

_RESTORE = "To go back to a backup, stop the server and run `datas restore BACKUP --force`."
_DAMAGED = f"The database file is damaged. {_RESTORE}"

READ_ONLY = "The database is read-only. Nothing was changed."

# SQLite's result codes (https://sqlite.org/rescode.html) in plain words; extended codes by prefix.
_REASONS = {
    "SQLITE_BUSY": "The database is locked by another program. Try again in a moment.",
    "SQLITE_CANTOPEN": (
        "The database file can't be opened. It must exist, be readable, and its folder be writable."
    ),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_FULL": "The disk that holds the database is full. Nothing was changed.",
    "SQLITE_IOERR": "The disk that holds the database fails. Nothing was changed.",
    "SQLITE_NOTADB": f"The database file is not an SQLite database. {_RESTORE}",
    "SQLITE_READONLY": READ_ONLY,
}


def reason(error: BaseException) -> str | None:
    name = getattr(error, "sqlite_errorname", None) or ""
    if isinstance(error, sqlite3.OperationalError) and not name:
        return _DAMAGED  # the driver's own error, for a text that isn't UTF-8
    return next((text for code, text in _REASONS.items() if name.startswith(code)), None)
