"""The access log: a line for each request.

The lines are written as they are, past the standard library's logging: see DECISIONS.md.
"""

import os
import select
import sys
from contextlib import suppress
from datetime import UTC, datetime

import orjson

from datas.http.observation import Exchange

STDERR = 2
PATIENCE = 0.1  # seconds
_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Writes a line for each request, as JSON or for people, in one piece.

    So the lines of several workers don't mix. Where nothing can be written, lines are lost and
    requests are served all the same.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._line = json_line if as_json else text_line

    def begin(self) -> None:
        """Nothing is told before the end."""

    def end(self, exchange: Exchange) -> None:
        """Write the line."""
        if sys.stderr is None:  # it was closed at the start: another file may have its number now
            return
        line = self._line(exchange, datetime.now(UTC))
        with suppress(OSError):
            # A pipe that nobody reads takes 64 KiB, and then lets writers wait.
            if select.select((), (STDERR,), (), PATIENCE)[1]:
                os.write(STDERR, line)


def json_line(exchange: Exchange, time: datetime) -> bytes:
    """One line of JSON (https://jsonlines.org)."""
    line = {
        "time": time,
        "level": _level(exchange),
        "logger": "datas.access",
        "request_id": exchange.request_id,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "bytes": exchange.size,
        "duration_ms": round(exchange.seconds * 1000, 3),
        "actor": exchange.actor,
        "client": exchange.client,
    }
    if exchange.problem is not None:
        line["problem"] = exchange.problem
    if exchange.broken:
        line["broken"] = True
    return orjson.dumps(line, option=_JSON)


def text_line(exchange: Exchange, time: datetime) -> bytes:
    """One line for people, in their own time."""
    parts = [
        f"{time.astimezone():%H:%M:%S}",
        f"{exchange.status} {exchange.method} {exchange.route or 'nowhere'}",
        f"{exchange.seconds * 1000:.1f} ms, {exchange.size:,} bytes,",
        f"{exchange.actor or 'anybody'} at {exchange.client}",
    ]
    if exchange.problem is not None:
        parts.append(f"({exchange.problem}, request {exchange.request_id})")
    if exchange.broken:
        parts.append("(broken off)")
    # Some of it clients chose, and a terminal obeys control characters.
    shown = "".join(char if char.isprintable() else "?" for char in " ".join(parts))
    return f"{shown}\n".encode()


def _level(exchange: Exchange) -> str:
    failed = exchange.status >= 500 and exchange.problem != "server-stopping"  # noqa: PLR2004
    return "error" if failed or exchange.broken else "info"
