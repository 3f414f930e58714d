"""What real clients, proxies and monitors send, each in its own way."""

import pytest
from falcon.testing import StartResponseMock, TestClient, create_environ

from tests.http.conftest import World, make_world
from tests.http.test_items_refusals import post, problem
from tests.served import BULK, RECORDS, ROUTE


@pytest.mark.parametrize("charset", ["utf8", "UTF8", '"utf8"', "utf-8"])
def test_utf_8_is_named_with_and_without_its_hyphen(client: TestClient, charset: str) -> None:
    """In any case, of JSON and of lines."""
    kind = {"Content-Type": f"application/json; charset={charset}"}
    assert post(client, '{"data": "x"}', **kind).status_code == 201
    kind = {"Content-Type": f"application/x-ndjson;charset={charset}"}
    answer = client.simulate_post(BULK, body='{"data": "x"}', headers=kind)
    assert answer.status_code == 201


@pytest.mark.parametrize("accept", ["", " ", ",", " , "])
@pytest.mark.parametrize("path", [ROUTE, BULK, "/healthz", "/problems", "/"])
def test_an_empty_accept_accepts_everything(client: TestClient, path: str, accept: str) -> None:
    """As if it were absent: the client names nothing that it would rather have."""
    headers = {"Accept": accept}
    answer, plain = client.simulate_get(path, headers=headers), client.simulate_get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == plain.headers["Content-Type"]


@pytest.mark.parametrize(
    "query", ["q=%E9", "q=a%FFb", "owner=%C3", "%E9=1", "q=%ED%A0%80", "q=%C0%AF", "q=\xc3\xa9"]
)
@pytest.mark.parametrize("path", [ROUTE, BULK])
def test_a_query_is_utf_8(client: TestClient, path: str, query: str) -> None:
    """Latin-1, a surrogate, an overlong form, bytes that are not escaped: never an empty list."""
    answer = client.simulate_get(path, query_string=query)
    assert "%C3%A9" in problem(answer, "invalid-parameter")["detail"]


def test_what_a_query_holds_may_be_any_character(client: TestClient) -> None:
    """U+FFFD too, which decoders put in the place of what is no UTF-8."""
    client.simulate_post(ROUTE, json={"data": "caf\u00e9 \ufffd"})
    for query in ("q=caf%C3%A9", "q=caf%c3%a9+", "q=%EF%BF%BD"):
        answer = client.simulate_get(ROUTE, query_string=query)
        assert answer.json["msg"] == f"{RECORDS} found (1)", query


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-28T16:00:00Z",
        "2026-11-28t16:00:00z",
        "2026-11-28T16:00:00.1Z",
        "2026-11-28T16:00:00.1234567Z",
        "2026-11-28T16:00:00.123456789Z",
        "2026-11-28T16:00:00.123456%2B00:00",
        "2026-11-28T16:00:00.123456789%2B05:45",
        "2026-11-28T16:00:00-23:59",
        "2026-11-28T16:00:00-00:00",
    ],
)
@pytest.mark.parametrize("name", ["created_from", "created_to"])
def test_a_time_has_any_offset_and_any_number_of_digits(
    client: TestClient, name: str, moment: str
) -> None:
    """As Python, .NET and Go write it."""
    assert client.simulate_get(ROUTE, query_string=f"{name}={moment}").status_code == 200


def test_digits_after_the_sixth_of_a_second_are_cut_off(world: World) -> None:
    """They are not rounded, so that an item is not passed over."""
    world.clock.time = world.clock.time.replace(microsecond=123455)
    created = world.client.simulate_post(ROUTE, json={"data": "x"}).json["data"]
    moment = created["date_created"].removesuffix("Z")
    for digits, found in (("000", 1), ("999", 1)):
        answer = world.client.simulate_get(ROUTE, params={"created_from": f"{moment}{digits}Z"})
        assert len(answer.json["data"]) == found


def test_a_time_whose_plus_is_not_escaped_says_so(client: TestClient) -> None:
    """It arrives as a space."""
    query = "created_from=2026-11-28T16:00:00+00:00"
    answer = client.simulate_get(ROUTE, query_string=query)
    assert "%2B" in problem(answer, "invalid-parameter")["detail"]


@pytest.mark.parametrize("tags", ['W/"1"', '"9", W/"1"'])
def test_a_weak_if_match_says_what_helps(client: TestClient, tags: str) -> None:
    """Reading again would not: a proxy that compresses weakens the tag each time."""
    client.simulate_post(ROUTE, json={"data": "x"})
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"data": "y"}
        answer = client.simulate_request(
            method, f"{ROUTE}/1", json=body, headers={"If-Match": tags}
        )
        detail = problem(answer, "version-mismatch")["detail"]
        assert "without the W/" in detail
        assert "compress" in detail
    answer = client.simulate_put(f"{ROUTE}/1", json={"data": "y"}, headers={"If-Match": '"9"'})
    assert "W/" not in problem(answer, "version-mismatch")["detail"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"data": "\xe9"}', "line 1, column 11"),
        (b'{"data": "ok",\n "data2": "caf\xe9"}', "line 2, column 15"),
        ('{\n\n"d\u00e4ta": "'.encode() + b"\xff\xfe", "line 3, column 10"),
        (b"\xff\xfe{\x00}\x00", "line 1, column 1"),
        (b'{"data": "\xe2\x82', "line 1, column 11"),
    ],
)
def test_where_json_is_not_utf_8_is_said(client: TestClient, body: bytes, place: str) -> None:
    """Columns are counted in characters, as editors do."""
    detail = problem(post(client, body), "malformed-json")["detail"]
    assert f"not UTF-8 at {place}:" in detail


