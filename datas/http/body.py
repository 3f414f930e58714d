"""Request bodies: JSON, of a bounded size, in a media type that says so."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import falcon
import orjson

from datas.http.errors import Refusal

MAX_BODY = 64 * 1024
Example = Callable[[], Mapping[str, Any]]  # makes a body that would be correct
MEDIA_MERGE_PATCH = "application/merge-patch+json"
_UTF_8 = ("utf-8", "utf8")


def read_json(req: falcon.Request, *media_types: str, example: Example) -> Any:
    """Return the body as one JSON value; `media_types` are those allowed beside JSON's own.

    Raises: Refusal with `unsupported-media-type`, `length-required`, `body-too-large` or
    `malformed-json`, whose text may show the example.
    """
    return parse_json(read_body(req, *media_types), example)


def read_body(req: falcon.Request, *media_types: str) -> bytes:
    """Return the body's bytes. Raises: Refusal, as `read_json` does."""
    check_body(req, (falcon.MEDIA_JSON, *media_types))
    length = req.content_length or 0
    raw = b"" if length > MAX_BODY else _piece(_stream(req), MAX_BODY + 1)
    if max(length, len(raw)) > MAX_BODY:
        detail = f"The body is over {MAX_BODY} bytes. Send a smaller one."
        raise Refusal("body-too-large", detail)
    _refuse_short(req, len(raw))
    return raw


def parse_json(raw: bytes, example: Example) -> Any:
    """Return the one JSON value in `raw`. Raises: Refusal (`malformed-json`)."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = f"The body is not {json_fault(raw, error)}"
        shown = json.dumps(example(), ensure_ascii=False)
        if not raw:
            detail = f"The body is empty. Send JSON, such as {shown}."
        elif error.doc.startswith("'", error.pos):
            detail += f" JSON wants double quotes, not single ones, such as {shown}."
        raise Refusal("malformed-json", detail) from None


def json_fault(raw: bytes, error: orjson.JSONDecodeError) -> str:
    """What `raw` is not, and where it breaks: `JSON at line 1, column 2: unexpected character.`"""
    try:
        raw.decode()
    except UnicodeDecodeError as fault:
        # orjson names the first line and column, wherever the fault is.
        before = raw[: fault.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"UTF-8 at line {line}, column {column}: {fault.reason}. JSON is text in UTF-8."
    return f"JSON at line {error.lineno}, column {error.colno}: {error.msg}."


def check_body(req: falcon.Request, media_types: Sequence[str]) -> str:
    """Return the media type. Raises: Refusal (`unsupported-media-type`, `length-required`)."""
    media_type = _media_type(req, media_types)
    env = req.env
    if not env.get("wsgi.input_terminated") and (
        "HTTP_TRANSFER_ENCODING" in env
        or (req.content_length is None and env["SERVER_PROTOCOL"] >= "HTTP/2")
    ):
        # Without a length the body would read as empty.
        detail = "This server can't tell where a body without a length ends. Send Content-Length."
        raise Refusal("length-required", detail)
    return media_type


def _media_type(req: falcon.Request, media_types: Sequence[str]) -> str:
    coding = req.env.get("HTTP_CONTENT_ENCODING")
    if coding and coding.lower() != "identity":
        detail = (
            f"The body must not be compressed: send it without Content-Encoding: {coding[:80]}."
        )
        raise Refusal("unsupported-media-type", detail)
    coding = req.env.get("HTTP_TRANSFER_ENCODING", "chunked")
    if coding.lower() != "chunked":
        # Servers decode the chunks and no other coding (RFC 9112 §6.1).
        detail = f"A body can be chunked, and no more: not Transfer-Encoding: {coding[:80]}."
        raise Refusal("unsupported-media-type", detail)
    if req.content_type in media_types:
        return str(req.content_type)
    # A body without a type, and a form, are refused: a web page may send these without a preflight.
    media_type, parameters = falcon.mediatypes.parse_header(req.content_type or "")
    charset = parameters.pop("charset", "utf-8")
    if parameters.get("header") == "present":  # of CSV (RFC 4180 §3)
        del parameters["header"]
    if media_type.lower() not in media_types or parameters or charset.lower() not in _UTF_8:
        given = f"not {req.content_type[:80]!r}" if req.content_type else "which is absent"
        wanted = " or ".join(media_types)
        detail = f"The body's Content-Type must be {wanted}, in UTF-8, {given}."
        name = f"Accept-{req.method.title()}" if req.method in ("POST", "PATCH") else "Accept"
        raise Refusal("unsupported-media-type", detail, headers={name: ", ".join(media_types)})
    return media_type.lower()


class BodyFile(io.RawIOBase):
    """A body of any size, to be read in pieces; `digest` covers the bytes read so far.

    (Falcon's own `readline` returns the first line alone.) `read` raises Refusal if the body
    breaks off.
    """

    def __init__(self, req: falcon.Request) -> None:
        self._req = req
        self._stream = _stream(req)
        self._size = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = _piece(self._stream, len(buffer))
        self._size += len(piece)
        if not piece:
            _refuse_short(self._req, self._size)
        self.digest.update(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def _stream(req: falcon.Request) -> Any:
    # A chunked body has no length. It can be read only if the server marks its end.
    return req.stream if req.env.get("wsgi.input_terminated") else req.bounded_stream


def _piece(stream: Any, size: int) -> bytes:
    try:
        piece: bytes = stream.read(size)
    except BlockingIOError:
        detail = "Nothing more of the body came for too long. Send it again."
        raise Refusal("malformed-json", detail) from None
    except Exception:  # noqa: BLE001 (each server has errors of its own for a broken body)
        detail = "The body broke off, or its chunks are not framed as RFC 9112 says. Send it again."
        raise Refusal("malformed-json", detail) from None
    return piece


def _refuse_short(req: falcon.Request, size: int) -> None:
    if size < (req.content_length or 0):
        detail = f"The body broke off after {size} of {req.content_length} bytes. Send it again."
        raise Refusal("malformed-json", detail)
