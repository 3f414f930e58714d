"""Explain mode: each response's `Server-Timing` shows what happened inside the server.

A layer knows the next one only through ports. So any object with a port's methods can stand between
two layers: here, a stopwatch. The composition root puts it there, and no layer knows of it. When
explain mode is off, it does not exist.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, TypeVar, cast

from datas.adapters.blanking import request_headers, request_target

Part = TypeVar("Part")
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Proxies and servers limit a response's headers to 4 to 8 KB in all.
MAX_STATEMENT = 400  # characters
MAX_STATEMENTS = 8
MAX_HEAD = 2000
HEAD = "X-Request-Head"


class Trace:
    """One request: the time spent in each layer itself, and the statements that ran."""

    def __init__(self) -> None:
        self._begin = perf_counter()
        # Seconds spent in inner layers: one entry for each block that is open now.
        self._inner = [0.0]
        self._layers: dict[str, float] = {}
        self._statements: list[tuple[str, float]] = []
        self._error: BaseException | None = None
        self._stopped = "http"

    @contextmanager
    def inside(self, layer: str, statement: str = "") -> Iterator[None]:
        """A block that runs in this layer. The innermost layer that an error leaves stopped it."""
        self._inner.append(0.0)
        begin = perf_counter()
        try:
            yield
        except BaseException as error:
            if error is not self._error:
                self._error, self._stopped = error, layer
            raise
        else:
            if len(self._inner) == 2:  # noqa: PLR2004 (back in http: the error was handled)
                self._stopped = "http"
        finally:
            spent = perf_counter() - begin
            own = spent - self._inner.pop()
            self._inner[-1] += spent
            if statement:
                self._statements.append((statement, own))
            else:
                self._layers[layer] = self._layers.get(layer, 0.0) + own

    def server_timing(self, status: str) -> str:
        """The header (https://www.w3.org/TR/server-timing/): milliseconds, and SQL without values.

        The times don't overlap: those of layers and statements add up to `total`.
        """
        total = perf_counter() - self._begin
        metrics = [_metric("total", total), _metric("http", total - self._inner[0])]
        metrics += [_metric(layer, seconds) for layer, seconds in self._layers.items()]
        shown, rest = self._statements[:MAX_STATEMENTS], self._statements[MAX_STATEMENTS:]
        metrics += [_metric("sql", seconds, statement) for statement, seconds in shown]
        if rest:
            metrics.append(_metric("sql", sum(it[1] for it in rest), f"and {len(rest)} more"))
        if status >= "4":
            metrics.append(f"stopped;desc={self._stopped}")
        return ", ".join(metrics)


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def timed(layer: str, part: Part) -> Part:
    """The same part; the time of its methods counts for this layer."""
    return cast("Part", _Timed(layer, part))


def explain(app: WsgiApp) -> WsgiApp:
    """The same application, with two more headers in each response. WSGI is a port too."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        trace = Trace()
        _current.set(trace)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # Work of a streamed body happens after the headers are sent.
            _current.set(None)
            timing = ("Server-Timing", trace.server_timing(status))
            return start_response(status, [*headers, timing, (HEAD, _head(environ))], *rest)

        return app(environ, start)

    return answer


class _Timed:
    """Replaces a part, and forwards every attribute to it."""

    def __init__(self, layer: str, part: object) -> None:
        self._layer = layer
        self._part = part

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._part, attribute)
        if not inspect.ismethod(found):
            return found

        def timed_method(*args: Any, **kwargs: Any) -> Any:
            trace = _current.get()
            if trace is None:
                return found(*args, **kwargs)
            if attribute == "atomic":
                return _transaction(trace, found())
            statement = args[0] if args and self._layer == "sql" else ""
            with trace.inside(self._layer, statement):
                return found(*args, **kwargs)

        return timed_method


@contextmanager
def _transaction(trace: Trace, block: AbstractContextManager[None]) -> Iterator[None]:
    """The block of `atomic()`. BEGIN and COMMIT are statements too; COMMIT may be the slowest."""
    with trace.inside("sql", "BEGIN"):
        block.__enter__()
    try:
        yield
    except BaseException as error:
        with trace.inside("sql", "ROLLBACK"):
            block.__exit__(type(error), error, error.__traceback__)
        raise
    with trace.inside("sql", "COMMIT"):
        block.__exit__(None, None, None)


def _metric(name: str, seconds: float, description: str = "") -> str:
    metric = f"{name};dur={seconds * 1000:.3f}"
    if not description:
        return metric
    if len(description) > MAX_STATEMENT:
        description = description[: MAX_STATEMENT - 3] + "..."
    # A quoted-string (RFC 9110 §5.6.4), and ASCII without controls, as headers are.
    text = " ".join(description.encode("ascii", "replace").decode().split())
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{metric};desc="{escaped}"'


def _head(environ: dict[str, Any]) -> str:
    """The request's head as it arrived, in JSON. A page can't see the headers its browser adds."""
    line = f"{environ['REQUEST_METHOD']} {request_target(environ)} {environ['SERVER_PROTOCOL']}"
    head = json.dumps({"line": line, "headers": request_headers(environ)})
    return head if len(head) <= MAX_HEAD else "{}"
