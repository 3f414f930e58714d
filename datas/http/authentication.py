"""Who makes a request: the Authorization header (RFC 6750), and where a browser's page is from."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import falcon

from datas.domain.access import Access, Action
from datas.domain.errors import Unauthenticated
from datas.domain.sign_in import SignIn
from datas.http.errors import Refusal
from datas.http.request import Request


class Authentication:
    """Finds the actor, and refuses early who would have to sign in.

    A resource says in `actions` what each of its methods does; what that needs, the domain says.
    A token that is sent is always checked.
    """

    def __init__(self, sign_in: SignIn, access: Access) -> None:
        self._sign_in = sign_in
        self._access = access

    def process_resource(
        self, req: Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raises: Unauthenticated."""
        actions: Mapping[str, Action | None] = getattr(resource, "actions", {})
        method = "GET" if req.method == "HEAD" else req.method
        if method not in actions:
            return
        header = req.env.get("HTTP_AUTHORIZATION")
        if header is not None:
            req.actor = self._sign_in.authenticate(_secret(header))
        action = actions[method]
        if action is not None:
            self._access.admit(req.actor, action)


class SameOrigin:
    """Refuses changes that a page of another origin makes a browser send.

    A page can't hide where it is from, and needs no token where a local server asks for none.
    """

    def __init__(self, friends: Collection[str]) -> None:
        self._friends = friends

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raises: Refusal (`forbidden`)."""
        origin = req.env.get("HTTP_ORIGIN")
        if origin is None or req.method in ("GET", "HEAD", "OPTIONS"):
            return
        if "*" in self._friends or origin in self._friends:
            return
        # The host alone: a proxy that ends TLS changes the scheme.
        if urlsplit(origin).netloc != req.env.get("HTTP_HOST"):
            detail = (
                f"A page of {origin[:80]!r} may not change anything here. "
                "Whoever runs this server can add the origin to DATAS_CORS_ORIGINS."
            )
            raise Refusal("forbidden", detail)


def _secret(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated(bad_token=True)
    return secret.strip()
