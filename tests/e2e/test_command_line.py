"""What commands say: of foreign text, of formats and owners, of addresses, and at Ctrl+C."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datas.cli.files import open_output
from datas.cli.text import printable, printable_lines
from tests.e2e.conftest import DEADLINE, Start, clean_environ, run_datas
from tests.postgres import QUICK, Postgres, running

pytestmark = pytest.mark.slow

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202e\udc80-\udcff]")
ESCAPES = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202e"


def on_terminal(folder: Path, *arguments: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "datas", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=clean_environ(), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    process.wait(DEADLINE)
    return shown.decode(errors="surrogateescape").replace("\r\n", "\n")


def test_text_that_could_control_a_terminal_is_shown_escaped() -> None:
    """Control characters, directions of writing, bytes that are no text; letters stay."""
    assert printable("Grüße, 世界 🙂") == "Grüße, 世界 🙂"
    assert printable("\x1b[31m\n\u202e\udcff") == r"\x1b[31m\n\u202e\udcff"
    assert printable_lines("a\nb\x07") == "a\nb\\x07"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", '{"\\u001b]0;title\\u0007\\u001b[31mred\\n": 1}\n'),
        ("a.csv", f"{ESCAPES}\nx\n"),
        (f"{ESCAPES}.csv", "data,data\n"),
    ],
)
def test_names_in_a_file_do_not_reach_the_terminal_raw(
    tmp_path: Path, name: str, content: str
) -> None:
    """Nor does a file's own name."""
    (tmp_path / name).write_text(content)
    for arguments in (["import", name], ["import", f"{name}.gone"], ["export", f"{name}/out"]):
        shown = on_terminal(tmp_path, *arguments)
        assert "Error" in shown
        assert not RAW.search(shown), shown


def test_paths_and_names_of_users_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    """In errors, in reports of success, and in what the doctor finds."""
    url = f"sqlite:///{ESCAPES}.db"
    (tmp_path / "a.ndjson").write_text('{"data": "x"}\n')
    for arguments in (
        ["user", "list", "--database", url],
        ["import", "a.ndjson", "--database", url],
        ["import", "a.ndjson", "--database", url, "--owner", ESCAPES],
        ["user", "add", ESCAPES],
        ["user", "list", "--database", url],
        ["backup", f"{ESCAPES}.copy", "--database", url],
        ["doctor", "--database", url],
        ["import", "a.ndjson", "--collection", ESCAPES, "--database", url],
    ):
        shown = on_terminal(tmp_path, *arguments)
        assert shown
        assert not RAW.search(shown), (arguments, shown)


def test_an_export_is_never_more_open_than_the_file_that_it_replaces(tmp_path: Path) -> None:
    """From the first moment; in the end it has that file's rights, those of a group too."""
    for mode in (0o600, 0o640, 0o666):
        (tmp_path / "out").write_text("before")
        (tmp_path / "out").chmod(mode)
        with open_output(str(tmp_path / "out")):
            [partial] = tmp_path.glob("*.partial")
            assert partial.stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "out").stat().st_mode & 0o777 == mode


def test_a_new_export_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    """From the first moment too."""
    before = os.umask(0o077)
    try:
        with open_output(str(tmp_path / "out")):
            [partial] = tmp_path.glob("*.partial")
            assert partial.stat().st_mode & 0o777 == 0o600
        os.umask(0o022)
        with open_output(str(tmp_path / "other")):
            [partial] = tmp_path.glob("*.partial")
            assert partial.stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_an_export_by_another_name_says_its_format(tmp_path: Path) -> None:
    """A name that has no known ending may promise another; one that was asked for needs no word."""
    (tmp_path / "in.ndjson").write_text('{"data": "x"}\n')
    assert run_datas(tmp_path, "import", "in.ndjson").returncode == 0
    for name, told in (("a.xlsx", True), ("a.json", True), ("a.ndjson", False), ("a.CSV", False)):
        done = run_datas(tmp_path, "export", name)
        assert done.returncode == 0
        assert (f"{name} is NDJSON" in done.stderr) is told
    assert "is NDJSON" not in run_datas(tmp_path, "export", "a.txt", "--format", "csv").stderr
    assert "is NDJSON" not in run_datas(tmp_path, "export", "-").stderr


