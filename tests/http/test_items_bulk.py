"""Many items at once: streamed out, streamed in."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import falcon
import pytest
from falcon.testing import Result, StartResponseMock, TestClient, create_environ

from datas.adapters.memory import Memory
from datas.domain.items import ITEMS
from datas.http.items import ItemSchema
from datas.http.schemas import RecordBody, without_excess
from tests.contract.test_items import ODD_TEXTS
from tests.http.conftest import PASSWORD, World, make_world
from tests.http.test_items_refusals import problem
from tests.served import BULK, INVALID, PLURAL, RECORDS, ROUTE

NDJSON, CSV = "application/x-ndjson", "text/csv"
PATH = BULK


def send(client: TestClient, body: bytes | str, kind: str = NDJSON, **arguments: Any) -> Result:
    """Many items in a request."""
    headers = {"Content-Type": kind} | arguments.pop("headers", {})
    return client.simulate_post(PATH, body=body, headers=headers, **arguments)


def texts(memory: Memory) -> list[str]:
    """What is stored."""
    return [item.draft.data for item in memory.records[PLURAL].values()]


def faults(answer: Result) -> dict[int, Any]:
    """What is wrong with which line."""
    body = problem(answer, "invalid-lines")
    assert body["line_error_count"] >= len(body["line_errors"])
    return {line["line"]: line["errors"] for line in body["line_errors"]}


@pytest.mark.parametrize("kind", [NDJSON, CSV])
def test_what_was_streamed_out_can_be_streamed_in(kind: str) -> None:
    """Every text in its order, whatever is in it; ids, dates and owners are new."""
    world, other = make_world(), make_world()
    for text in ODD_TEXTS.values():
        world.client.simulate_post(ROUTE, json={"data": text})
    out = world.client.simulate_get(PATH, headers={"Accept": kind})
    assert out.status_code == 200
    assert out.headers["Vary"] == "Accept"
    answer = send(other.client, out.content, kind)
    assert (answer.status_code, answer.json["data"]) == (201, {"created": len(ODD_TEXTS)})
    assert answer.json["msg"] == f"{RECORDS} successfully created ({len(ODD_TEXTS)})"
    assert texts(other.memory) == list(ODD_TEXTS.values())


def test_a_stream_holds_items_as_answers_do(client: TestClient) -> None:
    """NDJSON by default: each line is what a request for that item would show."""
    for text in ("one", "two"):
        client.simulate_post(ROUTE, json={"data": text})
    answer = client.simulate_get(PATH)
    assert answer.headers["Content-Type"] == NDJSON
    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert lines == client.simulate_get(ROUTE).json["data"]
    assert client.simulate_head(PATH).content == b""


def test_a_table_has_a_header_and_values_as_they_are(client: TestClient) -> None:
    """RFC 4180: quotes are doubled, line breaks stand in quotes, and nobody's is empty."""
    odd = '=1+1,"x"\r\ny'
    client.simulate_post(ROUTE, json={"data": odd})
    answer = client.simulate_get(PATH, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert '"=1+1,""x""\r\ny"' in answer.content.decode()
    header, row = csv.reader(io.StringIO(answer.text, newline=""))
    item = client.simulate_get(f"{ROUTE}/1").json["data"]
    assert header == list(item)
    assert row == ["" if value is None else str(value) for value in item.values()]


def test_nothing_is_an_empty_stream(client: TestClient) -> None:
    """A table still has its header."""
    assert client.simulate_get(PATH).content == b""
    header = client.simulate_get(PATH, headers={"Accept": CSV}).content
    assert header == b"id,data,date_created,date_updated,version,owner\r\n"
    for body, kind in ((b"", NDJSON), (header, CSV)):
        assert send(client, body, kind).json["data"] == {"created": 0}


def test_filters_and_orders_are_those_of_lists(client: TestClient) -> None:
    """What belongs to pages alone is refused."""
    send(client, "".join(f'{{"data": "{n % 10} {n}"}}\n' for n in range(2500)))
    answer = client.simulate_get(f"{PATH}?q=7&sort=-data")
    found = [json.loads(line)["data"] for line in answer.content.splitlines()]
    expected = [f"{n % 10} {n}" for n in range(2500)]
    assert found == sorted((text for text in expected if "7" in text), reverse=True)
    for query in ("limit=1", "after=x", "count=true", "dry_run=true"):
        problem(client.simulate_get(f"{PATH}?{query}"), "invalid-parameter")


GOOD = {
    "a last line without an end": (NDJSON, b'{"data": "a"}\n{"data": "b"}'),
    "blank lines": (NDJSON, b'\n{"data": "a"}\n\n \n{"data": "b"}\n\n'),
    "CRLF": (NDJSON, b'{"data": "a"}\r\n{"data": "b"}\r\n'),
    "a mark of byte order": (NDJSON, b'\xef\xbb\xbf{"data": "a"}\n{"data": "b"}\n'),
    "read-only names": (
        NDJSON,
        b'{"data": "a", "id": 7, "owner": "x"}\n{"version": 0, "data": "b"}',
    ),
    "a table with parameters": ("text/csv; header=present", b"data\na\nb\n"),
    "a table": (CSV, b"data\na\nb\n"),
    "a table with CRLF": (CSV, b"data\r\na\r\nb\r\n"),
    "a table with a mark of byte order": (CSV, b"\xef\xbb\xbfdata\r\na\r\nb"),
    "a table with blank lines": (CSV, b"data\n\na\n\nb\n\n"),
    "columns in any order": (CSV, b"version,data,id\n1,a,7\n,b,\n"),
    "quotes": (CSV, b'"data"\n"a"\n"b"\n'),
    "files put together, each with its mark": (
        NDJSON,
        b'\xef\xbb\xbf{"data": "a"}\n\xef\xbb\xbf{"data": "b"}\n\xef\xbb\xbf',
    ),
    "Ctrl-Z at the end": (NDJSON, b'{"data": "a"}\r\n{"data": "b"}\r\n\x1a'),
    "a table with Ctrl-Z at the end": (CSV, b"data\r\na\r\nb\r\n\x1a\x1a"),
    "a table with Ctrl-Z behind its last line": (CSV, b"data\na\nb\x1a"),
    "lines that end in CR alone": (NDJSON, b'{"data": "a"}\r{"data": "b"}\r'),
    "a table whose lines end in CR alone": (CSV, b'data\ra\r"b"'),
    "a table whose lines end in CR twice": (CSV, b"data\r\r\na\r\r\nb\r\r\n"),
    "a table with semicolons": (CSV, b'\xef\xbb\xbfdata;owner\r\na;\r\n"b";\r\n'),
    "a table with tabs": (CSV, b'"id"\t"data"\n1\ta\n\tb\n'),
    "a table with other separators in its values": (CSV, b"data,id\na,;;\nb,;\t;\n"),
    "a table that names its semicolon": (CSV, b"\xef\xbb\xbfsep=;\r\ndata;owner\r\na;\r\nb;x\r\n"),
    "a table that names its comma": (CSV, b"sep=,\ndata\na\nb\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_lines_may_be_written_in_many_ways(client: TestClient, memory: Memory, name: str) -> None:
    """As editors, spreadsheets and other systems write them."""
    kind, body = GOOD[name]
    answer = send(client, body, kind)
    assert (answer.status_code, answer.json["data"]) == (201, {"created": 2})
    assert texts(memory) == ["a", "b"]


BAD: dict[str, tuple[str, bytes, dict[int, list[str]]]] = {
    "not JSON": (NDJSON, b'{"data": "a"}\n{"data": \n', {2: ["line"]}),
    "not an object": (NDJSON, b'"a"\n[]\nnull\n1', {n: ["body"] for n in (1, 2, 3, 4)}),
    "two in a line": (NDJSON, b'{"data": "a"}{"data": "b"}', {1: ["line"]}),
    "an array of them": (NDJSON, b'[{"data": "a"},\n{"data": "b"}]', {1: ["line"]}),
    "not UTF-8": (NDJSON, b'{"data": "\xff"}', {1: ["line"]}),
    "rules": (NDJSON, b'{"data": ""}\n{"data": 1}\n{}\n', {1: ["data"], 2: ["data"], 3: ["data"]}),
    "unknown names": (NDJSON, b'{"data": "a", "colour": 1}\n', {1: ["colour"]}),
    "after a blank line": (NDJSON, b'\n\n{"data": " "}', {3: ["data"]}),
    "no column for data": (CSV, b"id\n1\n", {1: ["data"]}),
    "no header": (CSV, b"", {1: ["data"]}),
    "an unknown column": (CSV, b"data,colour\na,b\n", {1: ["colour"]}),
    "a column twice": (CSV, b"data,data\na,b\n", {1: ["data"]}),
    "too few values": (CSV, b"id,data\n1,a\n2\n", {3: ["line"]}),
    "too many values": (CSV, b"data\na,b\n", {2: ["line"]}),
    "an empty value": (CSV, b'data,id\n,1\n"",2\n', {2: ["data"], 3: ["data"]}),
    "after a quoted break": (CSV, b'data\n"a\nb\nc"\n" "\n', {5: ["data"]}),
    "a quote that never ends": (CSV, b'data\na\n"b\nc\n', {3: ["line"]}),
    "a quote in the middle": (CSV, b'data\n"a"b\nc\n', {2: ["line"]}),
    "a break without quotes": (CSV, b"data\na\rb\n", {2: ["line"]}),
    "a mark of byte order in the middle": (CSV, b"data\r\na\r\n\xef\xbb\xbfb", {3: ["line"]}),
    "a second header": (CSV, b"id,data\n1,a\nid,data\n2,b\n", {3: ["line"]}),
    "a quote that never ends, in a cell after others": (
        CSV,
        b'id,data\n1,"a\nb"\n"2\n3","b\n',
        {5: ["line"]},
    ),
    "two columns without a name": (CSV, b"data,,\na,,\n", {1: ["line"]}),
    "UTF-16": (NDJSON, '{"data": "a"}\n{"data": "b"}\n'.encode("utf-16"), {1: ["line"]}),
    "a table in UTF-16": (CSV, "data\towner\r\na\t\r\n".encode("utf-16"), {1: ["line"]}),
    "a table in UTF-16 without a mark": (CSV, "data\r\na\r\n".encode("utf-16-be"), {1: ["line"]}),
    "a spreadsheet's own format": (CSV, b"PK\x03\x04\x14\x00\x06\x00\n\x00\n", {1: ["line"]}),
    "a column of another name, by semicolons": (CSV, b"data;colour\na;b\n", {1: ["colour"]}),
    "a header in another encoding": (CSV, "data,é\nx,y\n".encode("latin-1"), {1: ["line"]}),
    "another encoding": (CSV, "data\na\né\n".encode("latin-1"), {3: ["line"]}),
}


@pytest.mark.parametrize("name", BAD)
def test_every_line_at_fault_is_told_by_its_number(
    client: TestClient, memory: Memory, name: str
) -> None:
    """With what is wrong in it; and none is stored, not even the good ones."""
    kind, body, expected = BAD[name]
    found = faults(send(client, body, kind))
    assert {line: list(errors) for line, errors in found.items()} == expected
    assert texts(memory) == []


ADVICE = {
    "opens a quote that is not closed": (CSV, b'data\n"a\n'),
    "within the 65536 bytes that a row may have": (CSV, b'data\n"a\n' + b"row\n" * 20000),
    "has NUL bytes, so that this seems to be UTF-16": (CSV, "data\n".encode("utf-16")),
    "column 2 has no name": (CSV, b"data,,\na,,\n"),
    "begins a JSON array": (NDJSON, b'[\n  {"data": "a"},\n  {"data": "b"}\n]\n'),
    "another file seems to start here": (CSV, b"data\na\n\xef\xbb\xbfdata\nb\n"),
    "repeats the header": (CSV, b"id,data\n1,a\nid,data\n"),
    "Line 3 is over 65536 bytes": (CSV, b"data\na\n" + b"b" * 70_000),
}


@pytest.mark.parametrize("advice", ADVICE)
def test_a_file_that_can_not_be_read_is_told_what_is_wrong_with_it(
    client: TestClient, memory: Memory, advice: str
) -> None:
    """And in which line."""
    kind, body = ADVICE[advice]
    answer = send(client, body, kind)
    assert answer.status_code in {400, 413}
    assert advice in answer.json["detail"]
    assert re.match(r"Line \d+", answer.json["detail"])
    assert texts(memory) == []


def test_a_value_that_looks_like_another_header_can_be_stored(
    client: TestClient, memory: Memory
) -> None:
    """In quotes it is text, whatever it says; one column's name alone may be a text too."""
    table = 'id,data\n1,a\n"id","data"\n2,"\ufeffdata"\n3,"sep=;"\n'
    assert send(client, table, CSV).status_code == 201
    assert send(client, 'data\ndata\n"\ufeffdata"\n', CSV).status_code == 201
    assert texts(memory) == ["a", "data", "\ufeffdata", "sep=;", "data", "\ufeffdata"]


def test_the_first_hundred_faults_are_listed_and_all_are_counted(client: TestClient) -> None:
    """The text names the first, and how many more there are."""
    answer = send(client, '{"data": "good"}\n' + "{}\n" * 150)
    body = problem(answer, "invalid-lines")
    assert [line["line"] for line in body["line_errors"]] == list(range(2, 102))
    assert body["line_error_count"] == 150
    assert body["detail"].startswith("Line 2: data: is missing. 149 more lines are at fault")


def test_a_dry_run_checks_and_stores_nothing(client: TestClient, memory: Memory) -> None:
    """Not even its key."""
    headers = {"Idempotency-Key": "one"}
    answer = send(client, '{"data": "a"}', params={"dry_run": "true"}, headers=headers)
    assert (answer.status_code, answer.json["data"]) == (200, {"created": 1})
    assert texts(memory) == []
    faults(send(client, "{}", params={"dry_run": "true"}))
    assert send(client, '{"data": "a"}', params={"dry_run": "false"}, headers=headers).json[
        "success"
    ]
    assert texts(memory) == ["a"]
    problem(send(client, "", params={"dry_run": "1"}), "invalid-parameter")


def test_a_repeated_order_is_carried_out_once(client: TestClient, memory: Memory) -> None:
    """The same lines with the same key get the first answer; others are refused."""
    headers = {"Idempotency-Key": "one"}
    faults(send(client, '{"data": ""}', headers=headers))
    first, again = (send(client, '{"data": "a"}\n', headers=headers) for _ in range(2))
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert texts(memory) == ["a"]
    problem(send(client, '{"data": "b"}\n', headers=headers), "idempotency-key-reused")
    other = send(client, '{"data": "a"}\n', params={"dry_run": "false"}, headers=headers)
    problem(other, "idempotency-key-reused")
    problem(send(client, '{"data": "a"}\n', CSV, headers=headers), "invalid-lines")
    problem(send(client, "data\na\n", CSV, headers=headers), "idempotency-key-reused")
    problem(send(client, "", headers={"Idempotency-Key": "é"}), "invalid-header")


def test_too_much_is_refused() -> None:
    """A line that no item fills, more lines than the setting allows, a body that breaks off."""
    world = make_world(bulk_lines=3)
    line = '{"data": "a"}\n'
    assert send(world.client, line * 3).status_code == 201
    assert "DATAS_BULK_LINES" in problem(send(world.client, line * 4), "body-too-large")["detail"]
    problem(send(world.client, "{}\n" * 4), "body-too-large")
    too_long = (
        (" " * 65537, NDJSON),
        ("data\n" + "a" * 65537, CSV),
        ('data\n"' + "a\n" * 70000, CSV),
        ('"data\n",' * 70000, CSV),
    )
    for body, kind in too_long:
        assert "65536 bytes" in problem(send(world.client, body, kind), "body-too-large")["detail"]
    short = {"Content-Length": "500"}
    extras = {"wsgi.input": io.BytesIO(line.encode()), "wsgi.input_terminated": True}
    answer = send(world.client, "", headers=short, extras=extras)
    assert "broke off after 14 of 500" in problem(answer, "malformed-json")["detail"]
    assert len(world.memory.records[PLURAL]) == 3


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("\n" * 10, NDJSON, 201),
        ("\n" * 11, NDJSON, 413),
        (" \t\r\n" * 11, NDJSON, 413),
        ('{"data": "a"}\n' * 6 + "\n" * 4, NDJSON, 201),
        ('{"data": "a"}\n' * 6 + "\n" * 5, NDJSON, 413),
        ("{}\n" * 6 + "\n" * 5, NDJSON, 413),
        ("data\n" + "a\n" * 6 + "\n" * 4, CSV, 201),
        ("data\n" + "a\n" * 6 + "\r\n" * 5, CSV, 413),
        ("\n" * 11 + "data\na\n", CSV, 413),
        ("data\n" + '"a\n\n\n"\n' * 10, CSV, 201),
    ],
)
def test_blank_lines_count(body: str, kind: str, status: int) -> None:
    """Toward what a request may bring: reading them is work. Those in a value are none."""
    world = make_world(bulk_lines=10)
    answer = send(world.client, body, kind)
    assert answer.status_code == status
    if status == 413:
        problem(answer, "body-too-large")
        assert texts(world.memory) == []


def test_the_work_on_unknown_names_is_bounded(client: TestClient) -> None:
    """The results are not: twenty names are listed, all are counted, and known ones are loaded."""
    names = {f"n{number}": 1 for number in range(5000)}
    schema = RecordBody(ITEMS, ItemSchema).schema
    values, excess = without_excess(schema, names | {"data": "x"})
    assert list(values) == ["data", *list(names)[:20]]
    assert excess == 4980
    few = dict(list(names.items())[:20])
    assert without_excess(schema, few) == (few, 0)
    [listed] = faults(send(client, json.dumps(names))).values()
    assert len(listed) == 20
    assert "data" in listed
    for body, more in ((names, 4981), (names | {"data": "x"}, 4980), (few | {"data": ""}, 1)):
        answer = client.simulate_post(ROUTE, json=body)
        assert problem(answer, INVALID)["detail"].endswith(f"And {more} more.")
    query = "&".join(f"{name}=1" for name in names)
    answer = client.simulate_get(ROUTE, query_string=query)
    assert problem(answer, "invalid-parameter")["detail"].endswith("And 4980 more.")


@pytest.mark.parametrize("ended", ["revoked", "expired", "changed"])
def test_a_stream_breaks_off_when_its_token_ends(ended: str) -> None:
    """Within a chunk. It doesn't end as if it were whole."""
    world = make_world("private", bulk_lines=10_000)
    alice = world.as_user("alice")
    assert send(alice, '{"data": "a"}\n' * 3500).status_code == 201
    stream = _stream(world, alice)
    assert next(stream).count(b"\n") == 1000
    if ended == "revoked":
        assert alice.simulate_delete("/api/tokens/current").status_code == 200
    elif ended == "expired":
        world.clock.time += timedelta(days=31)
    else:
        body = {"password": PASSWORD, "new_password": "battery staple"}
        assert world.as_user("alice").simulate_put("/api/users/me/password", json=body).json
    with pytest.raises(ConnectionResetError, match="revoked or expired"):
        list(stream)


def _stream(world: World, client: TestClient) -> Iterator[bytes]:
    """The pieces of an export, as a server asks for them."""
    headers = client._default_headers  # noqa: SLF001
    environ = create_environ(PATH, headers=headers)
    return iter(world.client.app(environ, StartResponseMock()))


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/csv; header=absent", ""])
def test_only_lines_are_taken(client: TestClient, kind: str) -> None:
    """The answer says what would be."""
    answer = send(client, '{"data": "a"}', kind)
    problem(answer, "unsupported-media-type")
    assert answer.headers["Accept-Post"] == f"{NDJSON}, {CSV}"
    assert send(client, '{"data": "a"}', "Application/X-NDJSON; charset=UTF-8").status_code == 201


def test_what_a_stream_is_written_in_can_be_chosen(client: TestClient) -> None:
    """And nothing else; what comes in is answered in JSON."""
    for accept, kind in (("text/csv;q=0.5, application/x-ndjson", NDJSON), ("text/*", CSV)):
        answer = client.simulate_get(PATH, headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith(kind)
    problem(client.simulate_get(PATH, headers={"Accept": falcon.MEDIA_JSON}), "not-acceptable")
    problem(send(client, "", headers={"Accept": NDJSON}), "not-acceptable")


def test_in_private_mode_streams_hold_ones_own_items() -> None:
    """And what comes in is one's own."""
    world = make_world("private")
    alice, bob = world.as_user("alice"), world.as_user("bob")
    problem(world.client.simulate_get(PATH), "unauthenticated")
    problem(send(world.client, '{"data": "x"}'), "unauthenticated")
    assert send(alice, '{"data": "a", "owner": "bob"}').status_code == 201
    assert bob.simulate_get(PATH).content == b""
    assert json.loads(alice.simulate_get(PATH).content)["owner"] == "alice"
