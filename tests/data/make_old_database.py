"""Make a database as the first version did: its text is in `old_database.sql`.

That version is commit 903f599, the last one in which the item's field was named in every layer.
Run this with its code: `PYTHONPATH=CHECKOUT python make_old_database.py FOLDER >old_database.sql`.
What a new version must go on with is there: items of two users with changes and a deletion, tokens,
an answer that is kept for retries, and failed attempts at both kinds of password. Tokens and the
answer are good until the year 2999.
"""

import json
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from falcon import testing

from datas.adapters.system import SystemClock
from datas.bootstrap import build_app
from datas.settings import Settings
from tests.served import ROUTE

PASSWORD = "correct horse"
TEXTS = ("Straße", "STRASSE 7", "b", "a", "\U0001f600", "\uffff", "100%", " a ", "same", "same")
FUTURE = datetime(2999, 1, 1, tzinfo=UTC)


class _Clock:
    """A clock that is set, and goes on by a quarter of a second at each look."""

    time = datetime(2026, 11, 22, 16, tzinfo=UTC)

    def now(self) -> datetime:
        """The next moment."""
        self.time += timedelta(microseconds=250_001)
        return self.time


CLOCK = _Clock()


class _Client:
    def __init__(self, url: str) -> None:
        os.environ.update(
            DATAS_DATABASE_URL=url,
            DATAS_REGISTRATION="open",
            DATAS_ALLOWED_HOSTS="localhost",
            DATAS_LOG_LEVEL="error",
        )
        self._client = testing.TestClient(build_app(Settings.read()), headers={"Host": "localhost"})

    def ask(
        self, method: str, path: str, body: Any = None, token: str = "", key: str = ""
    ) -> testing.Result:
        """The answer to a request."""
        headers = {"Content-Type": "application/json"} if body else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        text = json.dumps(body) if body else None
        return self._client.simulate_request(method, path, body=text, headers=headers)


def make(url: str) -> None:
    """Fill the database by requests; print what only the client got to know."""
    client, tokens = _Client(url), {}
    for name in ("alice", "bob"):
        user = {"username": name, "password": PASSWORD}
        client.ask("POST", "/api/users", user)
        before, CLOCK.time = CLOCK.time, FUTURE
        answer = client.ask("POST", "/api/tokens", user | {"label": "old"})
        tokens[name] = answer.json["data"]["token"]
        CLOCK.time = before
    for number, text in enumerate(TEXTS):
        token = tokens[("alice", "bob")[number % 2]]
        item = client.ask("POST", ROUTE, {"data": text}, token)
        if number % 4 == 0:
            client.ask("PUT", item.headers["location"], {"data": f"{text}, changed"}, token)
    last = client.ask("POST", ROUTE, {"data": "deleted"}, tokens["bob"])
    client.ask("DELETE", last.headers["location"], None, tokens["bob"])
    CLOCK.time = FUTURE
    kept = client.ask("POST", ROUTE, {"data": "once"}, tokens["alice"], '"an-old-key"')
    CLOCK.time = datetime(2026, 11, 22, 17, tzinfo=UTC)
    wrong = {"username": "bob", "password": "wrong password"}
    client.ask("POST", "/api/tokens", wrong)
    change = {"password": "wrong password", "new_password": "battery staple"}
    client.ask("PUT", "/api/users/me/password", change, tokens["bob"])
    for name, token in tokens.items():
        print(f"-- {name}'s token: {token}")
    print(f"-- the answer that is kept: {kept.text}")


def main() -> None:
    """Print the database as SQL."""
    SystemClock.now = lambda _: CLOCK.now()  # type: ignore[method-assign, assignment]
    path = f"{sys.argv[1]}/old.db"
    make(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        print(*connection.iterdump(), sep="\n")


if __name__ == "__main__":
    main()