def test_where_a_line_is_not_utf_8_is_said(client: TestClient) -> None:
    """In a bulk body, with the line's number."""
    body = b'{"data": "a"}\n\n{"data": "\xc3\xa9\xe9"}\n'
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.simulate_post(BULK, body=body, headers=headers)
    [fault] = problem(answer, "invalid-lines")["line_errors"]
    assert fault["line"] == 3
    assert "not UTF-8 at column 12:" in fault["errors"]["line"][0]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_that_breaks_off_is_at_fault_at_its_own_end(client: TestClient, end: str) -> None:
    """Not in a line after it: JSON in more than one line is no line of NDJSON."""
    body = f'{{"data": "a"}}\n{{"data": "b"{end}'
    headers = {"Content-Type": "application/x-ndjson"}
    answer = client.simulate_post(BULK, body=body, headers=headers)
    [fault] = problem(answer, "invalid-lines")["line_errors"]
    assert fault["line"] == 2
    assert fault["errors"]["line"] == ["is not JSON at column 13: unexpected end of data."]


@pytest.mark.parametrize("path", [ROUTE, "/healthz", "/readyz", "/", "/nowhere"])
def test_http_1_1_names_a_host_everywhere(client: TestClient, path: str) -> None:
    """RFC 9112, section 3.2. A monitor that speaks HTTP/1.0 may leave it out."""
    for method in ("GET", "OPTIONS"):
        answer = client.simulate_request(method, path, headers={"Host": ""})
        problem(answer, "invalid-header")
    answer = client.simulate_get(path, headers={"Host": ""}, http_version="1.0")
    assert (answer.status_code == 200) is (path in ("/healthz", "/readyz"))


@pytest.mark.parametrize("root_path", ["", "/v1"])
def test_options_of_the_server_as_a_whole(client: TestClient, root_path: str) -> None:
    """`OPTIONS *` has no path."""
    for method, status in (("OPTIONS", "204 No Content"), ("GET", "405 Method Not Allowed")):
        environ = create_environ(
            method=method, host="localhost", root_path=root_path, http_version="1.1"
        )
        started = StartResponseMock()
        body = b"".join(client.app(environ | {"PATH_INFO": "*"}, started))
        assert (started.status, started.headers_dict["allow"]) == (status, "OPTIONS")
        assert bool(body) is (method == "GET")
    problem(client.simulate_request("OPTIONS", "/*"), "route-not-found")


@pytest.mark.parametrize("method", ["FOO", "options", ""])
def test_an_unknown_method_is_501_for_the_server_as_a_whole(
    client: TestClient, method: str
) -> None:
    """As it is at every path."""
    environ = create_environ(host="localhost") | {"PATH_INFO": "*", "REQUEST_METHOD": method}
    started = StartResponseMock()
    body = b"".join(client.app(environ, started))
    assert started.status == "501 Not Implemented"
    assert b"/problems/method-unknown" in body


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://localhost", "localhost:443", 201),
        ("https://localhost:443", "localhost", 201),
        ("http://localhost", "localhost:80", 201),
        ("http://localhost:80", "LOCALHOST", 201),
        ("https://localhost", "localhost", 201),
        ("https://[::1]", "[::1]:443", 201),
        ("https://localhost:8443", "localhost:8443", 201),
        ("http://localhost", "localhost:443", 403),
        ("https://localhost", "localhost:80", 403),
        ("https://localhost:8443", "localhost", 403),
        ("https://localhost", "localhost:4430", 403),
        ("null", "localhost", 403),
        ("ftp://localhost", "localhost:80", 403),
        ("https://[::1", "localhost", 403),
    ],
)
def test_a_default_port_makes_no_origin_foreign(
    client: TestClient, origin: str, host: str, status: int
) -> None:
    """Browsers leave it out of Origin, some proxies put it into Host."""
    headers = {"Origin": origin, "Host": host}
    answer = client.simulate_post(ROUTE, json={"data": "x"}, headers=headers)
    assert answer.status_code == status


PAGES = ["/healthz", "/readyz", "/", "/docs", "/problems", "/openapi.json"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("query", ["t=1", "utm_source=x&utm_source=y", "q=%E9", "=", "a"])
def test_monitors_and_links_add_parameters(client: TestClient, path: str, query: str) -> None:
    """To find out nothing about items: what means nothing here is ignored."""
    assert client.simulate_get(path, query_string=query).status_code == 200


@pytest.mark.parametrize("path", [ROUTE, BULK, "/api/users", "/api/tokens"])
def test_a_chunked_body_without_a_marked_end_is_refused(path: str) -> None:
    """It would read as empty. Servers that mark the end have it read."""
    client = make_world().client
    kind = "application/x-ndjson" if path.endswith("bulk") else "application/json"
    headers = {"Content-Type": kind, "Transfer-Encoding": "chunked"}
    arguments = {"body": '{"data": "x"}', "headers": headers}
    detail = problem(client.simulate_post(path, **arguments), "length-required")["detail"]
    assert "Content-Length" in detail
    marked = client.simulate_post(path, **arguments, extras={"wsgi.input_terminated": True})
    assert marked.status_code in (201, 400)
    second = {"Content-Type": kind}
    answer = client.simulate_post(path, headers=second, extras={"SERVER_PROTOCOL": "HTTP/2"})
    problem(answer, "length-required")
