"""`/api/datas/bulk`: many records of any collection, streamed out and in."""

import errno
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Generic

import falcon
import orjson

from datas.domain.access import Action, Actor
from datas.domain.accounts import Accounts
from datas.domain.errors import (
    InvalidRecord,
    StorageUnavailable,
    Unauthenticated,
    ValueTaken,
    list_faults,
)
from datas.domain.idempotency import Idempotency
from datas.domain.records import D, Record
from datas.http.body import BodyFile, check_body
from datas.http.errors import Refusal
from datas.http.idempotency import answer_once, idempotency_key
from datas.http.lines import Format, Line, line_formats
from datas.http.middleware import preferred
from datas.http.params import read_dry_run
from datas.http.parts import RecordParts
from datas.http.request import Request
from datas.http.resources.records_openapi import bulk_operations
from datas.http.schemas import envelope

MAX_LISTED_LINES = 100
IN_MEMORY = 1024 * 1024  # bytes; more is kept on the disk


class BulkResource(Generic[D]):
    """All records as one stream."""

    actions = {"GET": Action.READ, "POST": Action.CREATE}
    reads_params = True

    def __init__(
        self, parts: RecordParts[D], accounts: Accounts, idempotency: Idempotency, max_lines: int
    ) -> None:
        self._parts = parts
        self._accounts = accounts
        self._formats = {each.media_type: each for each in line_formats(parts.body).values()}
        self._idempotency = idempotency
        self._max_lines = max_lines
        self.produces = tuple(self._formats)
        self.operations = bulk_operations(parts)

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        media_type = preferred(req, self.produces) or self.produces[0]
        params = self._parts.params.read_list(req)
        chunks = self._parts.service.export(**params, actor=req.actor)
        # Until the first byte is sent, an error can still become a problem.
        first = next(chunks, ())
        resp.content_type = self._formats[media_type].content_type
        resp.append_header("Vary", "Accept")
        checked = self._while_signed_in(req.actor, chunks)
        resp.stream = self._formats[media_type].write(chain([first], checked))

    def on_post(self, req: Request, resp: falcon.Response) -> None:
        """Store many, all or none. All are read and checked before the first is stored."""
        form = self._formats[check_body(req, self.produces)]
        dry_run = read_dry_run(req)
        idempotency_key(req)
        body, plural = BodyFile(req), self._parts.collection.plural_title
        with _spool() as spool:
            count = self._check(form, body, spool)

            def create() -> None:
                self._create(req, spool)
                resp.media = envelope(
                    f"{plural} successfully created ({count})", {"created": count}
                )
                resp.status = falcon.HTTP_201

            if dry_run:
                msg = f"{plural} would be created ({count}): all lines are good"
                resp.media = envelope(msg, {"created": count})
            else:
                answer_once(req, resp, body.digest.digest(), self._idempotency, create)

    def _while_signed_in(
        self, actor: Actor, chunks: Iterable[Sequence[Record[D]]]
    ) -> Iterator[Sequence[Record[D]]]:
        """The chunks, until the actor's token is revoked or expires. Raises: OSError."""
        for chunk in chunks:
            try:
                self._accounts.check_token(actor)
            except Unauthenticated as error:
                # A stream that has begun can only break off; servers keep this error out of logs.
                raise ConnectionResetError(errno.ECONNRESET, str(error)) from None
            yield chunk

    def _create(self, req: Request, spool: IO[bytes]) -> None:
        """Raises: Refusal, with the line that only the store could find at fault."""
        spool.seek(0)
        drafts = (self._parts.body.from_row(orjson.loads(row)[1:]) for row in spool)
        try:
            self._parts.service.create_all(drafts, actor=req.actor)
        except (InvalidRecord, ValueTaken) as error:
            spool.seek(0)
            [row] = islice(spool, error.index, error.index + 1)
            line: Line[D] = Line(orjson.loads(row)[0], errors=error.errors)
            code = "value-taken" if isinstance(error, ValueTaken) else "invalid-lines"
            raise _refusal(code, [line], 1) from None

    def _check(self, form: Format[D], body: BodyFile, spool: IO[bytes]) -> int:
        """Keep each line's number and draft in the spool, and return how many drafts there are.

        Raises: Refusal (`invalid-lines`, `body-too-large`), LineTooLong.
        """
        created, at_fault, listed = 0, 0, list[Line[D]]()
        for count, line in enumerate(form.read(io.BufferedReader(body))):
            if count == self._max_lines:
                detail = (
                    f"There are more than {self._max_lines} lines, blank ones included. Send them "
                    "in several requests, or ask the operator to raise DATAS_BULK_LINES."
                )
                raise Refusal("body-too-large", detail)
            if line.errors is not None:
                at_fault += 1
                if at_fault <= MAX_LISTED_LINES:
                    listed.append(line)
            elif line.draft is not None:
                created += 1
                row = [line.number, *self._parts.body.to_row(line.draft)]
                spool.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if at_fault:
            raise _refusal("invalid-lines", listed, at_fault)
        return created


def _refusal(code: str, listed: Sequence[Line[Any]], count: int) -> Refusal:
    """What is wrong with the first of the lines at fault, and how many there are."""
    first = listed[0]
    more = f" {count - 1} more lines are at fault, see line_errors." if count > 1 else ""
    detail = (
        f"Line {first.number}: {list_faults(first.errors or {})}{more} "
        "Nothing was stored: mend, and send all again."
    )
    lines = [{"line": each.number, "errors": each.errors} for each in listed]
    members = {"line_errors": lines, "line_error_count": count}
    errors = first.errors if code == "value-taken" else None
    return Refusal(code, detail, errors=errors, members=members)


@contextmanager
def _spool() -> Iterator[IO[bytes]]:
    """A temporary file. Raises: StorageUnavailable, if its disk is full."""
    try:
        with SpooledTemporaryFile(IN_MEMORY) as spool:
            yield spool
    except OSError as error:
        reason = "The disk for temporary files is full, or can't be written. Nothing was changed."
        raise StorageUnavailable(reason) from error
