"""Explain mode over HTTP, as the composition root builds it, with a real file."""

import re
from pathlib import Path

import pytest
from falcon.testing import TestClient

from datas.bootstrap import build_app
from datas.settings import Settings
from tests.served import ROUTE

HOST = {"Host": "localhost:8000"}


def make_client(folder: Path, *, explain: bool = True) -> TestClient:
    """A client of a server with a file in this folder."""
    url = f"sqlite:///{folder / 'datas.db'}"
    settings = Settings(database_url=url, access="open", registration="open", explain=explain)
    return TestClient(build_app(settings), headers=HOST)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A client of a server that explains itself, with one item."""
    client = make_client(tmp_path)
    assert client.simulate_post(ROUTE, json={"data": "secret text"}).status_code == 201
    return client


def statements(timing: str) -> list[str]:
    """The SQL that a header tells."""
    return [sql.replace('\\"', '"') for sql in re.findall(r'desc="((?:\\.|[^"\\])*)"', timing)]


def test_a_read_tells_its_select(client: TestClient) -> None:
    """With the rooms on its way, and a placeholder where the value was."""
    timing = client.simulate_get(f"{ROUTE}/1").headers["Server-Timing"]
    assert re.findall(r"(\w+);dur=[\d.]+", timing) == [
        "total",
        "http",
        "adapters",
        "service",
        "sql",
    ]
    [select] = statements(timing)
    assert re.fullmatch(r'SELECT "t1"."id", .* WHERE \("t1"."id" = \?\)', select)


def test_a_write_tells_no_values(client: TestClient) -> None:
    """Whatever is written, and whoever writes it."""
    answer = client.simulate_post(
        ROUTE,
        json={"data": "secret text"},
        headers={"Idempotency-Key": "secret-key"},
    )
    timing = answer.headers["Server-Timing"]
    verbs = [sql.split()[0] for sql in statements(timing)]
    assert verbs == ["BEGIN", "DELETE", "INSERT", "INSERT", "UPDATE", "COMMIT"]
    assert "secret" not in timing
    assert timing.isascii()
    assert len(timing) < 4000


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "stopped"),
    [
        ("GET /nothing", {}, 404, "http"),
        (f"PUT {ROUTE}", {}, 405, "http"),
        (f"POST {ROUTE}", {}, 415, "http"),
        (f"GET {ROUTE}/99", {}, 404, "adapters"),
        (f"DELETE {ROUTE}/1", {"If-Match": '"9"'}, 412, "service"),
        ("GET /api/users/me", {"Authorization": "Bearer datas_x"}, 401, "service"),
    ],
)
def test_an_error_says_where_it_stopped(
    client: TestClient, request_line: str, headers: dict[str, str], status: int, stopped: str
) -> None:
    """Problems are explained like any answer."""
    answer = client.simulate_request(*request_line.split(), headers=headers)
    assert answer.status_code == status
    assert answer.headers["Server-Timing"].endswith(f"stopped;desc={stopped}")


@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS"])
def test_answers_without_a_body_are_explained(client: TestClient, method: str) -> None:
    """HEAD, 304, 204."""
    answer = client.simulate_request(method, f"{ROUTE}/1", headers={"If-None-Match": '"1"'})
    assert answer.content == b""
    assert answer.headers["Server-Timing"].startswith("total;dur=")


def test_without_explain_mode_nothing_is_told_or_wrapped(tmp_path: Path) -> None:
    """Neither header is there, and no part has another in its place."""
    client = make_client(tmp_path, explain=False)
    headers = client.simulate_get(ROUTE).headers
    assert "Server-Timing" not in headers
    assert "X-Request-Head" not in headers
    assert type(client.app).__module__ == "falcon.app"
