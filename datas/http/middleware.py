"""Checks and headers for every request: its Host, its Accept, the headers of its response."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import falcon

from datas.http.errors import Refusal
from datas.http.params import refuse_params
from datas.http.request import Request

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_EVERY_INTERFACE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not bound to)
# Monitors ask by address. These answers have nothing that a foreign page could use.
_ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})

# Headers of an answer that a page of another origin may read.
EXPOSED = ("ETag", "Link", "Location", "X-Request-Id", "Retry-After", "Idempotency-Replayed")

# In small letters, as Falcon keeps them.
_ALWAYS = {
    "x-content-type-options": "nosniff",
    # For everything but pages: a browser must not run or frame it.
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class AllowedHosts:
    """Refuses a Host that is not a name of this server.

    Without this check a web page whose own name points at 127.0.0.1 (DNS rebinding) could talk to
    a server that listens on this machine alone.
    """

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = frozenset(host.lower() for host in hosts) or _LOOPBACK
        self._with_bind_address = not hosts
        # Nearly all requests have the same Host.
        self._is_ours = lru_cache(64)(self._is_allowed)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Raises: Refusal (`invalid-header`, `misdirected-request`)."""
        env = req.env
        given, target = env.get("HTTP_HOST"), env.get("RAW_URI", "/")
        if target[:1] != "/" and given and "://" in target:
            # The target is a whole URL: its host counts instead of Host (RFC 9112 §3.2.2).
            given = env["HTTP_HOST"] = urlsplit(target).netloc
        # SERVER_NAME is where the server listens (PEP 3333), not what the client says.
        if self._is_ours(given, env["SERVER_NAME"]):
            return
        exempt = req.path in _ANY_HOST
        if not given:
            if exempt and env["SERVER_PROTOCOL"] == "HTTP/1.0":
                return
            raise Refusal("invalid-header", errors={"Host": ["is missing or empty."]})
        if exempt:
            return
        detail = (
            f"This server does not answer for {given[:80]!r}. "
            "The operator can add the name to DATAS_ALLOWED_HOSTS."
        )
        raise Refusal("misdirected-request", detail)

    def _is_allowed(self, given: str | None, bind_address: str) -> bool:
        host = _without_port(given or "").lower()
        if host in self._hosts:
            return True
        if not self._with_bind_address or bind_address in _EVERY_INTERFACE:
            return False
        try:
            ip_address(bind_address)
        except ValueError:
            return False  # a Unix socket has no address, and servers put the client's word there
        return host == (f"[{bind_address}]" if ":" in bind_address else bind_address)


class ResourceChecks:
    """Refuses, before anything is done, an Accept or parameters that the resource can't serve.

    A resource whose GET answers in other media types than JSON names them in `produces`, its
    default first; `preferred` chooses among them. A resource whose GET has parameters of its own
    sets `reads_params`. A responder that reads a body refuses parameters afterwards, in the
    contract's order.
    """

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raises: Refusal (`not-acceptable`, `invalid-parameter`)."""
        accept = req.env.get("HTTP_ACCEPT", "*/*")
        if (accept == "*/*" and not req.params) or not _answers(resource, req.method):
            return
        produces = (falcon.MEDIA_JSON,)
        if req.method in ("GET", "HEAD"):
            produces = getattr(resource, "produces", produces)
        if accept != "*/*" and preferred(req, produces) is None:
            detail = f"The answer is {' or '.join(produces)}, which Accept: {accept[:80]} excludes."
            raise Refusal("not-acceptable", detail)
        # Monitors and shared links add parameters of their own to the addresses outside `/api`.
        if (
            req.params
            and (req.uri_template or "").startswith("/api/")  # the path may begin with `//`
            and req.method in ("GET", "HEAD", "DELETE")
            and not getattr(resource, "reads_params", False)
        ):
            refuse_params(req)


class Response(falcon.Response):
    def __init__(self, options: falcon.ResponseOptions | None = None) -> None:
        super().__init__(options)
        self._headers |= _ALWAYS


class LastHeaders:
    """Sets the headers that are known last.

    With CORS an answer depends on the request's Origin, and caches must know that.
    """

    def __init__(self, *, cors: bool) -> None:
        self._cors = cors

    def process_response(self, req: Request, resp: falcon.Response, *_: Any) -> None:
        resp.set_header("X-Request-Id", req.id)
        if self._cors:
            resp.append_header("Vary", "Origin")


def preferred(req: falcon.Request, media_types: Sequence[str]) -> str | None:
    """The one of `media_types` that the client's Accept prefers, or None (RFC 9110 §12.5.1)."""
    # Media types have no case (§8.3.1); Falcon compares them as they are. An empty list is no wish.
    accept = req.env.get("HTTP_ACCEPT", "").lower().strip(" \t,") or "*/*"
    try:
        return falcon.mediatypes.best_match(media_types, accept) or None
    except ValueError:
        return None


def _answers(resource: object, method: str) -> bool:
    """Whether the resource itself answers: a method it lacks is a 405 whatever Accept says."""
    responder = "on_get" if method == "HEAD" else f"on_{method.lower()}"
    # Methods are case-sensitive (RFC 9110 §9.1): `get` is an unknown method.
    return method.isupper() and hasattr(resource, responder)


def _without_port(host: str) -> str:
    # A port may be empty (RFC 3986 §3.2.3).
    name, _, port = host.rpartition(":")
    return name if name and not port.strip("0123456789") else host
