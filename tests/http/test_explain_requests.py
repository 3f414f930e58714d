"""`/explain/requests`: what clients sent and got, without secrets."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result, TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datas.adapters.recording import record
from datas.bootstrap import build_app, openapi_document
from datas.settings import Settings
from tests.served import BULK, ROUTE

PATH = "/explain/requests"
HOST = {"Host": "localhost:8000"}
ALICE = {"username": "alice", "password": "correct horse"}
# A server that only this machine reaches.
HERE = {"SERVER_NAME": "127.0.0.1", "REMOTE_ADDR": "127.0.0.1"}


def make_client(folder: Path, access: str = "open", **more: Any) -> TestClient:
    """A client of a server in explain mode, with a file in this folder."""
    url = f"sqlite:///{folder / 'datas.db'}"
    known = Settings(url, access=access, registration="open", explain=True, log_level="error")
    return TestClient(build_app(Settings(**{**vars(known), **more})), headers=HOST)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A client of an open server in explain mode."""
    return make_client(tmp_path)


def see(client: TestClient, after: object = 0) -> Any:
    """What the server shows."""
    answer = client.simulate_get(PATH, params={"after": after}, extras=HERE)
    assert answer.status_code == 200
    return answer.json


def last(client: TestClient) -> dict[str, Any]:
    """The newest request."""
    entry: dict[str, Any] = see(client)["requests"][-1]
    return entry


def test_a_request_is_shown_as_it_was(client: TestClient) -> None:
    """With its line, headers and bodies, and those of the answer; Server-Timing among them."""
    created = client.simulate_post(f"{ROUTE}?", json={"data": "hello"}, headers={"X-One": "1"})
    shown = see(client)
    [entry] = shown["requests"]
    assert (shown["scope"], shown["last"], entry["id"]) == ("worker", 1, 1)
    assert (entry["method"], entry["target"], entry["status"]) == ("POST", ROUTE, 201)
    assert entry["time"].endswith("Z")
    assert datetime.fromisoformat(entry["time"]).tzinfo
    assert 0 < entry["duration_ms"] < 10_000
    assert {"Host": "localhost:8000", "X-One": "1"}.items() <= dict(
        entry["request_headers"]
    ).items()
    answered = {name.lower(): value for name, value in entry["response_headers"]}
    assert answered["location"] == f"{ROUTE}/1"
    assert answered["server-timing"].startswith("total;dur=")
    assert json.loads(entry["request_body"]) == {"data": "hello"}
    assert entry["response_body"] == created.text


def test_only_what_is_newer_is_shown(client: TestClient) -> None:
    """Two hundred at most; and all of them if the server was started anew meanwhile."""
    for _ in range(3):
        client.simulate_get("/healthz")
    assert [entry["id"] for entry in see(client, 1)["requests"]] == [2, 3]
    assert see(client, 3)["requests"] == []
    assert len(see(client, 99)["requests"]) == 3
    for _ in range(250):
        client.simulate_get("/healthz")
    shown = see(client)
    assert [entry["id"] for entry in shown["requests"]] == list(range(54, 254))
    assert shown["last"] == 253


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "²", "٣", "9" * 30, ["1", "2"]])
def test_what_is_no_number_is_refused(client: TestClient, after: object) -> None:
    """A parameter that it does not know is ignored, as on every page outside of the API."""
    answer = client.simulate_get(PATH, params={"after": after}, params_csv=False)
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/invalid-parameter")
    assert client.simulate_get(PATH, params={"utm": "x"}).status_code == 200


def test_the_page_that_asks_is_not_among_them(client: TestClient) -> None:
    """Else it would push out what it wants to show."""
    for path in (PATH, f"{PATH}/", f"{PATH}?after=x"):
        client.simulate_get(path)
        client.simulate_head(path)
    client.simulate_options(PATH)
    assert see(client)["requests"] == []


