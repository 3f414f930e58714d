"""Starts the library of the current folder over a new database, and uses it.

Exit code 3: one sentence, which is printed, stops the start. 0: the library starts and does no
harm: nothing that it accepts is lost, and no answer is a server's error.
"""

import sys
from collections.abc import Mapping
from typing import Any

from falcon import testing

from datas.bootstrap import build_app
from datas.database_urls import open_database
from datas.domain.errors import StorageUnavailable
from datas.served import InvalidPackage, load_package
from datas.settings import Settings
from tests.examples.walk import BAD_VALUES, BOOK, QUESTIONS


def main() -> None:
    """Raises: AssertionError, if the library does harm."""
    url = "sqlite:///probe.db"
    try:
        package = load_package("library:COLLECTIONS")
        database = open_database(url, package.tables, package.histories, package.other_tables)
        database.bring_up()
        database.close()
    except (InvalidPackage, StorageUnavailable) as error:
        print(error)
        sys.exit(3)
    app = build_app(Settings(url, access="open", log_level="error"), package=package)
    client = testing.TestClient(app, headers={"Host": "localhost:8000"})

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Mapping[str, Any]]:
        found = client.simulate_request(
            method, path, json=body, headers={"Accept": "application/json"}
        )
        assert found.status_code < 500, (method, path, found.text)
        return found.status_code, found.json

    _use(ask)


def _use(ask: Any) -> None:
    for body in ({"name": "Ursula K. Le Guin", "born": 1929}, {"name": "Anonymous"}):
        _create(ask, "/api/authors", body)
    assert ask("DELETE", "/api/authors/2")[0] == 200
    _create(ask, "/api/books", {**BOOK, "author_id": 1})
    ask("POST", "/api/books", BOOK)
    for name, value, _ in BAD_VALUES:
        ask("POST", "/api/books", {"title": "Bad", name: value})
    for question, _ in QUESTIONS:
        ask("GET", f"/api/books?{question}")
    for method in ("POST", "POST", "GET", "DELETE", "DELETE"):
        ask(method, "/api/books/1/loan")
    ask("DELETE", "/api/authors/1")
    ask("GET", "/openapi.json")
    for problem in ask("GET", "/problems")[1]["problems"]:
        assert ask("GET", problem["type"])[0] == 200


def _create(ask: Any, path: str, body: Mapping[str, Any]) -> None:
    status, answer = ask("POST", path, body)
    if status == 201:
        kept = ask("GET", f"{path}/{answer['data']['id']}")[1]["data"]
        assert {name: kept.get(name) for name in body} == body


if __name__ == "__main__":
    main()
