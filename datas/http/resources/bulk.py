"""`/api/datas/bulk`: many items, streamed out and in."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import falcon
import orjson

from datas.domain.access import Action
from datas.domain.errors import LineTooLong, StorageUnavailable, list_faults
from datas.domain.idempotency import Idempotency
from datas.domain.items import Draft
from datas.domain.transfer import Transfer
from datas.http.body import BodyFile, check_media_type
from datas.http.errors import Refusal
from datas.http.idempotency import answer_once, idempotency_key
from datas.http.middleware import preferred
from datas.http.params import read_dry_run, read_list
from datas.http.request import Request
from datas.http.schemas import envelope
from datas.http.streams import FORMATS, Format, Line

MAX_SHOWN_LINES = 100
# Bytes of a refused body that are read all the same, so that its sender comes to read the refusal.
PASSED_OVER = 16 * 1024 * 1024
PIECE = 64 * 1024  # bytes
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
        form = _FORMATS[check_media_type(req, self.produces)]
        dry_run = read_dry_run(req)
        idempotency_key(req)
        body = BodyFile(req)
        with _spool() as spool:
            count = self._check(form, body, spool)

            def create() -> None:
                drafts = map(Draft._make, map(orjson.loads, spool))
                self._transfer.create_all(drafts, actor=req.actor)
                resp.media = envelope(f"Items successfully created ({count})", {"created": count})
                resp.status = falcon.HTTP_201

            if dry_run:
                msg = f"Items would be created ({count}): all lines are good"
                resp.media = envelope(msg, {"created": count})
            else:
                answer_once(req, resp, body.digest.digest(), self._idempotency, create)

    def _check(self, form: Format, body: BodyFile, spool: IO[bytes]) -> int:
        """Keep what the lines hold, and return how many they are.

        Raises: Refusal (`invalid-lines`, `body-too-large`), LineTooLong.
        """
        count, faults = 0, Faults()
        try:
            for line in self._bounded(form.read(io.BufferedReader(body))):
                if line.errors is not None:
                    faults.add(line)
                else:
                    count += 1
                    spool.write(orjson.dumps([*line.draft]) + b"\n")
        except (Refusal, LineTooLong):
            with suppress(Refusal):
                body.pass_over(PASSED_OVER)
            raise
        faults.refuse()
        spool.seek(0)
        return count

    def _bounded(self, lines: Iterable[Line]) -> Iterator[Line]:
        for count, line in enumerate(lines):
            if count == self._max_lines:
                detail = (
                    f"There are more than {self._max_lines} lines. Send them in several requests, "
                    "or let whoever runs this server raise DATAS_BULK_LINES."
                )
                raise Refusal("body-too-large", detail)
            yield line


class Faults:
    """The lines at fault: the first of them, and how many there are."""

    def __init__(self) -> None:
        self._count = 0
        self._shown: list[dict[str, Any]] = []

    def add(self, line: Line) -> None:
        """Count a line."""
        self._count += 1
        if self._count <= MAX_SHOWN_LINES:
            self._shown.append({"line": line.number, "errors": line.errors})

    def refuse(self) -> None:
        """Raises: Refusal (`invalid-lines`), if there are any."""
        if not self._count:
            return
        first, others = self._shown[0], self._count - 1
        more = f" {others} more lines are at fault, see line_errors." if others else ""
        detail = (
            f"Line {first['line']}: {list_faults(first['errors'])}{more} "
            "Nothing was stored: mend, and send all again."
        )
        members = {"line_errors": self._shown, "line_error_count": self._count}
        raise Refusal("invalid-lines", detail, members=members)


@contextmanager
def _spool() -> Iterator[IO[bytes]]:
    """A temporary file. Raises: StorageUnavailable, if its disk is full."""
    try:
        with SpooledTemporaryFile(IN_MEMORY) as spool:
            yield spool
    except OSError as error:
        reason = "The disk for temporary files is full, or can't be written. Nothing was changed."
        raise StorageUnavailable(reason) from error
