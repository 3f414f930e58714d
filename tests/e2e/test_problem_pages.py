"""The requests on the problem pages, run as a reader would run them."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from datas.domain.items import ITEMS
from datas.http.items import ItemSchema
from datas.http.problems import read_problems
from datas.http.schemas import RecordBody
from tests.e2e.conftest import DEADLINE, Server, Start, clean_environ
from tests.served import ROUTE

PROBLEMS = read_problems([RecordBody(ITEMS, ItemSchema)])

FROM_CLIENTS = [code for code, problem in PROBLEMS.items() if problem.fails]
# These start from a server of their own, or from an item 1 that nobody has touched.
ON_A_FRESH_SERVER = [
    code for code in FROM_CLIENTS if PROBLEMS[code].server or f"{ROUTE}/1" in PROBLEMS[code].mended
]
# Each curl tells its status; the lines of a page are written for a shell that finds `datas`.
CURLRC = 'silent\nwrite-out = "%{stderr}%{http_code}\\n"\n'
DATAS = f'datas() {{ {shlex.quote(sys.executable)} -m datas "$@"; }}\n'
MENDED = "---- mended ----"


class Ran(NamedTuple):
    """What a few lines of shell did: their exit code, output, and the status that each curl got."""

    exit_code: int
    output: str
    statuses: list[int]


Run = Callable[[str], Ran]


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs shell lines as they are, in the folder of the server."""
    curl_home = tmp_path_factory.mktemp("curl")
    curl_home.joinpath(".curlrc").write_text(CURLRC)

    def run_lines(lines: str) -> Ran:
        done = subprocess.run(
            ["bash", "-c", DATAS + lines],
            cwd=tmp_path,
            env=clean_environ() | {"CURL_HOME": os.fspath(curl_home)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        statuses = [int(line) for line in done.stderr.split() if line.isdigit()]
        return Ran(done.returncode, done.stdout, statuses)

    return run_lines


def _start_as_shown(start: Start, run: Run, lines: str) -> Server:
    """A server that is started as these lines do, whose last is `[NAME=VALUE] datas serve …`."""
    *before, last = lines.splitlines() or ["datas serve --access open"]
    assert run("\n".join(["set -e", *before])).exit_code == 0
    assignments, arguments = last.split("datas serve")
    environ = dict(word.split("=", 1) for word in assignments.split())
    return start("--workers", "1", *arguments.split(), **environ)


def _examples(server: Server, code: str) -> dict[str, Any]:
    """What the page of this server says."""
    page = server.request("GET", f"/problems/{code}", headers={"Accept": "application/json"})
    shown: dict[str, Any] = page.json
    return shown


def _succeeded(statuses: list[int]) -> bool:
    return all(200 <= status < 300 or status == 304 for status in statuses)


def _check_both(server: Server, run: Run, code: str) -> None:
    """In one shell: the last request of one fails with this problem, all of the other succeed."""
    shown = _examples(server, code)
    ran = run(f"{shown['fails']}\necho '{MENDED}'\n{shown['mended']}")
    failed, _ = ran.output.split(MENDED)
    body = json.loads(failed[failed.rindex('{"type"') :])
    assert body["type"] == f"/problems/{code}", ran
    requests_to_mend = shown["mended"].count("curl ")
    *before, status = ran.statuses[:-requests_to_mend]
    assert status == PROBLEMS[code].status, ran
    if code == "too-many-attempts":
        assert before == [201, 401, 401, 401, 401, 401]
    else:
        assert len(before) == shown["fails"].count("curl ") - 1, ran
        assert _succeeded(before), ran
    assert ran.exit_code == 0, ran
    assert _succeeded(ran.statuses[-requests_to_mend:]), ran


@pytest.mark.slow
def test_what_needs_nothing_fails_and_is_mended(start: Start, run: Run) -> None:
    """On one server in open mode: each request provokes its problem, and mended it succeeds."""
    server = _start_as_shown(start, run, "")
    for code in FROM_CLIENTS:
        if code not in ON_A_FRESH_SERVER:
            _check_both(server, run, code)


@pytest.mark.slow
@pytest.mark.parametrize("code", ON_A_FRESH_SERVER)
def test_what_needs_a_fresh_server_fails_and_is_mended(start: Start, run: Run, code: str) -> None:
    """On a server that is started as the page shows, or in open mode, and whose first item is 1."""
    _check_both(_start_as_shown(start, run, PROBLEMS[code].server), run, code)


@pytest.mark.slow
def test_what_no_client_provokes_says_what_to_send(start: Start, run: Run) -> None:
    """Those lines succeed once the server is well again."""
    server = _start_as_shown(start, run, "")
    for code in PROBLEMS.keys() - set(FROM_CLIENTS):
        shown = _examples(server, code)
        assert shown["fails"] == ""
        ran = run(shown["mended"])
        assert ran.exit_code == 0
        assert len(ran.statuses) == shown["mended"].count("curl ")
        assert _succeeded(ran.statuses)
