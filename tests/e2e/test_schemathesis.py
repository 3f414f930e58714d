"""A real server against its own OpenAPI document, with the shipped configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Server, Start
from tests.postgres import QUICK, running

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[2] / "schemathesis.toml"
EXAMPLES = 40  # of each operation, beside those that the document's bounds and examples make
TIME_LIMIT = 240.0  # seconds; it takes a quarter of that
TESTER = {"username": "tester", "password": "correct horse battery"}


def token(server: Server) -> str:
    """A token of a new user."""
    assert server.request("POST", "/api/users", TESTER).status == 201
    secret: str = server.request("POST", "/api/tokens", TESTER).json["data"]["token"]
    return secret


def test_nothing_is_found_from_outside(start: Start, tmp_path: Path) -> None:
    """Every check, in every phase, without a finding, a warning, or a traceback in the log."""
    examine(start(DATAS_ACCESS="authenticated", DATAS_REGISTRATION="open"), tmp_path)


def test_nothing_is_found_over_postgresql(start: Start, tmp_path: Path) -> None:
    """The same over the other kind of database, where users see their own items alone."""
    with running(*QUICK) as postgres:
        settings = {"DATAS_ACCESS": "private", "DATAS_REGISTRATION": "open"}
        examine(start(**settings, DATAS_DATABASE_URL=postgres.url()), tmp_path)


def examine(server: Server, folder: Path) -> None:
    """Run schemathesis with the shipped configuration against a server, then stop it."""
    arguments = ["--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"]
    result = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", str(SHIPPED), "run", *arguments),
            f"http://127.0.0.1:{server.port}/openapi.json",
        ],
        cwd=folder,
        env=os.environ | {"TOKEN": token(server)},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "No issues found" in result.stdout
    server.stop()
    assert "Traceback" not in "".join(server.output)
