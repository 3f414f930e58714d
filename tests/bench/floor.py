"""The floor: the least that can answer the same requests from the same table under a WSGI server.

The SQL is what Datas runs. There is no routing, no check of anything, no envelope's text.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
from peewee import sqlite3  # type: ignore[attr-defined]

NAMES = ("id", "data", "date_created", "date_updated", "version", "owner")
GET = "SELECT id, data, date_created, date_updated, version, owner FROM datas WHERE id = ?"
PAGE = (
    "SELECT id, data, date_created, date_updated, version, owner FROM datas "
    "WHERE INSTR(search_key, ?) > 0 ORDER BY id LIMIT ?"
)
ADD = (
    "INSERT INTO datas (data, date_created, date_updated, version, owner, search_key) "
    "VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
)
SWAP = (
    "UPDATE datas SET data = ?, date_updated = ?, version = ?, search_key = ? "
    "WHERE id = ? AND version = ? RETURNING id"
)

_local = threading.local()
# SQLite's own wait for other writers sleeps.
_writing = threading.Lock()

Answer = tuple[str, dict[str, Any] | None, list[tuple[str, str]]]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Statements, one JSON object, two or three headers."""
    tail = environ["PATH_INFO"].rpartition("/")[2]
    if tail == "datas":
        status, content, more = (create if environ["REQUEST_METHOD"] == "POST" else page)(environ)
    else:
        status, content, more = (replace if environ["REQUEST_METHOD"] == "PUT" else get)(
            environ, int(tail)
        )
    if content is None:
        start_response(status, more)
        return []
    body = orjson.dumps(content)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more]
    start_response(status, headers)
    return [body]


def get(environ: dict[str, Any], item_id: int) -> Answer:
    """One item, or word that it is the same as before."""
    row = _connection().execute(GET, (item_id,)).fetchone()
    if row is None:
        return "404 Not Found", {"msg": "not found"}, []
    tag = f'"{row[4]}"'
    if environ.get("HTTP_IF_NONE_MATCH") == tag:
        return "304 Not Modified", None, [("ETag", tag)]
    return "200 OK", {"data": dict(zip(NAMES, row, strict=True))}, [("ETag", tag)]


def page(environ: dict[str, Any]) -> Answer:
    """The first items, or the first that have a word."""
    asked = parse_qs(environ["QUERY_STRING"])
    limit = int(asked["limit"][0])
    if "q" in asked:
        rows = _connection().execute(PAGE, (asked["q"][0].casefold(), limit)).fetchall()
    else:
        sql = PAGE.replace("WHERE INSTR(search_key, ?) > 0 ", "")
        rows = _connection().execute(sql, (limit,)).fetchall()
    return "200 OK", {"data": [dict(zip(NAMES, row, strict=True)) for row in rows]}, []


def create(environ: dict[str, Any]) -> Answer:
    """A new item."""
    data = _body(environ)
    time = _now()
    row = (data, time, time, 1, None, data.casefold())
    with _writing:
        [(item_id,)] = _connection().execute(ADD, row).fetchall()
    item = dict(zip(NAMES, (item_id, *row), strict=False))
    return "201 Created", {"data": item}, [("Location", f"{environ['PATH_INFO']}/{item_id}")]


def replace(environ: dict[str, Any], item_id: int) -> Answer:
    """An item with another text."""
    data = _body(environ)
    row = _connection().execute(GET, (item_id,)).fetchone()
    new = (data, _now(), row[4] + 1, data.casefold())
    with _writing:
        _connection().execute(SWAP, (*new, item_id, row[4])).fetchall()
    item = dict(zip(NAMES, (item_id, data, row[2], *new[1:3], row[5]), strict=True))
    return "200 OK", {"data": item}, [("ETag", f'"{new[2]}"')]


def _body(environ: dict[str, Any]) -> str:
    raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return str(orjson.loads(raw)["data"])


def _now() -> str:
    return datetime.now(UTC).isoformat("T", "microseconds")[:26] + "Z"


def close() -> None:
    """Close this thread's connection."""
    _connection().close()
    del _local.connection


def _connection() -> Any:
    try:
        return _local.connection
    except AttributeError:
        path = os.environ["DATAS_DATABASE_URL"].removeprefix("sqlite:///")
        connection = _local.connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        return connection
