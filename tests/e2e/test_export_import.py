"""`datas export` and `datas import` where files are odd, disks are full, and things change."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datas.__main__ import main
from datas.cli import data
from datas.cli.files import open_output
from datas.domain.service import RecordService
from tests.e2e.conftest import DEADLINE, clean_environ, run_datas
from tests.e2e.test_bulk import lines, stored, until
from tests.served import PLURAL, RECORDS

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a database of thirty items, and the file that they came from."""
    (tmp_path / "in.ndjson").write_bytes(lines(30))
    assert run_datas(tmp_path, "import", "in.ndjson").returncode == 0
    return tmp_path


def _shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command, sys.executable],
        cwd=folder,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_an_export_follows_a_link_and_keeps_a_files_rights(folder: Path) -> None:
    """The link stays one; whoever could read the file before can read it after."""
    (folder / "real.ndjson").write_text("before")
    (folder / "real.ndjson").chmod(0o640)
    (folder / "link").symlink_to("real.ndjson")
    assert run_datas(folder, "export", "link").returncode == 0
    assert (folder / "link").is_symlink()
    assert len((folder / "real.ndjson").read_bytes().splitlines()) == 30
    assert (folder / "real.ndjson").stat().st_mode & 0o777 == 0o640


def test_an_export_goes_into_a_pipe_and_stays_away_from_others_files(folder: Path) -> None:
    """A pipe isn't replaced by a file; one that has `.partial` in its name is nobody's litter."""
    os.mkfifo(folder / "pipe")
    (folder / "pipe.partial").write_text("a file")
    (folder / "out.partial").mkdir()
    done = _shell(folder, 'cat pipe & "$0" -m datas export pipe && wait')
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 30)
    assert (folder / "pipe").is_fifo()
    assert run_datas(folder, "export", "out").returncode == 0
    assert (folder / "pipe.partial").read_text() == "a file"
    assert (folder / "out.partial").is_dir()


def test_an_export_to_a_folder_is_refused_before_any_item_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And in one line."""
    (folder / "there").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATAS_DATABASE_URL", "sqlite:///datas.db")
    monkeypatch.setattr(RecordService, "export", None)
    refused = CliRunner().invoke(main, ["export", "there"], catch_exceptions=False)
    told = "Error: there can't be written: Is a directory.\n"
    assert (refused.exit_code, refused.stderr) == (1, told)


def test_two_exports_to_one_file_at_once_each_write_their_own(folder: Path) -> None:
    """Whichever ends last gives the file its content, which is whole."""
    with open_output(str(folder / "out")) as first:
        first.write(b"first")
        with open_output(str(folder / "out")) as second:
            second.write(b"second")
        assert (folder / "out").read_bytes() == b"second"
    assert (folder / "out").read_bytes() == b"first"
    assert not list(folder.glob("*.partial"))


def test_an_export_that_is_terminated_leaves_nothing_behind(folder: Path) -> None:
    """What FILE was before, it is."""
    (folder / "out").write_text("before")
    (folder / "wait.py").write_text(
        "import time\n"
        "from datas.__main__ import main\n"
        "from datas.domain.service import RecordService\n"
        "RecordService.export = lambda *_, **__: iter(lambda: time.sleep(60) or [], None)\n"
        "main(['export', 'out'])\n"
    )
    process = subprocess.Popen([sys.executable, "wait.py"], cwd=folder, env=clean_environ())
    until(lambda: list(folder.glob("out.*.partial")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE) == 128 + signal.SIGTERM
    assert not list(folder.glob("out.*"))
    assert (folder / "out").read_text() == "before"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_export_to_a_full_disk_is_one_clear_line(folder: Path) -> None:
    """Python's own complaint at its end is kept back."""
    done = _shell(folder, '"$0" -m datas export >/dev/full')
    told = "Error: standard output can't be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_an_export_whose_reader_has_enough_ends_quietly(folder: Path) -> None:
    """As `head` does."""
    done = _shell(folder, '"$0" -m datas export | true')
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


def test_an_import_reads_pipes_that_have_names(folder: Path) -> None:
    """They can't be read twice, so that what comes is kept first."""
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(lines(30),))
    writer.start()
    assert run_datas(folder, "import", "pipe").stdout == f"{RECORDS} imported: 30.\n"
    writer.join(DEADLINE)
    piped = run_datas(folder, "import", "/dev/stdin", stdin=lines(5))
    assert (piped.returncode, piped.stdout) == (0, f"{RECORDS} imported: 5.\n")
    assert len(stored(folder)) == 65


