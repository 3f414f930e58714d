"""`datas export` where files are odd and disks are full."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from datas.cli import data, main
from datas.domain.transfer import Transfer
from tests.e2e.conftest import DEADLINE, clean_environ, run_datas
from tests.e2e.test_bulk import lines, until


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
    monkeypatch.setattr(Transfer, "export", None)
    refused = CliRunner().invoke(main, ["export", "there"], catch_exceptions=False)
    told = "Error: there can't be written: Is a directory.\n"
    assert (refused.exit_code, refused.stderr) == (1, told)


def test_two_exports_to_one_file_at_once_each_write_their_own(folder: Path) -> None:
    """Whichever ends last gives the file its content, which is whole."""
    with data._written(str(folder / "out")) as first:  # noqa: SLF001
        first.write(b"first")
        with data._written(str(folder / "out")) as second:  # noqa: SLF001
            second.write(b"second")
        assert (folder / "out").read_bytes() == b"second"
    assert (folder / "out").read_bytes() == b"first"
    assert not list(folder.glob("*.partial"))


def test_an_export_that_is_terminated_leaves_nothing_behind(folder: Path) -> None:
    """What FILE was before, it is."""
    (folder / "out").write_text("before")
    (folder / "wait.py").write_text(
        "import time\n"
        "from datas.cli import main\n"
        "from datas.domain.transfer import Transfer\n"
        "Transfer.export = lambda *_, **__: iter(lambda: time.sleep(60) or [], None)\n"
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
