"""A client of the first version goes on with a new one over the same database."""

from pathlib import Path

import pytest
from falcon import testing

from datas.bootstrap import build_app
from datas.settings import Settings
from tests.old_database import ALICES_TOKEN, BOBS_TOKEN, KEPT_ANSWER, KEPT_KEY, restore_old_database
from tests.served import ROUTE


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> testing.TestClient:
    """The app over a database that the first version made."""
    restore_old_database(tmp_path / "datas.db")
    monkeypatch.setenv("DATAS_DATABASE_URL", f"sqlite:///{tmp_path}/datas.db")
    monkeypatch.setenv("DATAS_ALLOWED_HOSTS", "localhost")
    return testing.TestClient(build_app(Settings.read()), headers={"Host": "localhost"})


def test_a_repeated_order_gets_the_answer_of_then(client: testing.TestClient) -> None:
    """The fingerprint of a request is what it was, so that nothing is created twice."""
    headers = {
        "Authorization": f"Bearer {ALICES_TOKEN}",
        "Content-Type": "application/json",
        "Idempotency-Key": KEPT_KEY,
    }
    answer = client.simulate_post(ROUTE, body='{"data": "once"}', headers=headers)
    assert (answer.status_code, answer.content) == (201, KEPT_ANSWER)
    assert answer.headers["location"] == f"{ROUTE}/12"
    items = client.simulate_get(ROUTE, params={"count": "true"}).json
    assert items["total"] == 11


def test_an_etag_of_then_is_good(client: testing.TestClient) -> None:
    """For a read that asks whether there is news, and for a change of what was read."""
    old = client.simulate_get(f"{ROUTE}/1", headers={"If-None-Match": '"2"'})
    assert old.status_code == 304
    headers = {
        "Authorization": f"Bearer {BOBS_TOKEN}",
        "Content-Type": "application/json",
        "If-Match": '"1"',
    }
    changed = client.simulate_put(f"{ROUTE}/2", body='{"data": "new"}', headers=headers)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
