"""The requests on the problem pages, run as a reader would run them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from datas.http.problems import PROBLEMS
from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ

FROM_CLIENTS = [code for code, problem in PROBLEMS.items() if problem.fails]
# These start from an item 1 that nobody has touched.
WITH_ITEM_ONE = [code for code in FROM_CLIENTS if "/api/datas/1" in PROBLEMS[code].mended]


class Ran(NamedTuple):
    """What a few lines of shell did: their exit code, output, and the status that each curl got."""

    exit_code: int
    output: str
    statuses: list[int]


Run = Callable[[str], Ran]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs shell lines as they are; a configuration makes each curl tell its status."""
    tmp_path.joinpath(".curlrc").write_text('silent\nwrite-out = "%{stderr}%{http_code}\\n"\n')

    def run_lines(lines: str) -> Ran:
        done = subprocess.run(
            ["bash", "-c", lines],
            env=clean_environ() | {"CURL_HOME": os.fspath(tmp_path)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return Ran(done.returncode, done.stdout, [int(line) for line in done.stderr.split()])

    return run_lines


def _examples(server: Server, code: str) -> dict[str, Any]:
    """What the page of this server says."""
    page = server.request("GET", f"/problems/{code}", headers={"Accept": "application/json"})
    shown: dict[str, Any] = page.json
    return shown


def _check_mended(ran: Ran, lines: str) -> None:
    assert ran.exit_code == 0
    assert len(ran.statuses) == len(lines.splitlines())
    assert all(200 <= status < 300 or status == 304 for status in ran.statuses), ran


def _check_both(server: Server, run: Run, code: str) -> None:
    """The last line of one fails with this problem, each line of the other succeeds."""
    shown = _examples(server, code)
    failed = run(shown["fails"])
    *before, status = failed.statuses
    assert all(200 <= each < 300 for each in before), failed
    body = json.loads(failed.output[failed.output.rindex('{"type"') :])
    assert (body["type"], status) == (f"/problems/{code}", PROBLEMS[code].status), failed
    _check_mended(run(shown["mended"]), shown["mended"])


def test_what_needs_no_item_fails_and_is_mended(start: Start, run: Run) -> None:
    """On one server: each request provokes its problem, and mended it succeeds."""
    server = start("--workers", "1")
    for code in FROM_CLIENTS:
        if code not in WITH_ITEM_ONE:
            _check_both(server, run, code)


@pytest.mark.parametrize("code", WITH_ITEM_ONE)
def test_what_needs_item_one_fails_and_is_mended(start: Start, run: Run, code: str) -> None:
    """On a fresh server, whose first item is 1."""
    _check_both(start("--workers", "1"), run, code)


def test_what_no_client_provokes_says_what_to_send(start: Start, run: Run) -> None:
    """Those lines succeed once the server is well again."""
    server = start("--workers", "1")
    for code in PROBLEMS.keys() - set(FROM_CLIENTS):
        shown = _examples(server, code)
        assert shown["fails"] == ""
        _check_mended(run(shown["mended"]), shown["mended"])
