"""Rows of CSV (RFC 4180), whose cells say whether they were in quotes.

Before Python 3.12 the standard library's `csv` cannot tell an empty cell from `""`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from datas.domain.errors import LineTooLong

_NOT_CSV = (
    "is not CSV: a value with a comma, a quote or a line break stands in double quotes, and a "
    "quote in it is doubled."
)
_PLAIN = re.compile(r"[^,\r\n]*+")
_QUOTED = re.compile(r'([^"]*+(?:""[^"]*+)*+)"')  # from after the first quote
_SEPARATOR = re.compile(r",|[\r\n]*\Z")
_NEEDS_QUOTES = re.compile(r'[,"\r\n]')


class Cell(NamedTuple):
    """A cell of a row."""

    text: str
    quoted: bool = False


EMPTY = Cell("")


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

    `max_size` is for all lines of a row together, in bytes.
    """

    def __init__(self, lines: Iterator[bytes], max_size: int) -> None:
        self._lines = lines
        self._max_size = max_size
        self._number = self._size = self._at = 0
        self._line = ""

    def __iter__(self) -> Iterator[tuple[int, list[Cell], str]]:
        """Each row with the number of its first line, and what is wrong with it.

        After a fault, reading goes on with the next line. A blank line is one empty cell.
        Raises: LineTooLong.
        """
        while self._next_line():
            number = self._number
            cells = self._cells()
            if cells is None:
                yield number, [], _NOT_CSV
            elif not _is_utf8(cells):
                yield number, [], "is not UTF-8: save the file in that encoding."
            else:
                yield number, cells, ""
            self._size = 0

    def _next_line(self) -> bool:
        raw = next(self._lines, b"")
        self._size += len(raw)
        if self._size > self._max_size:
            raise LineTooLong(self._max_size)
        # Bytes that are not UTF-8 become lone surrogates, so that one row alone is at fault.
        self._line = raw.decode(errors="surrogateescape")
        self._number, self._at = self._number + 1, 0
        return bool(raw)

    def _cells(self) -> list[Cell] | None:
        """The cells of a row, or None if it is not CSV."""
        cells: list[Cell] = []
        separator = ","
        while separator == ",":
            cell = self._quoted() if self._line.startswith('"', self._at) else self._plain()
            found = _SEPARATOR.match(self._line, self._at)
            if cell is None or found is None:
                return None
            cells.append(cell)
            separator, self._at = found[0], found.end()
        return cells

    def _plain(self) -> Cell:
        start = self._at
        self._at = _PLAIN.match(self._line, start).end()  # type: ignore[union-attr]
        return Cell(self._line[start : self._at])

    def _quoted(self) -> Cell | None:
        """The cell, whose end may be on a later line; None if it has no end."""
        parts = []
        self._at += 1
        while (found := _QUOTED.match(self._line, self._at)) is None:
            parts.append(self._line[self._at :])
            if not self._next_line():
                return None
        self._at = found.end()
        return Cell("".join([*parts, found[1]]).replace('""', '"'), quoted=True)


def _is_utf8(cells: Iterable[Cell]) -> bool:
    text = "".join(cell.text for cell in cells)
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)
