"""`/api/datas/bulk`: many items, streamed out and in."""

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import falcon
import orjson

from datas.domain.access import Action
from datas.domain.errors import StorageUnavailable
from datas.domain.idempotency import Idempotency
from datas.domain.transfer import Transfer
from datas.http.body import BodyFile, check_media_type
from datas.http.errors import Refusal
from datas.http.idempotency import answer_once, idempotency_key
from datas.http.middleware import preferred
from datas.http.params import read_dry_run, read_list
from datas.http.request import Request
from datas.http.schemas import envelope
from datas.http.streams import FORMATS, Line

MAX_SHOWN_LINES = 100
IN_MEMORY = 1024 * 1024  # bytes; what is more waits on the disk

_FORMATS = {each.media_type: each for each in FORMATS.values()}


class BulkResource:
    """All items as one stream."""

    actions = {"GET": Action.READ, "POST": Action.CREATE}
    produces = tuple(_FORMATS)
    reads_params = True

    def __init__(self, transfer: Transfer, idempotency: Idempotency, max_lines: int) -> None:
        self._transfer = transfer
        self._idempotency = idempotency
        self._max_lines = max_lines

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        """Stream all matching items out."""
        media_type = preferred(req, self.produces) or self.produces[0]
        chunks = self._transfer.export(**read_list(req), actor=req.actor)
        # What can't be read at all is still a problem; after the first byte none can be told.
        first = next(chunks, ())
        resp.content_type = _FORMATS[media_type].content_type
        resp.append_header("Vary", "Accept")
        resp.stream = _FORMATS[media_type].write(chain([first], chunks))

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Bring many in: all or none. They are read and checked before anything is stored."""
        media_type = check_media_type(req, self.produces)
        dry_run = read_dry_run(req)
        idempotency_key(req)
        body = BodyFile(req)
        with SpooledTemporaryFile(IN_MEMORY) as spool:
            lines = _FORMATS[media_type].read(io.BufferedReader(body))
            count = _spool(self._bounded(lines), spool)

            def create() -> None:
                self._transfer.create_all(_unspooled(spool), actor=req.actor)
                resp.media = envelope(f"Items successfully created ({count})", {"created": count})
                resp.status = falcon.HTTP_201

            if dry_run:
                msg = f"Items would be created ({count}): all lines are good"
                resp.media = envelope(msg, {"created": count})
            else:
                answer_once(req, resp, body.digest.digest(), self._idempotency, create)

    def _bounded(self, lines: Iterable[Line]) -> Iterator[Line]:
        for count, line in enumerate(lines):
            if count == self._max_lines:
                detail = (
                    f"There are more than {self._max_lines} lines. Send them in several requests, "
                    "or let whoever runs this server raise DATAS_BULK_LINES."
                )
                raise Refusal("body-too-large", detail)
            yield line


def _spool(lines: Iterable[Line], spool: IO[bytes]) -> int:
    """Keep what the lines hold, and return how many they are. Raises: Refusal (`invalid-lines`)."""
    count, shown = 0, list[dict[str, Any]]()
    faults = 0
    for line in lines:
        if line.errors is not None:
            faults += 1
            if faults <= MAX_SHOWN_LINES:
                shown.append({"line": line.number, "errors": line.errors})
        elif not faults:
            count += 1
            _write(spool, orjson.dumps(line.data) + b"\n")
    if faults:
        raise _invalid_lines(shown, faults)
    return count


def _write(spool: IO[bytes], piece: bytes) -> None:
    try:
        spool.write(piece)
    except OSError as error:
        reason = "The disk that holds temporary files is full. Nothing was changed."
        raise StorageUnavailable(reason) from error


def _unspooled(spool: IO[bytes]) -> Iterator[str]:
    spool.seek(0)
    return map(orjson.loads, spool)


def _invalid_lines(shown: list[dict[str, Any]], count: int) -> Refusal:
    first = shown[0]
    texts = " ".join(f"{name}: {' '.join(faults)}" for name, faults in first["errors"].items())
    others = f" {count - 1} more lines are at fault, see line_errors." if count > 1 else ""
    detail = f"Line {first['line']}: {texts}{others} Nothing was stored: mend, and send all again."
    members = {"line_errors": shown, "line_error_count": count}
    return Refusal("invalid-lines", detail, members=members)
