"""A request, as Falcon has it, with its id, who makes it, and from where."""

import random
import re

import falcon

from datas.domain.access import ANONYMOUS, Actor

MAX_ADDRESS = 64  # longer than any IP address
_DECENT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Request(falcon.Request):
    """Falcon's request with an id, by which a client and a log speak of the same thing."""

    # Whoever makes it: nobody in particular until `Authentication` has looked.
    actor: Actor = ANONYMOUS
    _id: str | None = None

    @property
    def id(self) -> str:
        """The client's X-Request-Id, if it is a decent one, else a new one."""
        if self._id is None:
            given = self.env.get("HTTP_X_REQUEST_ID")
            if given is None or not _DECENT.fullmatch(given):
                # Enough to tell requests apart; `random` seeds itself anew after a fork.
                given = f"{random.getrandbits(64):016x}"
            self._id = given
        return self._id

    def client_address(self, trusted_proxies: int) -> str:
        """The address of the client, seen through as many proxies of ours (RFC 7239 §7.4).

        Each proxy adds the address that it saw at the right of X-Forwarded-For; what stands left
        of ours anybody can have written.
        """
        seen = [self.remote_addr]
        if trusted_proxies:
            hops = self.env.get("HTTP_X_FORWARDED_FOR", "").split(",")
            seen = [hop.strip() for hop in hops if hop.strip()] or seen
        address: str = seen[-min(max(trusted_proxies, 1), len(seen))]
        return address[:MAX_ADDRESS]
