"""A request, as Falcon has it, and its id."""

import re
import secrets

import falcon

_DECENT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Request(falcon.Request):
    """Falcon's request with an id, by which a client and a log speak of the same thing."""

    _id: str | None = None

    @property
    def id(self) -> str:
        """The client's X-Request-Id, if it is a decent one, else a new one."""
        if self._id is None:
            given = self.env.get("HTTP_X_REQUEST_ID", "")
            self._id = given if _DECENT.fullmatch(given) else secrets.token_hex(8)
        return self._id
