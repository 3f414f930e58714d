"""`/healthz` and `/readyz`: what a monitor asks."""

from collections.abc import Callable

import falcon


class HealthResource:
    """Alive: the process answers, whatever the database does."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Always 200."""
        resp.media = {"status": "ok"}


class ReadinessResource:
    """Ready: the database is reachable and its schema is current."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200, or `storage-unavailable` (503)."""
        self._check()
        resp.media = {"status": "ok"}
