"""Request bodies: JSON, of a bounded size, in a media type that says so."""

from typing import Any

import falcon
import orjson

from datas.http.errors import Refusal

MAX_BODY = 64 * 1024
MEDIA_MERGE_PATCH = "application/merge-patch+json"


def read_json(req: falcon.Request, *media_types: str) -> Any:
    """Return the body as one JSON value; `media_types` are those allowed beside JSON's own.

    Raises: Refusal with `unsupported-media-type`, `body-too-large` or `malformed-json`.
    """
    return parse_json(read_body(req, *media_types))


def read_body(req: falcon.Request, *media_types: str) -> bytes:
    """Return the body as it came. Raises: Refusal, as `read_json` does."""
    _check_media_type(req, (falcon.MEDIA_JSON, *media_types))
    return _read(req)


def parse_json(raw: bytes) -> Any:
    """Return the one JSON value in `raw`. Raises: Refusal (`malformed-json`)."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = f"The body is not JSON at line {error.lineno}, column {error.colno}: {error.msg}."
        if not raw:
            detail = 'The body is empty. Send JSON, such as {"data": "hello"}.'
        elif error.doc.startswith("'", error.pos):
            detail += ' JSON wants double quotes, not single ones, such as {"data": "hello"}.'
        raise Refusal("malformed-json", detail) from None


def _check_media_type(req: falcon.Request, media_types: tuple[str, ...]) -> None:
    coding = req.env.get("HTTP_CONTENT_ENCODING")
    if coding and coding.lower() != "identity":
        detail = (
            f"The body must not be compressed: send it without Content-Encoding: {coding[:80]}."
        )
        raise Refusal("unsupported-media-type", detail)
    coding = req.env.get("HTTP_TRANSFER_ENCODING", "chunked")
    if coding.lower() != "chunked":
        # Servers take off the chunks and leave the rest as it is (RFC 9112 §6.1).
        detail = f"A body can be chunked, and no more: not Transfer-Encoding: {coding[:80]}."
        raise Refusal("unsupported-media-type", detail)
    if req.content_type == falcon.MEDIA_JSON:
        return
    # A body without a type, or a form, is refused: any web page may send these without asking.
    media_type, parameters = falcon.mediatypes.parse_header(req.content_type or "")
    charset = parameters.pop("charset", "utf-8")
    if media_type.lower() not in media_types or parameters or charset.lower() != "utf-8":
        given = f"not {req.content_type[:80]!r}" if req.content_type else "which is absent"
        detail = f"The body must be JSON in UTF-8: send Content-Type: {media_types[0]}, {given}."
        name = f"Accept-{req.method.title()}" if req.method in ("POST", "PATCH") else "Accept"
        raise Refusal("unsupported-media-type", detail, headers={name: ", ".join(media_types)})


def _read(req: falcon.Request) -> bytes:
    if (req.content_length or 0) > MAX_BODY:
        raise _too_large()
    # A chunked body has no length; only a server that marks its end itself may be read to it.
    chunked = req.env.get("wsgi.input_terminated")
    stream = req.stream if chunked else req.bounded_stream
    try:
        raw: bytes = stream.read(MAX_BODY + 1)
    except Exception:  # noqa: BLE001 (each server has errors of its own for a broken body)
        detail = "The body broke off, or its chunks are not framed as RFC 9112 says. Send it again."
        raise Refusal("malformed-json", detail) from None
    if len(raw) > MAX_BODY:
        raise _too_large()
    if len(raw) < (req.content_length or 0):
        detail = (
            f"The body broke off after {len(raw)} of {req.content_length} bytes. Send it again."
        )
        raise Refusal("malformed-json", detail)
    return raw


def _too_large() -> Refusal:
    return Refusal("body-too-large", f"The body is over {MAX_BODY} bytes. Send a smaller one.")
