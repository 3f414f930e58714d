"""Records as lines: NDJSON and CSV bring back what they wrote, whatever the type."""

import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from datas.domain.errors import LineTooLong
from datas.domain.items import ITEMS
from datas.domain.records import Collection
from datas.http.csv_rows import RowReader, write_row
from datas.http.errors import Refusal
from datas.http.items import ItemSchema
from datas.http.lines import MAX_LINE, Line, line_formats
from datas.http.schemas import RecordBody
from tests.http.test_bodies import BOTH, records

ITEM_BODY = RecordBody(ITEMS, ItemSchema)


def read(text: str | bytes) -> list[tuple[int, list[str], str]]:
    """The rows of a table."""
    raw = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return list(RowReader(iter(io.BytesIO(raw)), 1000))


@given(data=st.data())
@pytest.mark.parametrize("name", ["ndjson", "csv"])
@pytest.mark.parametrize(("collection", "body"), BOTH)
def test_what_is_written_is_read_back(
    data: st.DataObject, collection: Collection[Any], body: RecordBody[Any], name: str
) -> None:
    """Null, an empty text, a list, a decimal and 63 bits among them."""
    written = data.draw(st.lists(records(collection), max_size=3))
    form = line_formats(body)[name]
    text = b"".join(form.write([written, []]))
    lines = list(form.read(io.BytesIO(text)))
    assert [line.errors for line in lines] == [None] * len(written)
    assert [line.draft for line in lines] == [record.draft for record in written]


@given(data=st.data())
@pytest.mark.parametrize(("collection", "body"), BOTH)
def test_a_line_of_json_is_what_marshmallow_would_write(
    data: st.DataObject, collection: Collection[Any], body: RecordBody[Any]
) -> None:
    """As in the answer to a request for the record, and compact."""
    record = data.draw(records(collection))
    [line] = b"".join(line_formats(body)["ndjson"].write([[record]])).splitlines()
    dumped = body.schema.dump(record)
    assert orjson.loads(line) == dumped
    assert line == orjson.dumps({name: dumped[name] for name in body.names})


json_values = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
bodies = json_values | st.dictionaries(
    st.sampled_from(["data", "id", "version", "owner", "colour"]), json_values
)


@given(sent=bodies)
def test_a_line_is_read_as_a_body_would_be(sent: Any) -> None:
    """With the same faults; read-only names are ignored."""
    [line] = line_formats(ITEM_BODY)["ndjson"].read(io.BytesIO(orjson.dumps(sent)))
    try:
        expected = Line(1, ITEM_BODY.load(sent, ignore_read_only=True))
    except Refusal as refusal:
        expected = Line(1, errors=refusal.errors)
    assert line._replace(has_owner=False) == expected
    if not line.errors:
        assert line.has_owner is bool(sent.get("owner"))


def test_an_empty_cell_is_null_and_an_empty_text_is_quoted() -> None:
    """Where the field may be null; elsewhere an empty cell is an empty text."""
    body: RecordBody[Any] = BOTH[1][1]
    form = line_formats(body)["csv"]
    table = b'name,note,labels,rank\nx,,,\nx,"",[],7\nx," ","[""a"",""""]",\n,,,\n'
    lines = list(form.read(io.BytesIO(table)))
    drafts = [line.draft for line in lines if line.draft]
    assert [draft.note for draft in drafts] == [None, "", " "]
    assert [draft.labels for draft in drafts] == [None, (), ("a", "")]
    assert [draft.rank for draft in drafts] == [None, 7, None]
    assert lines[3].errors == {"name": ["must be 1 to 50 characters long."]}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(("rank", cell) for cell in ("7.0", "+7", "07x", " 7", "1e1", "seven", "11", "٣")),
        *(("tested", cell) for cell in ("True", "1", "yes", '""')),
        *(("price", cell) for cell in ("1e3", "1.", ".5", "NaN", "1.001", "10000", '""', "")),
        *(("tags", cell) for cell in ("red", "[1]", "[", "{}", "null", '"[""12345678901""]"', "")),
        *(("released", cell) for cell in ("2026-02-30", "20260101", "2026-1-1", "0000-01-01")),
        *(("checked", cell) for cell in ("2026-01-01", "2026-01-01T00:00:00", "yesterday")),
        *(("color", cell) for cell in ("green", "Red", "")),
    ],
)
def test_a_cell_of_a_wrong_type_is_a_fault_of_its_field(column: str, cell: str) -> None:
    """As a body's value would be."""
    form = line_formats(BOTH[1][1])["csv"]
    [line] = form.read(io.BytesIO(f"name,{column}\nx,{cell}\n".encode()))
    assert line.errors is not None
    assert list(line.errors) == [column]


cells = st.text(st.sampled_from('ab,"\r\n é\ud800'), max_size=6)


@pytest.mark.parametrize("end", [b"\n", b"\r"])
@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_a_line_that_is_too_long_is_not_read_to_its_end(name: str, end: bytes) -> None:
    """It could fill the memory."""
    file = io.BytesIO(b"data" + end + b"x" * 1_000_000)
    with pytest.raises(LineTooLong):
        list(line_formats(ITEM_BODY)[name].read(file))
    assert file.tell() < 3 * MAX_LINE


@given(rows=st.lists(st.lists(cells, min_size=1, max_size=3), max_size=4))
def test_any_text_is_read_back(rows: list[list[str]]) -> None:
    """Rows with commas, quotes and line breaks; a surrogate is a fault of its row."""
    table = "".join(map(write_row, rows)).encode(errors="surrogatepass")
    found = read(table)
    assert len(found) == len(rows)
    for row, (_, read_cells, fault) in zip(rows, found, strict=True):
        if "\ud800" in "".join(row):
            assert "is not UTF-8" in fault
        else:
            assert read_cells == row


@given(text=st.text(st.sampled_from('a,"\r\n'), max_size=12))
@example('a"b,c\n')
@example('"a\r\nb"')
@example("a\rb")
def test_rows_are_those_of_the_standard_library(text: str) -> None:
    """`csv` in its strict mode, but for where a fault in quotes ends."""
    lines = io.StringIO(text, newline="\n")  # which ends no line at a carriage return
    reader = csv.reader(lines, strict=True)
    try:
        expected = [row for row in reader if row]
    except csv.Error:
        assert any(fault for _, _, fault in read(text))
        return
    found = read(text)
    assert [row for _, row, _ in found if row] == expected
    assert not any(fault for _, _, fault in found)