@pytest.mark.parametrize("name", ["all.csv", "all.ndjson"])
def test_an_import_says_that_owners_are_left_out(tmp_path: Path, name: str) -> None:
    """How many lines named one, and which option sets one."""
    (tmp_path / "in.ndjson").write_text('{"data": "x"}\n{"data": "y", "owner": null}\n')
    (tmp_path / "password").write_text("correct horse\n")
    with (tmp_path / "password").open() as password:
        added = subprocess.run(
            [sys.executable, "-m", "datas", "user", "add", "alice"],
            cwd=tmp_path,
            env=clean_environ(),
            stdin=password,
            capture_output=True,
            check=False,
        )
    assert added.returncode == 0
    first = run_datas(tmp_path, "import", "in.ndjson", "--owner", "alice")
    assert "owner" not in first.stderr
    assert "owner" not in run_datas(tmp_path, "import", "in.ndjson").stderr
    assert run_datas(tmp_path, "export", name).returncode == 0
    for option in ("--dry-run", "--format=" + name[4:]):
        again = run_datas(tmp_path, "import", name, option)
        assert again.returncode == 0
        assert "Lines that name an owner: 2." in again.stderr
        assert "--owner NAME" in again.stderr
    assert "owner" not in run_datas(tmp_path, "import", name, "--owner", "alice").stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--port", "9000"], "--bind 127.0.0.1:9000"),
        (["-p", "9000"], "--bind 127.0.0.1:9000"),
        (["--host", "0.0.0.0"], "--bind 0.0.0.0:8000"),
    ],
)
def test_options_of_other_servers_lead_to_bind(
    tmp_path: Path, arguments: list[str], hint: str
) -> None:
    """Host and port are one option here."""
    refused = run_datas(tmp_path, "serve", *arguments)
    assert refused.returncode == 2
    assert hint in refused.stderr


@pytest.mark.parametrize("bind", ["localhost", "localhost:99999", ":8000"])
def test_an_address_is_refused_before_a_database_is_made(tmp_path: Path, bind: str) -> None:
    """A mistake in a command leaves nothing behind."""
    assert run_datas(tmp_path, "serve", "--bind", bind).returncode == 2
    assert run_datas(tmp_path, "doctor", "--bind", bind).returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_taken_port_says_how_to_choose_another(start: Start, tmp_path: Path) -> None:
    """Also for a server that make runs."""
    server = start("--workers", "1")
    refused = run_datas(tmp_path, "serve", "--bind", f"127.0.0.1:{server.port}")
    assert 'make run ARGS="--bind 127.0.0.1:9000"' in refused.stderr


def test_an_open_server_that_was_asked_for_gets_no_advice_to_ask_for_it(start: Start) -> None:
    """Only what else could be done."""
    server = start("--access", "open", "--bind", "0.0.0.0:0", "--workers", "1")
    server.stop()
    text = "".join(server.output)
    assert "You asked for it" in text
    assert "say so on the command line" not in text


@pytest.mark.slow
@pytest.mark.parametrize("command", ["export", "doctor", "migrate", "serve"])
def test_an_early_interrupt_shows_no_traceback(tmp_path: Path, command: str) -> None:
    """Whether it comes while modules are loaded, or later."""
    arguments = [sys.executable, "-X", "importtime", "-m", "datas", command]
    arguments += ["--bind", "127.0.0.1:0"] if command == "serve" else []
    for module in ("signal", "click", "datas.bootstrap", "peewee", "datas.operations.serving"):
        process = subprocess.Popen(
            arguments,
            cwd=tmp_path,
            env=clean_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        # Before the module `signal` is there, it is Python alone that runs.
        for line in process.stdout:
            if line.rstrip().endswith(f" {module}"):
                break
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=DEADLINE)
        assert "Traceback" not in shown, (module, shown[-2000:])


@pytest.mark.slow
def test_a_job_that_ignores_interrupts_goes_on(tmp_path: Path) -> None:
    """A shell lets its jobs in the background ignore Ctrl+C, also while modules are loaded."""
    job = 'trap "" INT; exec "$0" -X importtime -m datas openapi'
    with subprocess.Popen(
        ["sh", "-c", job, sys.executable],
        cwd=tmp_path,
        env=clean_environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.rstrip().endswith((" click", " peewee", " datas.operations.serving")):
                process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0


@pytest.mark.slow
def test_a_database_in_which_no_table_may_be_made_names_the_right(tmp_path: Path) -> None:
    """And the statement that grants it, which works."""
    with running(*QUICK) as postgres:
        _migrate_as_clerk(postgres, tmp_path)


def _migrate_as_clerk(postgres: Postgres, tmp_path: Path) -> None:
    postgres.ask("CREATE DATABASE narrow")
    postgres.ask("CREATE USER clerk PASSWORD 'secret'")
    postgres.ask("REVOKE ALL ON SCHEMA public FROM PUBLIC", "narrow")
    theirs = postgres.url("narrow").replace("//postgres:", "//clerk:")
    for grant in ("", "GRANT USAGE ON SCHEMA public TO clerk"):  # those of version 14 and before
        if grant:
            postgres.ask(grant, "narrow")
        refused = run_datas(tmp_path, "migrate", "--database", theirs)
        assert refused.returncode == 1
        assert "own the tables" not in refused.stderr
    [grant] = re.findall(r"GRANT .*", refused.stderr)
    postgres.ask(grant, "narrow")
    assert run_datas(tmp_path, "migrate", "--database", theirs).returncode == 0
