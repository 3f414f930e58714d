"""What happens around every request: its host, what it accepts, its response's headers."""

from collections.abc import Collection
from typing import Any

import falcon

from datas.http.errors import Refusal
from datas.http.request import Request

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_EVERY_INTERFACE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not bound to)
# Monitors ask by address, and get nothing that a foreign page could use.
_ANY_HOST = frozenset({"/healthz", "/readyz"})

# Nothing here is a page: a browser that is led to it may run and frame none of it.
_POLICY = "default-src 'none'; frame-ancestors 'none'"


class AllowedHosts:
    """Refuses a Host that this server wasn't started for.

    Else a web page whose own name is made to point at 127.0.0.1 (DNS rebinding) could talk to a
    server that listens to this machine alone.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts) or _LOOPBACK
        self._with_bind_address = not hosts

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raises: Refusal (`invalid-header`, `misdirected-request`)."""
        if req.path in _ANY_HOST:
            return
        given = req.env.get("HTTP_HOST")
        if not given:
            raise Refusal("invalid-header", errors={"Host": ["is missing."]})
        host = _without_port(given).lower()
        if host in self._hosts or (self._with_bind_address and host == self._bind_address(req)):
            return
        detail = (
            f"This server does not answer for {given[:80]!r}. "
            "Whoever runs it can add the name to DATAS_ALLOWED_HOSTS."
        )
        raise Refusal("misdirected-request", detail)

    def _bind_address(self, req: falcon.Request) -> str | None:
        # SERVER_NAME is where the server listens (PEP 3333), not what the client says.
        name: str = req.env["SERVER_NAME"]
        if name in _EVERY_INTERFACE:
            return None
        return f"[{name}]" if ":" in name else name


class Accept:
    """Refuses a request whose answer the client wouldn't accept, before anything is done."""

    def process_resource(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        resource: object,
        params: dict[str, Any],
    ) -> None:
        """Raises: Refusal (`not-acceptable`)."""
        accept = req.env.get("HTTP_ACCEPT", "*/*")
        if accept in ("*/*", falcon.MEDIA_JSON) or not _answers(resource, req.method):
            return
        if not _quality_of_json(accept):
            detail = f"The answer is application/json, which Accept: {accept[:80]} leaves out."
            raise Refusal("not-acceptable", detail)


class ResponseHeaders:
    """Sets what every response carries."""

    def process_response(
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,
        req_succeeded: bool,  # noqa: FBT001 (the framework's signature)
    ) -> None:
        """Last of all; a responder may have set a Cache-Control of its own."""
        resp.set_header("X-Request-Id", req.id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Content-Security-Policy", _POLICY)
        if not resp.get_header("Cache-Control"):
            resp.set_header("Cache-Control", "no-store")


def _answers(resource: object, method: str) -> bool:
    """Whether the resource itself answers: a method it lacks is a 405 whatever Accept says."""
    method = "get" if method == "HEAD" else method.lower()
    return hasattr(resource, f"on_{method}")


def _quality_of_json(accept: str) -> float:
    try:
        # Media types have no case (RFC 9110 §8.3.1); Falcon compares them as they are.
        return falcon.mediatypes.quality(falcon.MEDIA_JSON, accept.lower())
    except ValueError:
        return 0


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and name else host
