"""Falcon's request, with its id, its actor and the client's address."""

import random
import re
from ipaddress import IPv6Address, ip_address, ip_network

import falcon

from datas.domain.access import ANONYMOUS, Actor

MAX_ADDRESS = 64  # longer than any IP address
# As proxies write a client (RFC 7239 §6): with its port, or an IPv6 address in brackets.
_WITH_PORT = re.compile(r"\[(?P<v6>[^]]*)\](:\d+)?|(?P<v4>[^:]*):\d+", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Request(falcon.Request):
    """Falcon's request with an id, which a client and the log both have."""

    # `Authentication` sets it.
    actor: Actor = ANONYMOUS
    # When it came, by the clock of `time.perf_counter`; and the code of the error that answers it.
    begun: float = 0.0
    problem: str | None = None
    _id: str | None = None

    @property
    def id(self) -> str:
        """The client's X-Request-Id, if it is well-formed, else a new id."""
        if self._id is None:
            given = self.env.get("HTTP_X_REQUEST_ID")
            if given is None or not _REQUEST_ID.fullmatch(given):
                # Enough to tell requests apart; `random` seeds itself anew after a fork.
                given = f"{random.getrandbits(64):016x}"
            self._id = given
        return self._id

    @property
    def route(self) -> str | None:
        """The template of the route that was found, as the OpenAPI document has it."""
        return shown_route(self.uri_template) if self.uri_template else None

    def client_address(self, trusted_proxies: int) -> str:
        """The client's address behind this number of our own proxies (RFC 7239 §7.4).

        Each proxy adds the address that it saw at the right of X-Forwarded-For. The client may
        have written everything to the left of that.
        """
        if not trusted_proxies:
            return str(self.remote_addr).removeprefix("::ffff:")
        hops = self.env.get("HTTP_X_FORWARDED_FOR", "").split(",")
        seen = [hop.strip() for hop in hops if hop.strip()] or [self.remote_addr]
        address: str = seen[-min(trusted_proxies, len(seen))]
        return address[:MAX_ADDRESS]


def shown_route(template: str) -> str:
    """A route's template without the names of converters."""
    return template.replace(":id}", "}")


def counted(address: str) -> str:
    """The part of an address that one client has few of: without a port; of IPv6 the /64."""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address((with_port["v6"] or with_port["v4"] or "") if with_port else address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))
