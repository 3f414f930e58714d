"""The actor of a request (Authorization header, RFC 6750), and the origin of a browser's page."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import falcon

from datas.domain.access import Access, Action
from datas.domain.accounts import Accounts
from datas.http.errors import BAD_TOKEN, Refusal
from datas.http.request import Request


class Authentication:
    """Finds the actor of a request, and refuses early an actor who must sign in first.

    A resource names in `actions` the action of each method; the domain has the rules for it.
    A token that is sent is always checked. A write that a page of another origin makes a browser
    send is refused, since a local server in open mode asks for no token.
    """

    def __init__(
        self, accounts: Accounts, access: Access, allowed_origins: Collection[str]
    ) -> None:
        self._accounts = accounts
        self._access = access
        self._allowed_origins = allowed_origins
        # Actions that not every actor may do, or whose answer depends on the actor.
        self._personal = frozenset(Action) - access.free

    def process_resource(
        self, req: Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raises: Unauthenticated, Refusal (`forbidden`)."""
        actions: Mapping[str, Action | None] = getattr(resource, "actions", {})
        method = "GET" if req.method == "HEAD" else req.method
        if method not in actions:
            return
        action = actions[method]
        if method == "GET" and action in self._personal:
            resp.set_header("Vary", "Authorization")
        header = req.env.get("HTTP_AUTHORIZATION")
        if header is not None and (secret := _secret(header)) is not None:
            req.actor = self._accounts.authenticate(secret)
        if action in self._personal:
            self._access.admit(req.actor, action)
        if method != "GET" and "HTTP_ORIGIN" in req.env:
            self._refuse_foreign(req.env["HTTP_ORIGIN"], req.env.get("HTTP_HOST"))

    def _refuse_foreign(self, origin: str, host: str | None) -> None:
        allowed = "*" in self._allowed_origins or origin in self._allowed_origins
        if not allowed and not _is_origin_of(origin, host or ""):
            detail = (
                f"A page of {origin[:80]!r} may not change anything here. "
                "The operator of this server can add the origin to DATAS_CORS_ORIGINS."
            )
            raise Refusal("forbidden", detail)


def _is_origin_of(origin: str, host: str) -> bool:
    """Whether a page of this origin comes from this host (RFC 6454 §4: a default port is none).

    The scheme itself doesn't count: a proxy that ends TLS changes it.
    """
    try:
        scheme, netloc = urlsplit(origin)[:2]
    except ValueError:
        return False
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return netloc.lower().removesuffix(port) == host.lower().removesuffix(port)


def _secret(header: str) -> str | None:
    """The token; None for another scheme, such as the Basic login of a proxy in front."""
    scheme, _, secret = header.strip(" ").partition(" ")
    secret = secret.strip(" ")
    if scheme.lower() != "bearer":
        return None
    if not secret:
        detail = "The Authorization header can't be read. Write it as: Bearer datas_…."
        raise Refusal("unauthenticated", detail, headers={"WWW-Authenticate": BAD_TOKEN})
    return secret
