"""What happened with each request, told to whoever wants to know: the log, the metrics."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import falcon

from datas.http.request import Request

MAX_METHOD = 20  # characters: a client may write any word


class Exchange(NamedTuple):
    """A request that has been answered. Nothing in it is a secret: no path, no query, no header."""

    request_id: str
    method: str
    route: str | None  # the route's template; None where nothing is
    status: int
    size: int  # bytes of the body that were sent
    seconds: float
    actor: str | None  # a username
    client: str  # the address, as far as trusted proxies tell
    problem: str | None  # the error's code
    broken: bool  # the body ended before it was whole


class Observer(Protocol):
    """Whoever wants to know of requests."""

    def begin(self) -> None:
        """A request is there."""

    def end(self, exchange: Exchange) -> None:
        """It has been answered."""


class Observation:
    """Tells observers when a request comes, and when its answer is made, or streamed to its end."""

    def __init__(self, observers: Sequence[Observer], trusted_proxies: int) -> None:
        self._observers = observers
        self._trusted_proxies = trusted_proxies

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Before anything else."""
        req.begun = perf_counter()
        for observer in self._observers:
            observer.begin()

    def process_response(
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,
        req_succeeded: bool,  # noqa: FBT001 (the framework's signature)
    ) -> None:
        """After everything else."""
        if req.method == "HEAD":
            self._end(req, resp, 0, broken=False)
        elif resp.stream is None:
            # Falcon would render it next, and keeps what is made here.
            self._end(req, resp, len(resp.render_body() or b""), broken=False)
        else:
            resp.stream = _Watched(resp.stream, partial(self._end, req, resp))

    def _end(self, req: Request, resp: falcon.Response, size: int, *, broken: bool) -> None:
        exchange = Exchange(
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
            observer.end(exchange)


class _Watched:
    """A streamed body, of which is told when the server has closed it (PEP 3333)."""

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
        """The server is done with it."""
        try:
            self._stream.close()
        finally:
            self._end(self._size, broken=not self._whole)
