"""Whatever a client sends: a clear problem, never a 500, and nothing is lost."""

import io
import re
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from datas.adapters.memory import Memory
from datas.domain.errors import AdministrationError, DomainError, InvalidRecord, RecordNotFound
from datas.http.app import routes
from tests.http.conftest import PROBLEMS, World, make_world
from tests.http.gadgets import GADGETS_ON_THE_WIRE
from tests.served import COLLECTION, INVALID, NOT_FOUND, PLURAL, ROUTE

MEMBERS = ["type", "title", "status", "detail", "success", "msg"]


def problem(answer: Result, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem in full, and return it."""
    body: dict[str, Any] = answer.json
    expected = PROBLEMS[code]
    assert (answer.status_code, body["type"]) == (expected.status, f"/problems/{code}"), body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert list(body)[:6] == MEMBERS
    assert (body["title"], body["status"]) == (expected.title, expected.status)
    assert body["success"] is False
    assert body["detail"] == body["msg"]
    assert body["detail"].endswith((".", "!"))
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


def post(client: TestClient, body: bytes | str, **headers: str) -> Result:
    """POST raw bytes as JSON, unless a header says otherwise."""
    return client.simulate_post(
        ROUTE, body=body, headers={"Content-Type": "application/json", **headers}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"data": "hello"',
        b"\xff\xfe",
        b'{"data": "\xc3"}',
        b"[" * 60_000,
        b'{"data": NaN}',
        b'{"data": Infinity}',
        b'{"data": "\\ud800"}',
        b'{"data": 1e}',
        b"\xef\xbb\xbf{}",
        b"data=hello",
        b'{"data": ' + b"9" * 400 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_is_malformed(client: TestClient, body: bytes) -> None:
    """The detail says where it breaks."""
    detail = problem(post(client, body), "malformed-json")["detail"]
    assert "line 1, column" in detail or "empty" in detail


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{'data': 'x'}", True),
        ("""{"data": 'x'}""", True),
        ("'x'", True),
        ("""{"data": "it's"} x""", False),
        ("{data: 'x'}", False),
    ],
)
def test_single_quotes_are_told_from_double_ones(
    client: TestClient, body: str, *, told: bool
) -> None:
    """Where it is they that break the body: Python and shells know no difference, JSON does."""
    detail = problem(post(client, body), "malformed-json")["detail"]
    assert ("JSON wants double quotes" in detail) is told


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"[]", {"body": ['must be a JSON object, such as {"data": "hello"}.']}),
        (b'"hello"', {"body": ['must be a JSON object, such as {"data": "hello"}.']}),
        (b"null", {"body": ['must be a JSON object, such as {"data": "hello"}.']}),
        (b"{}", {"data": ["is missing."]}),
        (b'{"data": 7}', {"data": ["must be a string."]}),
        (b'{"data": null}', {"data": ["must be a string, not null."]}),
        (b'{"data": ""}', {"data": ["must be 1 to 255 characters long."]}),
        (b'{"data": " "}', {"data": ["must have a character that is not white space."]}),
        (b'{"data": "a\\u0000"}', {"data": ["must not contain the NUL character (U+0000)."]}),
        (b'{"data": "a", "id": 7}', {"id": ["is read-only; leave it out."]}),
        (
            b'{"data": "", "colour": 1}',
            {
                "data": ["must be 1 to 255 characters long."],
                "colour": [f"is no field of {COLLECTION.one}; leave it out."],
            },
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_bad_item_is_told_every_fault(
    client: TestClient, memory: Memory, body: bytes, errors: dict[str, list[str]]
) -> None:
    """Each field at fault has its texts; nothing is stored."""
    assert problem(post(client, body), INVALID)["errors"] == errors
    assert not memory.records[PLURAL]


@pytest.mark.parametrize("where", ["fields", "parameters", "parameters of one"])
def test_a_thousand_faults_are_not_all_listed(client: TestClient, where: str) -> None:
    """The first twenty are, the rest counted: an answer is not many times its request."""
    names = {f"name{number}": "1" for number in range(1000)}
    if where == "fields":
        answer = client.simulate_post(ROUTE, json=names | {"data": "x"})
    else:
        path = ROUTE if where == "parameters" else f"{ROUTE}/1"
        answer = client.simulate_get(path, params=names)
    code = INVALID if where == "fields" else "invalid-parameter"
    body = problem(answer, code)
    assert len(body["errors"]) == 20
    assert body["detail"].endswith("leave it out. And 980 more.")


def test_a_long_name_is_shortened(client: TestClient) -> None:
    """Its beginning is enough to know it again."""
    names = {"x" * 30_000 + end: 1 for end in "ab"}
    body = problem(client.simulate_post(ROUTE, json=names | {"data": "x"}), INVALID)
    assert list(body["errors"]) == ["x" * 80 + "…"]
    assert body["detail"].endswith("And 1 more.")


def test_put_refuses_what_post_refuses(client: TestClient) -> None:
    """Bad data and unknown names, even where there is nothing to replace."""
    body = {"data": "", "colour": "x"}
    errors = problem(client.simulate_put(f"{ROUTE}/1", json=body), INVALID)["errors"]
    assert list(errors) == ["data", "colour"]


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonp",
        ";",
    ],
)
def test_a_body_that_is_not_declared_json_is_unsupported(
    client: TestClient, memory: Memory, media_type: str | None
) -> None:
    """No web page can write here without asking first."""
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = client.simulate_post(ROUTE, body=b'{"data": "x"}', headers=headers)
    problem(answer, "unsupported-media-type")
    assert not memory.records[PLURAL]


@pytest.mark.parametrize(
    "media_type",
    ["APPLICATION/JSON", "application/json;charset=UTF-8", 'application/json; charset="utf-8"'],
)
def test_json_is_json_in_any_case(client: TestClient, media_type: str) -> None:
    """Media types and charsets have no case."""
    assert post(client, b'{"data": "x"}', **{"Content-Type": media_type}).status_code == 201


def test_a_compressed_body_is_unsupported(client: TestClient) -> None:
    """A content coding would be read as broken JSON otherwise."""
    answer = post(client, b'{"data": "x"}', **{"Content-Encoding": "gzip"})
    problem(answer, "unsupported-media-type")


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "identity, chunked"])
def test_a_body_is_chunked_and_no_more(client: TestClient, coding: str) -> None:
    """Servers leave the other transfer codings in it."""
    answer = post(client, b'{"data": "x"}', **{"Transfer-Encoding": coding})
    assert coding in problem(answer, "unsupported-media-type")["detail"]


def test_a_large_body_is_refused_by_its_length(client: TestClient) -> None:
    """Over 64 KiB, unread."""
    problem(post(client, b'"' + b"a" * 65536 + b'"'), "body-too-large")


@pytest.mark.parametrize(("size", "code"), [(100, None), (70_000, "body-too-large")])
def test_a_chunked_body_is_read_to_its_end(client: TestClient, size: int, code: str | None) -> None:
    """Without a length, where the server marks the end; and no further than 64 KiB."""
    body = b'{"data": "hello"' + b" " * size + b"}"
    answer = client.simulate_post(
        ROUTE,
        headers={"Content-Type": "application/json"},
        extras={"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
    )
    if code:
        problem(answer, code)
    else:
        assert answer.status_code == 201


class _BrokenStream(io.RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        raise RuntimeError("chunk")


def test_a_body_that_breaks_off_is_malformed(client: TestClient) -> None:
    """A client that frames its chunks wrongly made a mistake; the server did not."""
    answer = client.simulate_post(
        ROUTE,
        headers={"Content-Type": "application/json"},
        extras={"wsgi.input": _BrokenStream(), "wsgi.input_terminated": True},
    )
    problem(answer, "malformed-json")


@pytest.mark.parametrize(
    "item_id",
    ["0", "-1", "+1", "%D9%A1", "01", str(2**63), "1" + "0" * 30, "1.0", "abc", "%00"],
)
def test_what_is_no_id_is_not_found(client: TestClient, item_id: str) -> None:
    """The address has no resource, whatever the method."""
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"):
        answer = client.simulate_request(method, f"{ROUTE}/{item_id}")
        problem(answer, "route-not-found")


def test_the_largest_id_is_looked_up(client: TestClient) -> None:
    """2^63-1 is an id like any other."""
    problem(client.simulate_get(f"{ROUTE}/{2**63 - 1}"), NOT_FOUND)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=+1", "limit"),
        ("limit=1.0", "limit"),
        ("limit=", "limit"),
        ("limit", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 400, "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=name", "sort"),
        ("sort=ID", "sort"),
        ("sort=", "sort"),
        ("page=2", "page"),
        ("Limit=2", "Limit"),
        ("after=", "after"),
        ("after=abc", "after"),
        ("after=%FF", "after"),
        ("after=é", "after"),
        ("after=Mi4xMjM0", "after"),
        ("after=a&after=b", "after"),
        ("%00=1", "\0"),
        ("q=", "q"),
        ("q=" + "a" * 256, "q"),
        ("q=a%00", "q"),
        ("created_from=", "created_from"),
        ("created_from=yesterday", "created_from"),
        ("created_from=2026-11-22", "created_from"),
        ("created_from=2026-11-22T16:00:00+00:00", "created_from"),
        ("created_from=2026-11-22T16:00:00", "created_from"),
        ("created_from=2026-02-30T16:00:00Z", "created_from"),
        ("created_to=0000-01-01T00:00:00Z", "created_to"),
        ("created_to=2026-11-22T16:00:60Z", "created_to"),
        ("created_to=0001-01-01T00:00:00%2B01:00", "created_to"),
        ("owner=", "owner"),
        ("owner=a", "owner"),
        ("owner=alice%40example", "owner"),
        ("count=", "count"),
        ("count=1", "count"),
        ("count=True", "count"),
    ],
)
def test_a_bad_parameter_is_named(client: TestClient, query: str, name: str) -> None:
    """Unknown, repeated or out of bounds: each is told by its name."""
    answer = client.simulate_get(ROUTE, query_string=query)
    assert list(problem(answer, "invalid-parameter")["errors"]) == [name]


def test_every_bad_parameter_is_named_at_once(client: TestClient) -> None:
    """Nobody mends one to be told of the next."""
    answer = client.simulate_get(f"{ROUTE}?limit=0&sort=x&page=1")
    assert set(problem(answer, "invalid-parameter")["errors"]) == {"limit", "sort", "page"}


def test_next_is_a_path_of_this_server(client: TestClient) -> None:
    """However many slashes the request began with: `//api` would be another host."""
    for _ in range(2):
        post(client, b'{"data": "x"}')
    page = client.simulate_get(f"/{ROUTE}?limit=1")
    assert page.status_code == 404 or page.json["next"].startswith(f"{ROUTE}?")


def test_a_body_that_is_shorter_than_it_says_is_refused(client: TestClient) -> None:
    """What is there may be JSON, but it isn't what was meant (RFC 9112 §8)."""
    body = b'{"data": "x"}'
    answer = client.simulate_post(
        ROUTE,
        headers={"Content-Type": "application/json", "Content-Length": "500"},
        extras={"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True},
    )
    assert "broke off after 13 of 500 bytes" in problem(answer, "malformed-json")["detail"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_item_has_no_parameters(client: TestClient, method: str) -> None:
    """A misplaced parameter is told, not ignored."""
    post(client, b'{"data": "x"}')
    answer = client.simulate_request(
        method, f"{ROUTE}/1", query_string="force=1", json={"data": "y"}
    )
    assert list(problem(answer, "invalid-parameter")["errors"]) == ["force"]


@pytest.mark.parametrize("path", [ROUTE, f"/{ROUTE}", f"{ROUTE}/"])
def test_another_way_to_write_a_path_changes_no_check(client: TestClient, path: str) -> None:
    """Falcon finds a route also behind two slashes."""
    assert client.simulate_post(ROUTE, json={"data": "hello"}).status_code == 201
    answer = client.simulate_get(f"{path.rstrip('/')}/1", query_string="force=1")
    problem(answer, "invalid-parameter")


def test_an_unknown_parameter_is_refused_under_api_alone(world: World) -> None:
    """Whatever method it is; but OPTIONS, which a browser sends with another request's.

    Monitors, and links that people share, add parameters of their own to the other addresses.
    """
    client = world.as_user("alice")
    for route in routes(world.parts):
        path = re.sub(r"{code}", "forbidden", re.sub(r"{\w+:id}", "1", route))
        asked = client.simulate_options(path, query_string="force=1")
        assert asked.status_code == 204
        for method in {*asked.headers["Allow"].split(", ")} - {"OPTIONS"}:
            kind = "x-ndjson" if path.endswith("bulk") else "json"
            headers = {"Content-Type": f"application/{kind}"}
            answer = client.simulate_request(
                method, path, query_string="force=1", body="{}", headers=headers
            )
            if not path.startswith("/api/"):
                assert answer.status_code == 200, (method, path)
                continue
            assert answer.status_code == 400, (method, path)
            if method != "HEAD":
                errors = problem(answer, "invalid-parameter")["errors"]
                assert list(errors) == ["force"], (method, path)


@pytest.mark.parametrize("accept", ["text/xml", "text/html", "application/json;q=0", "nonsense"])
def test_who_accepts_no_json_gets_a_406(client: TestClient, memory: Memory, accept: str) -> None:
    """Before anything is done; the problem itself is JSON all the same."""
    answer = post(client, b'{"data": "x"}', Accept=accept)
    problem(answer, "not-acceptable")
    assert not memory.records[PLURAL]
    problem(client.simulate_get("/nowhere", headers={"Accept": accept}), "route-not-found")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*",
        "text/html, application/json;q=0.1",
        "Application/JSON",
        "application/json,",
    ],
)
def test_who_accepts_json_gets_it(client: TestClient, accept: str) -> None:
    """By name, by range, at any quality above zero."""
    assert client.simulate_get(ROUTE, headers={"Accept": accept}).status_code == 200


def test_a_foreign_host_is_misdirected(client: TestClient) -> None:
    """A page whose name was made to point here reaches nothing; the text names the setting."""
    answer = client.simulate_get(ROUTE, headers={"Host": "evil.example"})
    assert "DATAS_ALLOWED_HOSTS" in problem(answer, "misdirected-request")["detail"]
    assert client.simulate_get("/healthz", headers={"Host": "evil.example"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "localhost:", "127.0.0.1:8000", "[::1]", "[::1]:8000"]
)
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    """With any port: it says nothing of who asks."""
    assert client.simulate_get(ROUTE, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:x", "localhost:80:80", ":80", "[::1", "localhost."])
def test_what_only_looks_like_a_loopback_name_is_none(client: TestClient, host: str) -> None:
    """A port is digits, and nothing else is left out of a comparison."""
    problem(
        client.simulate_get(ROUTE, headers={"Host": host}),
        "misdirected-request",
    )


def test_an_empty_host_is_told(client: TestClient) -> None:
    """There is no name to look for in the settings."""
    answer = client.simulate_get(ROUTE, headers={"Host": ""})
    assert problem(answer, "invalid-header")["detail"] == "Host: is missing or empty."


@pytest.mark.parametrize(
    ("bind", "host", "status"),
    [
        ("10.0.0.5", "10.0.0.5:8000", 200),
        ("10.0.0.5", "10.0.0.6:8000", 421),
        ("fe80::1", "[fe80::1]:8000", 200),
        ("0.0.0.0", "0.0.0.0:8000", 421),
        ("::", "[::]:8000", 421),
        ("evil.example", "evil.example", 421),  # on a Unix socket the name is the client's
    ],
)
def test_the_bind_address_is_answered(
    client: TestClient, bind: str, host: str, status: int
) -> None:
    """It is what the server was started with; every interface at once is no name."""
    extras = {"SERVER_NAME": bind}
    answer = client.simulate_get(ROUTE, headers={"Host": host}, extras=extras)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [("api.example:8000", 200), ("API.example", 200), ("10.0.0.5", 421), ("localhost", 421)],
)
def test_hosts_that_are_named_are_the_only_ones(host: str, status: int) -> None:
    """In any case; the bind address and loopback names are allowed where no host is named."""
    client = make_world(allowed_hosts=["Api.example"]).client
    extras = {"SERVER_NAME": "10.0.0.5"}
    answer = client.simulate_get(ROUTE, headers={"Host": host}, extras=extras)
    assert answer.status_code == status


def test_an_unknown_method_is_501(client: TestClient) -> None:
    """What nobody knows is not implemented; what is known but not here is 405."""
    problem(client.simulate_request("FOO", ROUTE), "method-unknown")
    problem(client.simulate_request("WEBSOCKET", ROUTE), "method-unknown")
    for method in ("get", "Get", "x", "M" * 30):
        answer = client.simulate_request(method, ROUTE, headers={"Accept": "text/xml"})
        problem(answer, "method-unknown")
    problem(client.simulate_request("PATCH", ROUTE), "method-not-allowed")


def test_checks_come_in_the_order_of_the_contract(client: TestClient) -> None:
    """A request that is wrong in every way is mended one answer at a time."""
    host = {"Host": "localhost"}
    bad = {"Accept": "text/xml", "Content-Type": "text/plain", "If-Match": "x"}
    big = b"x" * 70_000
    steps: list[tuple[str, str, dict[str, str], bytes, str]] = [
        ("FOO", "/nowhere", {"Host": "evil.example"}, big, "misdirected-request"),
        ("FOO", "/nowhere", host | bad, big, "route-not-found"),
        ("FOO", f"{ROUTE}/7", host | bad, big, "method-unknown"),
        ("POST", f"{ROUTE}/7", host | bad, big, "method-not-allowed"),
        ("PUT", f"{ROUTE}/7", host | bad, big, "not-acceptable"),
        ("PUT", f"{ROUTE}/7", host | bad | {"Accept": "*/*"}, big, "unsupported-media-type"),
    ]
    json = host | {"Content-Type": "application/json"}
    steps += [
        ("GET", "/api/users?force=1", host | bad, b"", "method-not-allowed"),
        ("GET", "/api/users/me?force=1", host | bad, b"", "unauthenticated"),
        ("GET", f"{ROUTE}/7?force=1", host | bad, b"", "not-acceptable"),
        ("GET", f"{ROUTE}/7?force=1", host, b"", "invalid-parameter"),
        (
            "POST",
            f"{ROUTE}?force=1",
            host | {"Content-Type": "x/y"},
            big,
            "unsupported-media-type",
        ),
        ("POST", f"{ROUTE}?force=1", json, big, "body-too-large"),
        ("PUT", f"{ROUTE}/7?force=1", json, b"{}", "invalid-parameter"),
        ("PUT", f"{ROUTE}/7", json | {"If-Match": "x"}, big, "body-too-large"),
        ("PUT", f"{ROUTE}/7", json | {"If-Match": "x"}, b'{"data": "x"}', "invalid-header"),
        ("PUT", f"{ROUTE}/7", json | {"If-Match": '"9"'}, b'{"data": "x"}', NOT_FOUND),
    ]
    for method, path, headers, body, code in steps:
        problem(client.simulate_request(method, path, headers=headers, body=body), code)
    post(client, b'{"data": "x"}')
    answer = client.simulate_put(f"{ROUTE}/1", json={"data": "y"}, headers={"If-Match": '"9"'})
    problem(answer, "version-mismatch")


def test_every_domain_error_has_a_problem() -> None:
    """A rule added to the domain can't be forgotten here."""
    problems = make_world(collections=GADGETS_ON_THE_WIRE).parts.problems
    kinds = [kind for kind in _kinds(DomainError) if hasattr(kind, "code")]
    assert len(kinds) > 15
    for kind in kinds:
        assert (kind.code in problems) is not issubclass(kind, AdministrationError), kind
    for error in (InvalidRecord("gadget", {}), RecordNotFound("gadget", 7)):
        assert error.code in problems


def _kinds(parent: type[DomainError]) -> list[type[DomainError]]:
    # A package's own errors, which another test may have loaded, have problems of its own.
    children = [kind for kind in parent.__subclasses__() if kind.__module__.startswith("datas.")]
    return children + [kind for child in children for kind in _kinds(child)]
