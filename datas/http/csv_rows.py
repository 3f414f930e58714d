"""Rows of CSV (RFC 4180), whose cells say whether they were in quotes.

Before Python 3.12 the standard library's `csv` cannot tell an empty cell from `""`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from datas.domain.characters import has_lone_surrogate
from datas.domain.errors import LineTooLong

NO_TEXT = (
    "has NUL bytes, so that this seems to be UTF-16, or a binary file such as .xlsx. Save it as "
    'UTF-8; in Excel: "CSV UTF-8".'
)
_NOT_CSV = (
    "is not CSV: a value with a comma, a quote or a line break stands in double quotes, and a "
    "quote in it is doubled."
)
_SECOND_TABLE = (
    "begins with a byte order mark, so that another file seems to start here. Leave out the mark "
    "and that file's header, or import each file by itself."
)
_UNCLOSED = "opens a quote that is not closed"
_CLOSE = "Close it, or double it if it is text."
_DELIMITERS = ",;\t"  # Excel's, where the comma is decimal, and that of its "Unicode Text"
_DECLARED = re.compile(rf"sep=[{_DELIMITERS}][\r\n]*")  # Excel's own first line
_QUOTED = re.compile(r'([^"]*+(?:""[^"]*+)*+)"')  # from after the first quote
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')


class Quoted(str):
    """A cell that was in quotes; any other is a plain `str`."""

    __slots__ = ()


def write_row(values: Iterable[Any]) -> str:
    """A row of JSON values. Null is an empty cell, an empty text is `""`, a list is JSON."""
    return ",".join(map(_cell, values)) + "\r\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    if not text or _NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


class RowReader:
    """Reads rows from lines; a cell in quotes may go on over several of them.

    `max_size` is for all lines of a row together, in bytes. Cells are separated by what the first
    line has most of, or names: `sep=;`. So no name in a header may contain one.
    """

    def __init__(self, lines: Iterator[bytes], max_size: int) -> None:
        self._lines = lines
        self._max_size = max_size
        self._number = self._size = self._at = 0
        self._line = ""
        self._unclosed = 0  # the line of a quote that the file does not close
        self._delimiter = ""

    def __iter__(self) -> Iterator[tuple[int, list[str], str]]:
        """Each row with the number of its first line, and what is wrong with it.

        After a fault, reading goes on with the next line. A blank line has no cells.
        Raises: LineTooLong.
        """
        while self._next_line():
            number = self._number
            if not self._line.strip("\r\n"):
                yield number, [], ""
            elif self._declares_delimiter():
                pass
            elif number == 1 and "\0" in self._line:
                yield number, [], NO_TEXT
            elif self._line.startswith("\ufeff"):
                yield number, [], _SECOND_TABLE
            elif (cells := self._cells()) is None:
                fault = f"{_UNCLOSED}. {_CLOSE}" if self._unclosed else _NOT_CSV
                yield self._unclosed or number, [], fault
            elif has_lone_surrogate("".join(cells)):
                yield number, [], "is not UTF-8: save the file in that encoding."
            else:
                yield number, cells, ""
            self._size = 0

    def _declares_delimiter(self) -> bool:
        if self._delimiter:
            return False
        self._delimiter = delimiter = max(_DELIMITERS, key=self._line.count)
        self._unquoted = re.compile(rf"[^{delimiter}\r\n]*+")
        self._separator = re.compile(rf"{delimiter}|[\r\n]*\Z")
        return bool(_DECLARED.fullmatch(self._line))

    def _next_line(self) -> bool:
        raw = next(self._lines, b"")
        self._size += len(raw)
        # Bytes that are not UTF-8 become lone surrogates, so that one row alone is at fault.
        self._line = raw.decode(errors="surrogateescape")
        self._number, self._at = self._number + 1, 0
        return bool(raw)

    def _cells(self) -> list[str] | None:
        """The cells of a row, or None if it is not CSV."""
        if '"' not in self._line and "\r" not in (text := self._line.rstrip("\r\n")):
            return text.split(self._delimiter)  # as nearly every row is
        self._unclosed = 0
        cells: list[str] = []
        separator = self._delimiter
        while separator == self._delimiter:
            cell = self._quoted() if self._line.startswith('"', self._at) else self._plain()
            found = self._separator.match(self._line, self._at)
            if cell is None or found is None:
                return None
            cells.append(cell)
            separator, self._at = found[0], found.end()
        return cells

    def _plain(self) -> str:
        start = self._at
        self._at = self._unquoted.match(self._line, start).end()  # type: ignore[union-attr]
        return self._line[start : self._at]

    def _quoted(self) -> Quoted | None:
        """The cell, whose end may be on a later line; None if it has no end."""
        parts, opened = [], self._number
        self._at += 1
        while (found := _QUOTED.match(self._line, self._at)) is None:
            parts.append(self._line[self._at :])
            if not self._next_line():
                self._unclosed = opened
                return None
            if self._size > self._max_size:
                within = f"within the {self._max_size} bytes that a row may have"
                raise LineTooLong(opened, f"{_UNCLOSED} {within}. {_CLOSE}")
        self._at = found.end()
        return Quoted("".join([*parts, found[1]]).replace('""', '"'))
