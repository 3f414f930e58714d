"""The floor: the least that can answer GET /api/datas/{id} from SQLite under a WSGI server."""

import os
import threading
from collections.abc import Callable
from typing import Any

import orjson
from peewee import sqlite3  # type: ignore[attr-defined]

SQL = "SELECT id, data, date_created, date_updated, version FROM datas WHERE id = ?"
NAMES = ("id", "data", "date_created", "date_updated", "version")

_local = threading.local()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """One query, one JSON object, two headers; no routing, no checks, no errors."""
    try:
        connection = _local.connection
    except AttributeError:
        path = os.environ["DATAS_DATABASE_URL"].removeprefix("sqlite:///")
        connection = _local.connection = sqlite3.connect(path, isolation_level=None)
    item_id = int(environ["PATH_INFO"].rpartition("/")[2])
    row = connection.execute(SQL, (item_id,)).fetchone()
    body = orjson.dumps(dict(zip(NAMES, row, strict=True)))
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]
