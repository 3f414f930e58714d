"""Explain mode: what happens inside, told in each response's `Server-Timing`.

This is the lesson of the hexagon. A room knows its neighbours only through ports, so anything that
keeps a port can stand in between: here, a stopwatch. The composition root puts it there; no room
knows of it, and when explain mode is off it isn't there at all.
"""

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, TypeVar, cast

Part = TypeVar("Part")
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Proxies and servers limit a response's headers to 4 to 8 KB in all.
MAX_STATEMENT = 400  # characters
MAX_STATEMENTS = 8
MAX_HEAD = 2000
_SECRETS = frozenset({"Authorization", "Cookie"})


class Trace:
    """One request's way through the rooms: each room's own time, and the statements that ran."""

    def __init__(self) -> None:
        self._begin = perf_counter()
        # Seconds that were spent in rooms further in: one entry for each room that one is in now.
        self._inner = [0.0]
        self._rooms: dict[str, float] = {}
        self._statements: list[tuple[str, float]] = []
        self._error: BaseException | None = None
        self._stopped = "http"

    @contextmanager
    def inside(self, room: str, statement: str = "") -> Iterator[None]:
        """A block that happens in this room. The innermost room that an error leaves stopped it."""
        self._inner.append(0.0)
        begin = perf_counter()
        try:
            yield
        except BaseException as error:
            if error is not self._error:
                self._error, self._stopped = error, room
            raise
        else:
            if len(self._inner) == 2:  # noqa: PLR2004 (back in http: what went wrong was mended)
                self._stopped = "http"
        finally:
            spent = perf_counter() - begin
            own = spent - self._inner.pop()
            self._inner[-1] += spent
            if statement:
                self._statements.append((statement, own))
            else:
                self._rooms[room] = self._rooms.get(room, 0.0) + own

    def server_timing(self, status: str) -> str:
        """The header (https://www.w3.org/TR/server-timing/): milliseconds, and SQL without values.

        The rooms' times don't overlap: together with the statements' they are the `total`.
        """
        total = perf_counter() - self._begin
        metrics = [_metric("total", total), _metric("http", total - self._inner[0])]
        metrics += [_metric(room, seconds) for room, seconds in self._rooms.items()]
        shown, rest = self._statements[:MAX_STATEMENTS], self._statements[MAX_STATEMENTS:]
        metrics += [_metric("sql", seconds, statement) for statement, seconds in shown]
        if rest:
            metrics.append(_metric("sql", sum(it[1] for it in rest), f"and {len(rest)} more"))
        if status >= "4":
            metrics.append(f"stopped;desc={self._stopped}")
        return ", ".join(metrics)


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def room(name: str, part: Part) -> Part:
    """The same part, whose methods' time counts for this room."""
    return cast("Part", _Timed(name, part))


def explained(app: WsgiApp) -> WsgiApp:
    """The same application, whose responses explain themselves. WSGI is a port like any other."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        trace = Trace()
        _current.set(trace)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # What a streamed body does from here on comes too late for a header.
            _current.set(None)
            timing = ("Server-Timing", trace.server_timing(status))
            return start_response(
                status, [*headers, timing, ("X-Request-Head", _head(environ))], *rest
            )

        return app(environ, start)

    return answer


class _Timed:
    """Stands in the place of a part, and hands everything on to it."""

    def __init__(self, name: str, part: object) -> None:
        self._name = name
        self._part = part

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._part, attribute)
        if not inspect.ismethod(found):
            return found

        @functools.wraps(found)
        def timed(*args: Any, **kwargs: Any) -> Any:
            trace = _current.get()
            if trace is None:
                return found(*args, **kwargs)
            if attribute == "atomic":
                return _transaction(trace, found())
            statement = getattr(args[0], "sql", "") if args else ""
            with trace.inside(self._name, statement):
                return found(*args, **kwargs)

        # Found here at once the next time.
        setattr(self, attribute, timed)
        return timed


@contextmanager
def _transaction(trace: Trace, block: AbstractContextManager[None]) -> Iterator[None]:
    """The block of `atomic()`, whose ends are statements too; COMMIT may be the dearest of all."""
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
    """The request's head as it arrived, in JSON: a page can't see what its browser adds."""
    headers = {}
    for key, value in environ.items():
        name = key.removeprefix("HTTP_")
        if name != key or name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            title = name.replace("_", "-").title()
            headers[title] = "…" if title in _SECRETS else value
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    line = f"{environ['REQUEST_METHOD']} {target} {environ['SERVER_PROTOCOL']}"
    head = json.dumps({"line": line, "headers": headers})
    return head if len(head) <= MAX_HEAD else "{}"
