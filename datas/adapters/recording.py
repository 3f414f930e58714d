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
        exchange = _Exchange(environ, with_bodies=with_bodies)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            exchange.status, exchange.headers = int(status[:3]), headers
            return start_response(status, headers, *rest)

        return _Body(app(environ, start), exchange, put)

    return answer


class _Exchange:
    """What is known of a request until its entry is made."""

    status = 0
    headers: Iterable[tuple[str, str]] = ()

    def __init__(self, environ: dict[str, Any], *, with_bodies: bool) -> None:
        self._begin, self._time = perf_counter(), datetime.now(UTC)
        self._environ, self._with_bodies = environ, with_bodies
        self._input = environ["wsgi.input"] = _Input(environ["wsgi.input"])
        self.sent = bytearray()

    def entry(self) -> dict[str, Any]:
        environ, path = self._environ, self._environ["PATH_INFO"]
        return {
            "time": f"{self._time:%Y-%m-%dT%H:%M:%S.%fZ}",
            "method": blank_text(environ["REQUEST_METHOD"]),
            "target": blank_text(self._shown_target()),
            "status": self.status,
            "duration_ms": round((perf_counter() - self._begin) * 1000, 3),
            "request_headers": self._shown_headers(request_headers(environ).items()),
            "response_headers": self._shown_headers(self.headers),
            "request_body": blank_body(path, bytes(self._input.seen))
            if self._with_bodies
            else None,
            "response_body": blank_body(path, bytes(self.sent)) if self._with_bodies else None,
        }

    def _shown_target(self) -> str:
        target = request_target(self._environ)
        return target if self._with_bodies else target.partition("?")[0]  # a query quotes records

    def _shown_headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        # The request's head is in the entry already; a cursor has a value of a record.
        left_out = {HEAD} if self._with_bodies else {HEAD, "link", "Link", "Referer"}
        given = without_credentials(headers)
        return [(name, blank_text(value)) for name, value in given if name not in left_out]


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


class _Body:
    """The answer's body; when the server closes it, the request has ended (PEP 3333)."""

    def __init__(self, pieces: Iterable[bytes], exchange: _Exchange, put: Put) -> None:
        self._pieces, self._exchange, self._put = pieces, exchange, put

    def __iter__(self) -> Iterator[bytes]:
        sent = self._exchange.sent
        for piece in self._pieces:
            sent += piece[: MAX_BODY - len(sent)]
            yield piece

    def close(self) -> None:
        try:
            if close := getattr(self._pieces, "close", None):
                close()
        finally:
            try:
                self._put(self._exchange.entry())
            except Exception:  # noqa: BLE001 (the answer was sent: the next request can follow)
                _log.exception("A request could not be recorded.")
