"""Explain mode: the time of each layer, in two headers."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from datas.adapters.explain import MAX_HEAD, MAX_STATEMENT, MAX_STATEMENTS, explain, timed


class Database:
    """Runs nothing."""

    kind = ValueError

    def read(self, statement: str, *values: object) -> tuple[object, ...]:
        """The values."""
        return values

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction."""
        yield


class Adapter:
    """Knows a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, record_id: int) -> object:
        """The id, if it is there."""
        [found] = self.database.read("SELECT ?", record_id)
        if found == 404:
            raise LookupError(record_id)
        return found


class Service:
    """Knows an adapter."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def get(self, record_id: int) -> object:
        """The same."""
        if record_id < 0:
            raise ValueError(record_id)
        return self.adapter.get(record_id)


database = timed("sql", Database())
service = timed("service", Service(timed("adapters", Adapter(database))))


def _call(work: Callable[[], object], **environ: str) -> tuple[str, str]:
    """The two headers of a response that this work was done for; 500 if it raises."""
    told: dict[str, str] = {}

    def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            work()
        except (LookupError, ValueError):
            start_response("500 Oh", [])
        else:
            start_response("200 OK", [])
        return []

    def start(_: str, headers: list[tuple[str, str]]) -> None:
        told.update(headers)

    request = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a",
        "RAW_URI": "/a?b",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    explain(app)(request | environ, start)
    return told["Server-Timing"], told["X-Request-Head"]


def _timing(work: Callable[[], object]) -> str:
    return _call(work)[0]


def _names(timing: str) -> list[str]:
    return re.findall(r"(?:^|, )(\w+);", re.sub(r'"(\\.|[^"\\])*"', "", timing))


def test_each_layer_that_was_used_is_named() -> None:
    """With its own time, so that layers and statements add up to the total."""
    timing = _timing(lambda: service.get(1))
    assert set(_names(timing)) == {"total", "http", "service", "adapters", "sql"}
    total, *rest = map(float, re.findall(r"dur=([\d.]+)", timing))
    assert sum(rest) == pytest.approx(total, abs=0.005)
    assert "sql;dur=" in timing
    assert timing.endswith('desc="SELECT ?"')


def test_a_layer_that_was_not_used_is_absent() -> None:
    """As when the request was refused before."""
    assert _names(_timing(lambda: None)) == ["total", "http"]


@pytest.mark.parametrize(
    ("record_id", "stopped"), [(-1, "service"), (404, "adapters")], ids=["by a rule", "not found"]
)
def test_an_error_names_the_layer_that_stopped_it(record_id: int, stopped: str) -> None:
    """The innermost one that the error left."""
    assert _timing(lambda: service.get(record_id)).endswith(f"stopped;desc={stopped}")


def test_an_error_outside_all_layers_is_of_http() -> None:
    """Whatever other errors were dealt with on the way."""

    def refuse() -> None:
        with pytest.raises(LookupError):
            service.get(404)
        service.get(1)
        raise ValueError

    timing = _timing(refuse)
    assert timing.endswith("stopped;desc=http")


def test_the_ends_of_a_transaction_are_statements() -> None:
    """BEGIN, and COMMIT or ROLLBACK."""

    def change(record_id: int) -> None:
        with database.atomic():
            service.get(record_id)

    def statements(record_id: int) -> list[str]:
        return re.findall(r'desc="(\w+)', _timing(lambda: change(record_id)))

    assert statements(1) == ["BEGIN", "SELECT", "COMMIT"]
    assert statements(-1) == ["BEGIN", "ROLLBACK"]


def test_a_statement_is_quoted_and_short() -> None:
    """In ASCII, with quotes and backslashes escaped, and on one line."""
    timing = _timing(lambda: database.read('a "b" \\ é\n c', "secret"))
    assert timing.endswith(r'desc="a \"b\" \\ ? c"')
    assert "secret" not in timing
    long = _timing(lambda: database.read("x" * 5000))
    assert len(long) < MAX_STATEMENT + 100
    assert long.endswith('x..."')


def test_many_statements_are_summed_up() -> None:
    """Headers are limited by proxies and servers."""
    timing = _timing(lambda: [service.get(1) for _ in range(100)])
    assert timing.count("SELECT") == MAX_STATEMENTS
    assert timing.endswith(f'desc="and {100 - MAX_STATEMENTS} more"')


def test_the_head_is_told_as_it_arrived() -> None:
    """Without the secrets in it; and not at all if it is too long for a header."""
    environ = {"HTTP_HOST": "a", "CONTENT_TYPE": "b/c", "HTTP_AUTHORIZATION": "Bearer s", "x": "y"}
    _, head = _call(lambda: None, **environ, HTTP_COOKIE="s")
    assert json.loads(head) == {
        "line": "GET /a?b HTTP/1.1",
        "headers": {"Host": "a", "Content-Type": "b/c", "Authorization": "…", "Cookie": "…"},
    }
    assert head.isascii()
    assert _call(lambda: None, HTTP_X="x" * MAX_HEAD)[1] == "{}"


def test_what_is_no_method_is_handed_on() -> None:
    """A class to be caught, for one; and outside a request nothing is noted."""
    assert database.kind is ValueError
    assert service.get(1) == 1
