"""A client that speaks HTTP with real servers, on a connection that it keeps or not."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any, NamedTuple

from datas.domain.items import ITEMS
from tests.prove.clients import Client, Exchange, World
from tests.prove.history import ANSWERED, REFUSED, UNKNOWN, Operation, Seen

TIMEOUT = 15.0  # seconds, after which a client gives up
PAGE = 100
METHODS = {"replace": "PUT", "change": "PATCH", "delete": "DELETE", "read": "GET"}
JSON, NDJSON = "application/json", "application/x-ndjson"
PATCH = "application/merge-patch+json"
# So a refusal says that the request had no effect, and never will have one.
NOTHING_CHANGED = "Nothing was changed."


class Sent(NamedTuple):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


class HttpClient(Client):
    """`address` says which server comes next: a host's port."""

    def __init__(self, world: World, number: int, address: Callable[[], int]) -> None:
        super().__init__(world, number)
        self._address = address
        self._connection: HTTPConnection | None = None
        self._keeps = number % 2 == 0

    def cut(self) -> None:
        """Cut the connection, whatever is on its way. Another thread may call this."""
        connection = self._connection
        if connection and (sock := connection.sock):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def exchange(self, request: Operation, after: str) -> Exchange:
        sent = _sent(request, after)
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._address(), timeout=TIMEOUT)
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except OSError as error:
            self.hang_up()
            return Exchange(REFUSED, reason=type(error).__name__)
        try:
            self._connection.request(*sent)
            response = self._connection.getresponse()
            content = _content(response)
        except (OSError, HTTPException) as error:
            self.hang_up()
            return Exchange(UNKNOWN, reason=type(error).__name__)
        if not self._keeps:
            self.hang_up()
        replayed = response.getheader("Idempotency-Replayed") == "true"
        etag = response.getheader("ETag") or ""
        found = _understood(request, response.status, content)
        return found._replace(etag=etag, replayed=replayed)

    def hang_up(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _content(response: HTTPResponse) -> bytes:
    """The whole body. Raises: TimeoutError, if it has no end; IncompleteRead."""
    end, pieces = time.monotonic() + TIMEOUT, list[bytes]()
    while piece := response.read(65536):
        pieces.append(piece)
        if time.monotonic() > end:
            raise TimeoutError
    content = b"".join(pieces)
    if response.length:  # a read of a part does not say so
        raise IncompleteRead(content, response.length)
    return content


def _sent(request: Operation, after: str) -> Sent:
    headers = {}
    if request.key:
        headers["Idempotency-Key"] = request.key
    if request.match:
        name = "If-None-Match" if request.do == "read" else "If-Match"
        headers[name] = ", ".join(f'"{version}"' for version in request.match)
    body = json.dumps({"data": request.text}).encode()
    if request.do == "create":
        return Sent("POST", ITEMS.route, body, headers | {"Content-Type": JSON})
    if request.do == "bulk":
        lines = (json.dumps({"data": text}) for text in request.text.split("\n"))
        body = "\n".join(lines).encode()
        return Sent("POST", f"{ITEMS.route}/bulk", body, headers | {"Content-Type": NDJSON})
    if request.do == "export":
        return Sent("GET", f"{ITEMS.route}/bulk", None, headers)
    if request.do == "page":
        path = after or f"{ITEMS.route}?limit={PAGE}&sort={request.sort}"
        return Sent("GET", path, None, headers)
    if request.text:
        headers["Content-Type"] = PATCH if request.do == "change" else JSON
    content = body if request.text else None
    return Sent(METHODS[request.do], f"{ITEMS.route}/{request.record}", content, headers)


def _understood(request: Operation, status: int, content: bytes) -> Exchange:
    """An answer. One that can't be read is a broken one: what it was for is unknown."""
    try:
        if request.do == "export" and status == 200:
            seen = tuple(map(brief, map(json.loads, content.splitlines())))
            return Exchange(ANSWERED, status, "", seen, complete=True)
        answer = json.loads(content) if status != 304 else {}
    except ValueError:
        return Exchange(ANSWERED, 0, f"no JSON: {content[:100]!r}")
    if status >= 400:
        return _refusal(status, answer)
    data: Any = answer.get("data")
    if request.do == "page":
        following = answer["next"] or ""
        seen = tuple(map(_seen if "date" in request.sort else brief, data))
        return Exchange(ANSWERED, status, "", seen, complete=not following, next=following)
    return Exchange(ANSWERED, status, "", (_seen(data),) if data and "id" in data else ())


def _refusal(status: int, answer: dict[str, Any]) -> Exchange:
    reason = str(answer.get("detail", ""))
    if answer.get("type") == "/problems/storage-unavailable":
        return Exchange(REFUSED if NOTHING_CHANGED in reason else UNKNOWN, status, reason)
    return Exchange(ANSWERED, status, reason)


def _seen(item: dict[str, Any]) -> Seen:
    dates = item["date_created"], item["date_updated"]
    return Seen(item["id"], item["data"], item["version"], *dates)


def brief(item: dict[str, Any]) -> Seen:
    """A record of a long list, without its dates."""
    return Seen(item["id"], item["data"], item["version"])
