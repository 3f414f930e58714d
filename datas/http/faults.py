"""The header `Fault`: a client asks for a slow, a failing or a lost answer. Explain mode only."""

import re
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import falcon

from datas.http.errors import RETRY_AFTER, Refusal
from datas.http.request import Request

_FAULT = re.compile(
    r"delay=(?P<delay>[1-9][0-9]{0,3}|[12][0-9]{4}|30000)"
    r"|status=(?P<status>50[0234])|(?P<lost>lose-response)",
    re.ASCII,
)
_WRONG = (
    "must be one of: delay=2000 (milliseconds, 1 to 30000), status=503 (or 500, 502, 504), "
    "lose-response."
)


class Faults:
    """Delays, refuses or drops the answers of requests that ask for it.

    A delay holds a thread: `delays` is how many there may be at once.
    """

    def __init__(self, delays: int) -> None:
        self._delays = threading.BoundedSemaphore(delays)

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Raises: Refusal (`invalid-header`, `injected-fault`)."""
        given = req.env.get("HTTP_FAULT")
        if given is None:
            return
        asked = _FAULT.fullmatch(given)
        if not asked:
            raise Refusal("invalid-header", errors={"Fault": [_WRONG]})
        resp.set_header("Fault", given)
        if asked["status"]:
            detail = "The header Fault asked for this answer. Nothing was done. "
            raise _injected(int(asked["status"]), detail + "Send the request without the header.")
        if asked["delay"] and not self._delays.acquire(blocking=False):
            detail = "Too many answers are delayed already. Nothing was done. "
            raise _injected(
                HTTPStatus.SERVICE_UNAVAILABLE, detail + "Send the request again in a moment."
            )
        req.context.fault = asked

    def process_response(self, req: Request, resp: falcon.Response, *_: Any) -> None:
        """Raises: Refusal (`injected-fault`)."""
        asked: re.Match[str] | None = getattr(req.context, "fault", None)
        if asked is None:
            return
        if asked["delay"]:
            time.sleep(int(asked["delay"]) / 1000)
            self._delays.release()
        elif connection := req.env.get("gunicorn.socket"):
            with suppress(OSError):  # the client may be gone already
                connection.shutdown(socket.SHUT_RDWR)
        else:
            resp.stream = None  # the problem that follows is no stream
            detail = "The request was carried out, and the header Fault asked to lose this answer."
            raise _injected(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"{detail} Only gunicorn can close the connection instead.",
            )


def _injected(status: int, detail: str) -> Refusal:
    headers = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Refusal("injected-fault", detail, headers=headers, members={"status": status})
