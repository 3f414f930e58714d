"""Events of requests, for observers: the access log and the metrics."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import falcon

from datas.http.request import Request

MAX_METHOD = 20  # characters, since a client may send any word


class RequestRecord(NamedTuple):
    """An answered request. It has no secrets: no path, no query, no header."""

    request_id: str
    method: str
    route: str | None  # the route's template; None without a route
    status: int
    size: int  # bytes of the body that were sent
    seconds: float
    actor: str | None  # a username
    client: str  # the address, as trusted proxies report it
    problem: str | None  # the error's code
    broken: bool  # the body ended before it was whole


class Observer(Protocol):
    def begin(self) -> None: ...

    def end(self, record: RequestRecord) -> None: ...


class RequestEvents:
    """Calls observers when a request comes, and when its answer is complete.

    A streamed answer is complete when the server has closed the stream.
    """

    def __init__(self, observers: Sequence[Observer], trusted_proxies: int) -> None:
        self._observers = observers
        self._trusted_proxies = trusted_proxies

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        req.begun = perf_counter()
        for observer in self._observers:
            observer.begin()

    def process_response(self, req: Request, resp: falcon.Response, *_: Any) -> None:
        if req.method == "HEAD":
            self._end(req, resp, 0, broken=False)
        elif resp.stream is None:
            # Falcon renders the body next, and reuses what was rendered here.
            self._end(req, resp, len(resp.render_body() or b""), broken=False)
        else:
            resp.stream = _CountedStream(resp.stream, partial(self._end, req, resp))

    def _end(self, req: Request, resp: falcon.Response, size: int, *, broken: bool) -> None:
        record = RequestRecord(
            req.id,
            req.method[:MAX_METHOD],
            req.route,
            resp.status_code,
            size,
            perf_counter() - req.begun,
            req.actor.username,
            req.client_address(self._trusted_proxies),
            req.problem,
            broken,
        )
        for observer in self._observers:
            observer.end(record)


class _CountedStream:
    """A stream that counts its bytes, and calls `end` when the server closes it (PEP 3333)."""

    def __init__(self, stream: Any, end: Callable[..., None]) -> None:
        self._stream = stream
        self._end = end
        self._size, self._whole = 0, False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._size += len(piece)
            yield piece
        self._whole = True

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._end(self._size, broken=not self._whole)
