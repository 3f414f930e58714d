"""Records as lines of text, out and in: NDJSON, and CSV (RFC 4180)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO, Generic, NamedTuple, TypeAlias

import orjson

from datas.domain.errors import LineTooLong
from datas.domain.records import D, Record
from datas.http.body import json_fault
from datas.http.csv_rows import NO_TEXT, Quoted, RowReader, write_row
from datas.http.errors import Refusal
from datas.http.schemas import RecordBody

MAX_LINE = 64 * 1024  # bytes

_MARK = b"\xef\xbb\xbf"  # the byte order mark, which Excel and PowerShell write
_LONE_CR = re.compile(rb"\r(?!\n)")
_ARRAY = (
    "begins a JSON array, or is one. Put each object on a line of its own, without brackets, and "
    "without commas between them: jq -c '.[]' FILE"
)
_SECOND_HEADER = (
    "repeats the header, so that another table seems to start here. Leave this line out; if it is "
    "a record, put its values in quotes."
)

Errors = Mapping[str, Sequence[str]]


class Line(NamedTuple, Generic[D]):
    """A draft, or what is wrong with it; neither for a blank line.

    The number is that of its first line. `has_owner`: the line names an owner, which is read-only
    and ignored.
    """

    number: int
    draft: D | None = None
    errors: Errors | None = None
    has_owner: bool = False

    @property
    def is_blank(self) -> bool:
        return self.draft is None and self.errors is None


class Ndjson(Generic[D]):
    """A JSON object on each line (https://github.com/ndjson/ndjson-spec)."""

    media_type = content_type = "application/x-ndjson"

    def __init__(self, body: RecordBody[D]) -> None:
        self._body = body

    def write(self, chunks: Iterable[Sequence[Record[D]]]) -> Iterator[bytes]:
        """The records as in answers to single requests: a piece, maybe empty, for each chunk."""
        dump = self._body.dump
        for records in chunks:
            yield b"".join(
                orjson.dumps(dump(record), option=orjson.OPT_APPEND_NEWLINE) for record in records
            )

    def read(self, file: BinaryIO) -> Iterator[Line[D]]:
        """The drafts, without read-only fields. Raises: LineTooLong.

        Byte order marks are ignored: files are put together with theirs.
        """
        for number, raw in enumerate(_lines(file), 1):
            # Without its end, so that what breaks at the end of a line breaks in that line.
            line = raw.removeprefix(_MARK).rstrip(b"\r\n")
            if not line.strip():
                yield Line(number)
                continue
            if number == 1 and (b"\0" in line or line.startswith(b"[")):
                yield _fault(number, NO_TEXT if b"\0" in line else _ARRAY)
                return
            try:
                yield _line(self._body, number, orjson.loads(line))
            except orjson.JSONDecodeError as error:
                fault = json_fault(line, error).replace("line 1, ", "")
                yield _fault(number, f"is not {fault}")


class Csv(Generic[D]):
    """Comma-separated values with a header. Null is an empty cell; an empty text is `""`."""

    media_type = "text/csv"
    content_type = f"{media_type}; charset=utf-8"

    def __init__(self, body: RecordBody[D]) -> None:
        self._body = body

    def write(self, chunks: Iterable[Sequence[Record[D]]]) -> Iterator[bytes]:
        """The header, then a row for each record."""
        yield write_row(self._body.names).encode()
        dump = self._body.dump
        for records in chunks:
            yield "".join(write_row(dump(record).values()) for record in records).encode()

    def read(self, file: BinaryIO) -> Iterator[Line[D]]:
        """The same; semicolons and tabs separate values if they do so in the header."""
        header: list[str] | None = None
        names: list[str] = []
        for number, cells, fault in RowReader(_lines(file), MAX_LINE):
            if not (cells or fault):
                yield Line(number)
            elif header is None:
                header, names = cells, [*map(str, cells)]
                if fault or (errors := self._header_faults(names)):
                    yield _fault(number, fault) if fault else Line(number, errors=errors)
                    return
            elif fault:
                yield _fault(number, fault)
            elif cells == header and len(names) > 1 and _quotes(cells) == _quotes(header):
                yield _fault(number, _SECOND_HEADER)
            elif len(cells) != len(names):
                yield _fault(number, f"has {len(cells)} values, and the header has {len(names)}.")
            else:
                yield _line(self._body, number, self._values(names, cells))
        if header is None:
            yield Line(1, errors=self._header_faults([]))

    def _values(self, names: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
        """The JSON values that the cells stand for."""
        values: dict[str, Any] = {}
        for name, cell in zip(names, cells, strict=True):
            field = self._body.fields[name]
            is_null = not cell and field.allow_none and not isinstance(cell, Quoted)
            values[name] = None if is_null else field.from_text(str(cell))
        return values

    def _header_faults(self, names: Sequence[str]) -> Errors:
        collection, known = self._body.collection, self._body.names
        faults = {
            name: [f"is no field of {collection.one}; leave the column out."]
            for name in names
            if name and name not in known
        }
        if "" in names:
            nameless = f"column {names.index('') + 1} has no name"
            faults["line"] = [
                f"{nameless}: name it, or leave it out (a comma at the end makes one)."
            ]
        faults |= {name: ["names two columns."] for name in known if names.count(name) > 1}
        for name in collection.fields:
            if name not in names and self._body.fields[name].required:
                faults[name] = ["is missing: the first line must name this column."]
        return Refusal(f"invalid-{collection.name}", errors=faults).errors


Format: TypeAlias = Ndjson[D] | Csv[D]


def line_formats(body: RecordBody[D]) -> Mapping[str, Format[D]]:
    """The formats of a collection, by name."""
    return {"ndjson": Ndjson(body), "csv": Csv(body)}


def _line(body: RecordBody[D], number: int, value: object) -> Line[D]:
    try:
        has_owner = isinstance(value, dict) and bool(value.get("owner"))
        return Line(number, body.load(value, ignore_read_only=True), has_owner=has_owner)
    except Refusal as refusal:
        return Line(number, errors=refusal.errors)


def _quotes(cells: Iterable[str]) -> list[bool]:
    return [isinstance(cell, Quoted) for cell in cells]


def _fault(number: int, fault: str) -> Line[Any]:
    return Line(number, errors={"line": [fault]})


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, which end in CR alone if the first one does. Raises: LineTooLong.

    The mark at the start of a file, and Ctrl-Z at its end (of DOS programs), are left out.
    """
    first = file.readline(MAX_LINE + 1 + len(_MARK)).removeprefix(_MARK)
    pieces = chain([first] if first else [], iter(lambda: file.readline(MAX_LINE + 1), b""))
    for number, line in enumerate(_cut(pieces) if _LONE_CR.search(first) else pieces, 1):
        if len(line) > MAX_LINE:
            raise LineTooLong(number, f"is over {MAX_LINE} bytes. Write a shorter one.")
        yield line if line.endswith(b"\n") else line.rstrip(b"\x1a")


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that end in CR, LF or both; the last one is as long as no line may be, at most."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).splitlines(keepends=True)
        yield from lines
        if len(rest) > MAX_LINE:
            break
    yield rest
