"""Items as lines of text, out and in: NDJSON, and CSV (RFC 4180)."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple, Protocol

import orjson

from datas.domain.errors import LineTooLong
from datas.domain.items import Draft, Item, data_faults
from datas.http.errors import Refusal
from datas.http.schemas import dump_item, load_item

MAX_LINE = 64 * 1024  # bytes

_FIELDS = frozenset(Item._fields)
_NOT_CSV = (
    "is not CSV: a value with a comma, a quote or a line break stands in double quotes, and a "
    "quote in it is doubled."
)

Errors = Mapping[str, Sequence[str]]


class Line(NamedTuple):
    """One item to be created, or what is wrong with it; the number is that of its first line."""

    number: int
    draft: Draft = Draft("")
    errors: Errors | None = None


class Format(Protocol):
    """One way to write items as text."""

    media_type: str
    content_type: str

    def write(self, chunks: Iterable[Sequence[Item]]) -> Iterator[bytes]:
        """The items as text, a piece for each chunk."""

    def read(self, file: BinaryIO) -> Iterator[Line]:
        """The items that stand in the text. What clients may not write is passed over.

        Raises: LineTooLong.
        """


class Ndjson:
    """A JSON object on each line (https://github.com/ndjson/ndjson-spec)."""

    media_type = content_type = "application/x-ndjson"

    def write(self, chunks: Iterable[Sequence[Item]]) -> Iterator[bytes]:
        """As in the answers to single requests."""
        for items in chunks:
            yield b"".join(
                orjson.dumps(dump_item(item), option=orjson.OPT_APPEND_NEWLINE) for item in items
            )

    def read(self, file: BinaryIO) -> Iterator[Line]:
        """Blank lines, and a mark of byte order, are passed over."""
        for number, raw in enumerate(_lines(file), 1):
            if raw.isspace():
                continue
            try:
                yield _line(number, orjson.loads(raw))
            except orjson.JSONDecodeError as error:
                yield _fault(number, f"is not JSON at column {error.colno}: {error.msg}.")


class Csv:
    """Comma-separated values with a header; a value may hold line breaks, in quotes."""

    media_type = "text/csv"
    content_type = f"{media_type}; charset=utf-8"

    def write(self, chunks: Iterable[Sequence[Item]]) -> Iterator[bytes]:
        """Values exactly as they are; an absent owner is empty."""
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(Item._fields)
        for items in chunks:
            rows.writerows(dump_item(item).values() for item in items)
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
        yield text.getvalue().encode()

    def read(self, file: BinaryIO) -> Iterator[Line]:
        """A mark of byte order, CRLF and blank lines are passed over."""
        names: list[str] | None = None
        for number, row, fault in _records(file):
            if names is None:
                names = row
                if fault or (errors := _header_faults(row)):
                    yield _fault(number, fault) if fault else Line(number, errors=errors)
                    return
            elif fault:
                yield _fault(number, fault)
            elif len(row) != len(names):
                yield _fault(number, f"has {len(row)} values, and the header has {len(names)}.")
            else:
                yield _line(number, dict(zip(names, row, strict=True)))
        if names is None:
            yield Line(1, errors=_header_faults([]))


FORMATS: Mapping[str, Format] = {"ndjson": Ndjson(), "csv": Csv()}


def _line(number: int, body: object) -> Line:
    # Nearly every line is as it should be: what marshmallow would say of it is known in a tenth of
    # its time. A property test holds the two equal.
    if type(body) is dict and _FIELDS.issuperset(body):
        data = body.get("data")
        if isinstance(data, str) and not data_faults(data):
            return Line(number, Draft(data))
    try:
        return Line(number, Draft(**load_item(body, ignore_read_only=True)))
    except Refusal as refusal:
        return Line(number, errors=refusal.errors)


def _fault(number: int, fault: str) -> Line:
    return Line(number, errors={"line": [fault]})


def _header_faults(names: Sequence[str]) -> Errors:
    faults = {
        name: ["is no field of an item; leave the column out."]
        for name in names
        if name not in _FIELDS
    }
    faults |= {name: ["names two columns."] for name in _FIELDS if names.count(name) > 1}
    if "data" not in names:
        faults["data"] = ["is missing: the first line must name this column."]
    return Refusal("invalid-item", errors=faults).errors


def _lines(file: BinaryIO) -> Iterator[bytes]:
    mark = b"\xef\xbb\xbf"
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise LineTooLong(MAX_LINE)
        yield line.removeprefix(mark)
        mark = b""


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str], str]]:
    """The rows of a table, each with the number of its first line, and what is wrong with it.

    Raises: LineTooLong; a row is as long as all its lines.
    """
    size = 0

    def texts() -> Iterator[str]:
        nonlocal size
        for line in _lines(file):
            size += len(line)
            if size > MAX_LINE:
                raise LineTooLong(MAX_LINE)
            # What isn't UTF-8 becomes lone surrogates: one row's fault doesn't end the reading.
            yield line.decode(errors="surrogateescape")

    rows = csv.reader(texts(), strict=True)
    while True:
        size, number = 0, rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield number, [], _NOT_CSV
            continue
        if not _is_utf8(row):
            yield number, [], "is not UTF-8: save the file in that encoding."
        elif row:
            yield number, row, ""


def _is_utf8(row: Sequence[str]) -> bool:
    text = "".join(row)
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