def test_an_import_that_finds_no_room_for_what_comes_says_so(folder: Path) -> None:
    """A limit on the size of files stands for a full disk; nothing is stored."""
    (folder / "many").write_bytes(lines(100_000))
    done = _shell(folder, 'ulimit -f 200; cat many | "$0" -m datas import -')
    assert done.returncode == 1
    assert re.fullmatch(r"Error: the input can't be copied .+ TMPDIR .+\n", done.stderr)
    assert len(stored(folder)) == 30


def test_an_import_that_would_pass_over_more_than_there_is_is_refused(folder: Path) -> None:
    """It is the wrong file, or the wrong number; that of all items is neither."""
    refused = run_datas(folder, "import", "in.ndjson", "--skip", "31")
    told = f"Error: in.ndjson has only 30 {PLURAL}. Nothing was stored.\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", told)
    assert run_datas(folder, "import", "in.ndjson", "--skip", "30").returncode == 0


@pytest.fixture
def by_tens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten items in a transaction, in the folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATAS_DATABASE_URL", "sqlite:///datas.db")
    monkeypatch.setattr(data, "BATCH", 10)
    monkeypatch.setattr(data, "STEP", 5)
    return folder


def _import_while(monkeypatch: pytest.MonkeyPatch, happens: Any, *arguments: str) -> Result:
    """What an import says after whose first ten items something happens."""
    create_all = RecordService.create_all

    def create_and_happen(*args: Any, **kwargs: Any) -> int:
        count = create_all(*args, **kwargs)
        if happens:
            happens()
        return count

    with monkeypatch.context() as patch:
        patch.setattr(RecordService, "create_all", create_and_happen)
        return CliRunner().invoke(main, ["import", *arguments], catch_exceptions=False)


def _next_command(told: str) -> list[str]:
    return shlex.split(told.partition("To go on with the next: ")[2])


def test_what_leads_on_is_the_same_command_for_a_shell(
    by_tens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every option that was given, and names with blanks in quotes."""
    run_datas(by_tens, "user", "add", "alice", "--database", "sqlite:///o t.db", stdin=b"secret 12")
    (by_tens / "-in put.csv").write_text("data\n" + "hers\n" * 25)
    options = ["--format", "csv", "--owner", "Alice", "--database", "sqlite:///o t.db"]
    stop = lambda: os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
    done = _import_while(monkeypatch, stop, *options, "--skip", "3", "--", "-in put.csv")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {RECORDS} stored: 12. Then: Interrupted. To go on with")
    command = _next_command(done.stderr)
    assert command == [
        "datas",
        "import",
        "./-in put.csv",
        "--format=csv",
        "--owner=Alice",
        f"--database=sqlite:///{by_tens}/o t.db",
        "--skip",
        "15",
    ]
    assert run_datas(by_tens, *command[1:]).stdout == f"{RECORDS} imported: 10.\n"


def test_an_import_tells_what_is_stored_when_the_rest_is_refused(
    folder: Path,
) -> None:
    """Here the disk fails, by a limit on the size of files."""
    (folder / "many").write_bytes(lines(100_000))
    done = _shell(folder, 'ulimit -f 2500; "$0" -m datas import many')
    assert done.returncode == 1
    told = rf"Error: {RECORDS} stored: (\d+),000\. Then: The disk .+ To go on with the next: .+\n"
    found = re.fullmatch(told, done.stderr)
    assert found
    assert len(stored(folder)) == 30 + int(found[1]) * 1000 > 30
    assert _next_command(done.stderr)[1:] == ["import", "many", "--skip", f"{found[1]}000"]


def test_an_import_whose_owner_is_removed_meanwhile_says_what_is_stored(
    by_tens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ten were given to somebody else before."""
    for name in ("alice", "bob"):
        run_datas(by_tens, "user", "add", name, stdin=b"correct horse\n")

    def remove() -> None:
        assert not run_datas(by_tens, "user", "remove", "alice", "--give-to", "bob").returncode

    done = _import_while(monkeypatch, remove, "in.ndjson", "--owner", "alice")
    assert done.exit_code == 1
    assert re.match(
        rf"Error: {RECORDS} stored: 10\. Then: There is no user alice.+ To go", done.stderr
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"data": ""%s}\n' % (b" " * 51) * 3000, "data: must be 1 to"),
        (b"", "in.ndjson became shorter"),
    ],
    ids=["other", "shorter"],
)
def test_an_import_whose_file_changes_meanwhile_says_what_is_stored(
    by_tens: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, told: str
) -> None:
    """It was checked as it was before."""
    file = by_tens / "in.ndjson"
    file.write_bytes((b'{"data": "%s"}\n' % (b"x" * 51)) * 3000)  # 64 bytes, so that none is cut
    done = _import_while(monkeypatch, lambda: file.write_bytes(content), "in.ndjson")
    assert done.exit_code == 1
    assert told in done.stderr
    assert len(_next_command(done.stderr)) == 5