def test_long_bodies_are_cut_and_streams_are_shown_when_they_end(client: TestClient) -> None:
    """The beginning is enough to know what it is; an answer without a body has null."""
    lines = "".join(f'{{"data": "{number:0100}"}}\n' for number in range(100))
    client.simulate_post(BULK, body=lines, headers={"Content-Type": "application/x-ndjson"})
    assert last(client)["request_body"] == lines[:2048]
    streamed = client.simulate_get(BULK)
    entry = last(client)
    assert (entry["request_body"], entry["response_body"]) == (None, streamed.text[:2048])
    client.simulate_head(BULK)
    assert last(client)["response_body"] is None


def test_deep_json_is_recorded_too(client: TestClient) -> None:
    """JSON may be nested deeper than its values can be walked through."""
    deep = "[" * 600 + "]" * 600
    sent = client.simulate_post(ROUTE, body=deep, headers={"Content-Type": "application/json"})
    assert sent.status_code == 400
    assert last(client)["request_body"] == deep


def test_a_request_that_cannot_be_recorded_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """The log says what is missing, and the answer's stream is closed all the same."""

    def app(_: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        yield b"hello"

    def put(_: object) -> None:
        raise OSError("no room")

    answer = TestClient(record(app, put, with_bodies=True)).simulate_get("/")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert "could not be recorded" in caplog.text
    assert "no room" in caplog.text


def test_an_error_at_the_end_of_a_stream_is_not_hidden() -> None:
    """Not even one that a missing `close` would raise."""

    class Stream(list[bytes]):
        def close(self) -> None:
            raise AttributeError("of something else")

    def app(_: dict[str, Any], start: Callable[..., Any]) -> Stream:
        start("200 OK", [("Content-Type", "text/plain")])
        return Stream()

    found: list[object] = []
    with pytest.raises(AttributeError):
        TestClient(record(app, found.append, with_bodies=True)).simulate_get("/")
    assert len(found) == 1


def test_each_ring_has_an_id_of_its_own(tmp_path: Path) -> None:
    """A client of several servers, or of one that was started anew, knows whose numbers it has."""
    ids = [see(client)["ring"] for client in [make_client(tmp_path), make_client(tmp_path)] * 2]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


def test_the_document_describes_what_explain_mode_adds() -> None:
    """Only where it is on."""
    on, off = (openapi_document(Settings(explain=explain)) for explain in (True, False))
    assert b"/explain/requests" in on
    assert b"/explain/requests" not in off


def test_what_does_not_fit_is_shown_without_its_headers(client: TestClient) -> None:
    """Its line stays, as far as there is room."""
    headers = {f"X-{number}": "x" * 8000 for number in range(20)}
    client.simulate_get(f"/nowhere/{'y' * 5000}", headers=headers)
    entry = last(client)
    assert (entry["request_headers"], entry["response_body"]) == ([], None)
    assert entry["target"].startswith("/nowhere/yyy")


ELSEWHERE = [
    {"SERVER_NAME": "0.0.0.0"},
    {"SERVER_NAME": "192.0.2.1"},
    {"SERVER_NAME": "localhost", "REMOTE_ADDR": ""},  # a Unix socket: the name is the client's
    {"HTTP_X_FORWARDED_FOR": "192.0.2.1"},
    {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_FORWARDED": "for=192.0.2.1"},
    {"HTTP_X_REAL_IP": "192.0.2.1"},
    {"HTTP_VIA": "1.1 proxy"},
    {"HTTP_ORIGIN": "https://evil.example"},
    {"HTTP_ORIGIN": "http://localhost:3000"},
    {"HTTP_ORIGIN": "null"},
    {"HTTP_SEC_FETCH_SITE": "cross-site"},
]


@pytest.mark.parametrize("access", ["authenticated", "owner", "private"])
def test_beyond_this_machine_only_an_open_server_shows_requests(
    tmp_path: Path, access: str
) -> None:
    """403 where a stranger, a proxy or a foreign page could be asking; no token helps."""
    client, open_to_all = make_client(tmp_path, access), make_client(tmp_path)
    behind = make_client(tmp_path, access, trusted_proxies=1)

    def status(client: TestClient, extras: dict[str, str]) -> int:
        return client.simulate_get(PATH, extras=HERE | extras).status_code

    assert status(client, {}) == 200
    assert status(client, {"SERVER_NAME": "::1", "REMOTE_ADDR": "::1"}) == 200
    own_page = {"HTTP_ORIGIN": "http://localhost:8000", "HTTP_SEC_FETCH_SITE": "same-origin"}
    assert status(client, own_page) == 200
    assert [status(client, extras) for extras in ELSEWHERE] == [403] * len(ELSEWHERE)
    assert status(behind, {}) == 403
    assert [status(open_to_all, extras) for extras in ELSEWHERE] == [200] * len(ELSEWHERE)
    refused = client.simulate_get(PATH, extras=ELSEWHERE[0])
    assert refused.json["type"] == "/problems/forbidden"


def test_a_private_server_shows_no_bodies(tmp_path: Path) -> None:
    """Records are their owners' alone."""
    client = make_client(tmp_path, "private")
    client.simulate_post("/api/users", json=ALICE)
    token = client.simulate_post("/api/tokens", json=ALICE).json["data"]["token"]
    signed = {"Authorization": f"Bearer {token}"}
    client.simulate_post(ROUTE, json={"data": "diary"}, headers=signed)
    client.simulate_get(ROUTE, headers=signed)
    shown = see(client)
    assert "diary" not in json.dumps(shown)
    bodies = [
        entry[f"{part}_body"] for entry in shown["requests"] for part in ("request", "response")
    ]
    assert bodies == [None] * 8


def test_without_explain_mode_there_is_no_such_path(tmp_path: Path) -> None:
    """404, in every access mode."""
    settings = Settings(f"sqlite:///{tmp_path}/datas.db", access="open")
    client = TestClient(build_app(settings), headers=HOST)
    assert client.simulate_get(PATH).status_code == 404


def test_a_sign_in_is_shown_without_its_secrets(client: TestClient) -> None:
    """What is no secret stays, so that a learner can follow."""
    client.simulate_post("/api/users", json=ALICE)
    assert json.loads(last(client)["request_body"]) == ALICE | {"password": "…"}
    client.simulate_post("/api/tokens", json=ALICE | {"label": "phone"})
    entry = last(client)
    assert json.loads(entry["request_body"])["label"] == "phone"
    assert json.loads(entry["response_body"])["data"]["token"] == "…"
    assert json.loads(entry["response_body"])["data"]["label"] == "phone"
    client.simulate_post("/api/tokens", json={"username": "alice", "passwort": "correct horse"})
    assert "correct horse" not in json.dumps(last(client), ensure_ascii=False)
    assert "password: " in json.loads(last(client)["response_body"])["detail"]


def test_metrics_and_problem_texts_are_left_alone(client: TestClient) -> None:
    """What only looks a little like a secret is shown."""
    client.simulate_post("/api/users", json={"username": "a", "password": "short"})
    detail = json.loads(last(client)["response_body"])["detail"]
    assert "password: must be 8 to 256 characters long." in detail
    client.simulate_get(ROUTE, extras={"RAW_URI": f"{ROUTE}?q=datas_x"})
    assert last(client)["target"] == f"{ROUTE}?q=datas_x"


class Secrets:
    """A user's password and token, and a server on which they are used."""

    def __init__(self, folder: Path) -> None:
        self.client = make_client(folder, log_level="error")
        self.password, self.seen = "horse-8271-battery", 0
        alice = {"username": "alice", "password": self.password}
        assert self.client.simulate_post("/api/users", json=alice).status_code == 201
        self.token: str = self.client.simulate_post("/api/tokens", json=alice).json["data"]["token"]

    def assert_none_is_shown(self) -> None:
        """Neither as it is nor escaped; not even a part of it that would help."""
        found = see(self.client, self.seen)
        shown, self.seen = json.dumps(found, ensure_ascii=False), found["last"]
        plain = re.sub(
            r"\\+u00([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})",
            lambda it: chr(int(it[1] or it[2], 16)),
            shown,
        )
        for text in (shown, plain):
            assert self.password not in text
            assert self.token[6:18] not in text
            assert self.token[-12:] not in text


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """One server for all."""
    return Secrets(tmp_path_factory.mktemp("secrets"))


def _escaped(text: str) -> str:
    """JSON may write any character so."""
    return "".join(f"\\u{ord(each):04X}" for each in text)


def _percent(text: str) -> str:
    return "".join(f"%{ord(each):02x}" for each in text)


PLACES = ("header", "cookie", "target", "json", "form", "broken", "cut", "record", "path", "user")
WAYS: dict[str, Callable[[str], str]] = {"plain": str, "escaped": _escaped, "percent": _percent}


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from(PLACES),
    way=st.sampled_from(sorted(WAYS)),
    is_token=st.booleans(),
    field=st.sampled_from(
        [
            *("password", "new_password", "token", "Password", "TOKEN"),
            *(
                "old_password",
                "userPassword",
                "access_token",
                "refreshToken",
                "api_key",
                "X-Api-Key",
            ),
        ]
    ),
    path=st.sampled_from(
        ["/api/users", "/api/tokens", "/api/users/me/password", ROUTE, BULK, "/x"]
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    filler=st.integers(0, 2100),
    junk=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8),
    media_type=st.sampled_from(["application/json", "application/x-ndjson", "text/csv", "a/b"]),
)
def test_no_secret_is_ever_shown(secrets: Secrets, **case: Any) -> None:
    """Wherever a client puts one, however it is written, whole or cut off."""
    _send(secrets, case)
    secrets.assert_none_is_shown()


def _send(secrets: Secrets, case: dict[str, Any]) -> Result:  # noqa: C901 (one for each place)
    place, path, field, junk = (case[name] for name in ("place", "path", "field", "junk"))
    secret = secrets.token if case["is_token"] else secrets.password
    written, quoted = WAYS[case["way"]](secret), json.dumps(junk)
    # Escapes mean something in JSON alone, and percent signs in addresses and forms.
    in_json = secret if case["way"] == "percent" else written
    in_form = secret if case["way"] == "escaped" else written
    filler = "x" * case["filler"]
    headers, query, body = {"Content-Type": case["media_type"]}, "", ""
    if place == "header":
        headers["Authorization"] = f"Bearer {secret}" if case["is_token"] else f"Basic {secret}"
        headers[f"X-{field}".replace("_", "-")] = secret
    elif place == "cookie":
        headers |= {
            "Cookie": f"session={secret}",
            "Referer": f"http://localhost/?{field}={in_form}",
        }
    elif place == "target":
        query = f"{field}={in_form}&q={filler[:100]}"
    elif place == "path" and case["is_token"]:
        path = f"{path}/{in_form}"
    elif place == "json":
        body = f'{{"username": "alice", "a": {quoted}, "{field}": "{in_json}"}}'
    elif place == "form":
        body = f"username=alice&{field}={in_form}"
    elif place == "broken":
        body = f'{{"a": {quoted}, "{field}": "{in_json}", {junk}'
    elif place == "cut":
        body = f'{{"data": "{filler}", "{field}": "{in_json}", "b": {quoted}}}'
    elif place == "record" and case["is_token"]:
        path, method = ROUTE, "POST"
        body = f'{{"data": "{filler[:180]} {in_json}"}}'
        headers |= {"Content-Type": "application/json", "Idempotency-Key": filler[:9] or "k"}
        case["method"] = method
    elif place == "user":
        path, query = "/api/users/me", ""
        headers["Authorization"] = f"Bearer {secrets.token}"
    raw = {"RAW_URI": f"{path}?{query}", "QUERY_STRING": query}
    return secrets.client.simulate_request(
        case["method"], path, body=body, headers=headers, extras=raw
    )


def test_in_private_mode_no_value_of_a_record_is_shown(tmp_path: Path) -> None:
    """Neither in a query nor in the cursor of the next page."""
    client = make_client(tmp_path, access="private")
    alice = {"username": "alice", "password": "correct horse"}
    client.simulate_post("/api/users", json=alice)
    token = client.simulate_post("/api/tokens", json=alice).json["data"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for text in ("diagnosis one", "diagnosis two"):
        assert client.simulate_post(ROUTE, json={"data": text}, headers=headers).status_code == 201
    page = client.simulate_get(
        ROUTE, params={"limit": 1, "sort": "data", "q": "diagnosis"}, headers=headers
    )
    assert page.headers["Link"]
    shown = json.dumps(last(client))
    assert "diagnosis" not in shown
    assert "after=" not in shown
