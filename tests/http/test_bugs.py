"""When the fault is the server's own."""

import logging
from dataclasses import replace

import pytest
from falcon.testing import TestClient

from datas.http.app import create_app
from datas.http.parts import Parts
from tests.http.test_items_refusals import problem


def test_a_bug_is_logged_in_full_and_shown_to_nobody(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has a request id and nothing of the inside; the log has both."""

    def fail() -> None:
        raise ZeroDivisionError("inside")

    client = TestClient(
        create_app(replace(parts, check_storage=fail)), headers={"Host": "localhost"}
    )
    with caplog.at_level(logging.ERROR):
        answer = client.simulate_get("/readyz")
    body = problem(answer, "internal-error")
    assert "inside" not in answer.text
    assert "Traceback" not in answer.text
    [record] = caplog.records
    assert body["request_id"] in record.getMessage()
    assert record.exc_info
    assert isinstance(record.exc_info[1], ZeroDivisionError)
