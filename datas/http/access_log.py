"""The access log: a line for each request.

It does not use the standard library's logging: see DECISIONS.md.
"""

import os
import select
import sys
from contextlib import suppress
from datetime import UTC, datetime

import orjson

from datas.http.observation import RequestRecord

STDERR = 2
WRITE_TIMEOUT = 0.1  # seconds
_WANTED = ("server-stopping", "injected-fault")  # problems that are no error of the server's
_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Writes a line for each request, as JSON or for people.

    One call writes the whole line, so that the lines of several workers don't mix. If the log
    can't be written, lines are lost and requests are still served.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._line = json_line if as_json else text_line

    def begin(self) -> None:
        """Requests are logged when they end."""

    def end(self, record: RequestRecord) -> None:
        if sys.stderr is None:  # it was closed at the start: another file may have its number now
            return
        line = self._line(record, datetime.now(UTC))
        with suppress(OSError):
            # A pipe without a reader takes 64 KiB, and then blocks its writers.
            if select.select((), (STDERR,), (), WRITE_TIMEOUT)[1]:
                os.write(STDERR, line)


def json_line(record: RequestRecord, time: datetime) -> bytes:
    """One line of JSON (https://jsonlines.org)."""
    line = {
        "time": time,
        "level": _level(record),
        "logger": "datas.access",
        "request_id": record.request_id,
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "bytes": record.size,
        "duration_ms": round(record.seconds * 1000, 3),
        "actor": record.actor,
        "client": record.client,
    }
    if record.problem is not None:
        line["problem"] = record.problem
    if record.broken:
        line["broken"] = True
    return orjson.dumps(line, option=_JSON)


def text_line(record: RequestRecord, time: datetime) -> bytes:
    """One line for people, in local time."""
    parts = [
        f"{time.astimezone():%H:%M:%S}",
        f"{record.status} {record.method} {record.route or 'nowhere'}",
        f"{record.seconds * 1000:.1f} ms, {record.size:,} bytes,",
        f"{record.actor or 'anonymous'} at {record.client}",
    ]
    if record.problem is not None:
        parts.append(f"({record.problem}, request {record.request_id})")
    if record.broken:
        parts.append("(broken off)")
    # Clients choose some of the text, and a terminal obeys control characters.
    line = "".join(char if char.isprintable() else "?" for char in " ".join(parts))
    return f"{line}\n".encode()


def _level(record: RequestRecord) -> str:
    failed = record.status >= 500 and record.problem not in _WANTED  # noqa: PLR2004
    return "error" if failed or record.broken else "info"
