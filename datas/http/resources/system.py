"""`/healthz` and `/readyz`: what a monitor asks."""

from collections.abc import Callable

import falcon

from datas.http.errors import RETRY_AFTER, Refusal


class HealthResource:
    """Alive: the process answers, whatever the database does."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Always 200."""
        resp.media = {"status": "ok"}


class ReadinessResource:
    """Ready: the database is reachable, its schema is current, and the server isn't stopping."""

    def __init__(self, check: Callable[[], None], is_draining: Callable[[], bool]) -> None:
        self._check = check
        self._is_draining = is_draining

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200, or `storage-unavailable` or `server-stopping` (503)."""
        if self._is_draining():
            detail = "This server was asked to stop, and takes no more requests in a moment. "
            detail += "Send yours to another, or to the next one."
            raise Refusal("server-stopping", detail, headers={"Retry-After": RETRY_AFTER})
        self._check()
        resp.media = {"status": "ok"}
