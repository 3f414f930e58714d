"""`/explain/requests`: the newest requests of all clients, in explain mode."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

import falcon

from datas.http.errors import Refusal
from datas.http.operation import ANYWHERE, Operation
from datas.http.parts import Parts, RequestLog

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_AFTER = {
    "name": "after",
    "in": "query",
    "description": "The `last` of the answer before.",
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}


class RequestsResource:
    """Requests as they came, without credentials, passwords and tokens."""

    operations = {
        "GET": Operation(
            "getRequests",
            "The newest requests of all clients",
            "Requests",
            problems=(*ANYWHERE, "invalid-parameter", "forbidden"),
            parameters=(_AFTER,),
        )
    }

    def __init__(self, requests: Callable[[], RequestLog], parts: Parts) -> None:
        self._requests = requests
        self._is_open = parts.access.mode == "open"
        self._has_proxies = parts.trusted_proxies > 0

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raises: Refusal (`forbidden`, `invalid-parameter`)."""
        if not self._is_open and (self._has_proxies or not _is_local(req.env)):
            detail = (
                "The requests of all clients are shown in the access mode open, or by a server "
                "that is bound to 127.0.0.1, and asked by no proxy and no page of another origin."
            )
            raise Refusal("forbidden", detail)
        after = req.params.get("after", "0")
        if not isinstance(after, str) or not _NUMBER.fullmatch(after):
            raise Refusal("invalid-parameter", errors={"after": ["must be a whole number from 0."]})
        ring = self._requests()
        last, requests = ring.since(int(after))
        scope = "server" if ring.is_shared else "worker"
        resp.media = {"scope": scope, "ring": ring.id, "requests": requests, "last": last}


def _is_local(environ: Mapping[str, Any]) -> bool:
    """Whether only this machine reaches the server, and no proxy or foreign page asked it.

    On a Unix socket SERVER_NAME is the client's word, and the client has no address.
    """
    forwarded = ("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
    addresses = (environ["SERVER_NAME"], environ.get("REMOTE_ADDR"))
    return (
        all(map(_is_loopback, addresses))
        and not any(name.startswith(forwarded) for name in environ)
        and environ.get("HTTP_SEC_FETCH_SITE") != "cross-site"
        and environ.get("HTTP_ORIGIN", own := f"http://{environ.get('HTTP_HOST')}") == own
    )


def _is_loopback(address: str | None) -> bool:
    try:
        return address == "localhost" or ip_address(address or "").is_loopback
    except ValueError:
        return False
