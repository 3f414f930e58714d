"""The Idempotency-Key header: a repeated request gets the first answer again."""

import re
from collections.abc import Callable

import falcon
import orjson

from datas.domain.idempotency import Idempotency, fingerprint
from datas.http.errors import Refusal
from datas.http.request import Request

_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)
_KEPT_HEADERS = ("Location", "ETag", "Cache-Control")


def answer_once(
    req: Request,
    resp: falcon.Response,
    body: bytes,
    idempotency: Idempotency,
    respond: Callable[[], None],
) -> None:
    """Let `respond` do the work and write `resp`, or write what it wrote the first time.

    `body` is the request's body, or a digest of it. Raises: Refusal (`invalid-header`),
    IdempotencyKeyReused, what `respond` raises.
    """
    key = idempotency_key(req)
    if key is None:
        respond()
        return

    def work() -> bytes:
        respond()
        headers = {name: resp.get_header(name) for name in _KEPT_HEADERS}
        content = resp.render_body() or b""
        return orjson.dumps([resp.status, headers, content.decode()])

    # All anonymous clients are one actor.
    actor = req.actor.username or ""
    kept, replayed = idempotency.once(actor, key, _fingerprint(req, body), work)
    if replayed:
        status, headers, content = orjson.loads(kept)
        resp.status, resp.data = status, content.encode()
        resp.set_headers({name: value for name, value in headers.items() if value})
        resp.set_header("Idempotency-Replayed", "true")


def idempotency_key(req: falcon.Request) -> str | None:
    """The request's key. Raises: Refusal (`invalid-header`)."""
    key: str | None = req.env.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not _KEY.fullmatch(key):
        fault = "must be 1 to 255 visible ASCII characters, such as a new UUID."
        raise Refusal("invalid-header", errors={"Idempotency-Key": [fault]})
    return key


def _fingerprint(req: falcon.Request, body: bytes) -> bytes:
    media_type = falcon.mediatypes.parse_header(req.content_type or "")[0].lower()
    parts = (req.method, req.path, req.query_string, media_type)
    return fingerprint(*(part.encode() for part in parts), body)
