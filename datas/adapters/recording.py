"""Explain mode shows the requests of all clients: here each one is recorded when it has ended."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from datas.adapters.blanking import (
    blank_body,
    blank_text,
    request_headers,
    request_target,
    without_credentials,
)
from datas.adapters.explain import HEAD, WsgiApp

MAX_BODY = 2048  # bytes of a body that an entry shows
OWN_PATH = "/explain/requests"  # whose polling would fill the record

_log = logging.getLogger("datas")

Put = Callable[[Mapping[str, Any]], None]


def record(app: WsgiApp, put: Put, *, with_bodies: bool) -> WsgiApp:
    """The same application. `put` gets an entry for each request, without its secrets."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if f"/{environ['PATH_INFO'].strip('/')}" == OWN_PATH:
            return app(environ, start_response)
        exchange = _Exchange(environ, put, with_bodies=with_bodies)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            exchange.status, exchange.headers = int(status[:3]), headers
            return start_response(status, headers, *rest)

        exchange.pieces = app(environ, start)
        return exchange

    return answer


class _Exchange:
    """A request and its answer, as the answer's body, which the server closes (PEP 3333)."""

    status = 0
    headers: Iterable[tuple[str, str]] = ()
    pieces: Iterable[bytes] = ()

    def __init__(self, environ: dict[str, Any], put: Put, *, with_bodies: bool) -> None:
        self._begin, self._time = perf_counter(), datetime.now(UTC)
        self._environ, self._put, self._with_bodies = environ, put, with_bodies
        self._input = environ["wsgi.input"] = _Input(environ["wsgi.input"])
        self._sent = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self._sent += piece[: MAX_BODY - len(self._sent)]
            yield piece

    def close(self) -> None:
        try:
            if close := getattr(self.pieces, "close", None):
                close()
        finally:
            try:
                self._put(self._entry())
            except Exception:  # noqa: BLE001 (the answer was sent: the next request can follow)
                _log.exception("A request could not be recorded.")

    def _entry(self) -> dict[str, Any]:
        return {
            "time": f"{self._time:%Y-%m-%dT%H:%M:%S.%fZ}",
            "method": blank_text(self._environ["REQUEST_METHOD"]),
            "target": blank_text(self._target()),
            "status": self.status,
            "duration_ms": round((perf_counter() - self._begin) * 1000, 3),
            "request_headers": self._shown_headers(request_headers(self._environ).items()),
            "response_headers": self._shown_headers(self.headers),
            "request_body": self._shown_body(self._input.seen),
            "response_body": self._shown_body(self._sent),
        }

    def _target(self) -> str:
        target = request_target(self._environ)
        return target if self._with_bodies else target.partition("?")[0]  # a query quotes records

    def _shown_headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        # The request's head is in the entry already; a cursor has a value of a record.
        left_out = {HEAD} if self._with_bodies else {HEAD, "link", "Link", "Referer"}
        given = without_credentials(headers)
        return [(name, blank_text(value)) for name, value in given if name not in left_out]

    def _shown_body(self, body: bytearray) -> str | None:
        return blank_body(self._environ["PATH_INFO"], bytes(body)) if self._with_bodies else None


class _Input:
    """`wsgi.input`; it keeps the beginning of what the application reads."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seen = bytearray()

    def read(self, *size: int) -> bytes:
        return self._kept(self._file.read(*size))

    def readline(self, *size: int) -> bytes:
        return self._kept(self._file.readline(*size))

    def _kept(self, piece: bytes) -> bytes:
        self.seen += piece[: MAX_BODY - len(self.seen)]
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
