"""`datas backup` and `datas restore`: real files, servers that write, processes that are killed."""

import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import click
import pytest
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose
from playhouse.migrations import Runner

from datas.adapters.sql.migrate import DATAS
from datas.adapters.sql.sqlite import SqliteEngine
from datas.bootstrap import open_service
from datas.database_urls import open_database
from datas.domain.errors import CopyFailed
from datas.domain.items import ItemDraft
from datas.operations import sqlite_copy
from datas.operations.backup import refuse_postgresql
from datas.operations.sqlite_copy import back_up, restore_backup
from tests.e2e.conftest import DEADLINE, Start, clean_environ, request, run_datas
from tests.postgres import missing
from tests.served import RECORDS, ROUTE

MANY = 50_000  # items of a database that takes a while to copy and to check
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _fill(path: Path, texts: Iterable[str]) -> Path:
    """A database with an item for each text."""
    database = open_database(_url(path))
    database.bring_up()
    moment = "2026-11-22T16:00:00.000000Z"
    with database.atomic():
        database.peewee.connection().executemany(
            "INSERT INTO datas (data, date_created, date_updated, version) VALUES (?, ?, ?, 1)",
            ((text, moment, moment) for text in texts),
        )
    database.close()
    return path


def _texts(path: Path) -> list[str]:
    """What the items of a whole database say, by id."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [text for (text,) in connection.execute("SELECT data FROM datas ORDER BY id")]


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_a_backup_while_clients_write_holds_all_that_they_were_promised(
    start: Start, tmp_path: Path
) -> None:
    """It is whole, has every item that was acknowledged before it began, and is for us alone."""
    server = start("--workers", "2")
    promised: list[str] = []
    enough, stop = threading.Event(), threading.Event()

    def write(name: str) -> None:
        with closing(server.connect()) as connection:
            for number in range(100_000):
                text = f"{name}{number}"
                assert request(connection, "POST", ROUTE, {"data": text}).status == 201
                promised.append(text)
                if number == 20:
                    enough.set()
                if stop.is_set():
                    return

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    assert enough.wait(DEADLINE)
    before = list(promised)
    done = run_datas(tmp_path, "backup", "copy.db")
    stop.set()
    for writer in writers:
        writer.join(DEADLINE)
    kept, copy = _texts(tmp_path / "copy.db"), tmp_path / "copy.db"
    assert set(before) <= set(kept)
    assert len(kept) == len(set(kept)) < len(promised)
    told = f"{RECORDS} backed up: {len(kept):,}, in {copy} ({copy.stat().st_size:,} bytes).\n"
    assert (done.returncode, done.stderr, done.stdout) == (0, "", told)
    assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_backup_comes_to_an_end_however_often_others_write(tmp_path: Path) -> None:
    """A commit between any two of its steps neither starts it anew nor gets into it."""
    path = _fill(tmp_path / "datas.db", (f"{number:0200}" for number in range(30_000)))
    stop, written = threading.Event(), [0]

    def write() -> None:
        with open_service(_url(path)) as items:
            while not stop.is_set():
                items.create(ItemDraft("later"))
                written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written[0]:
            time.sleep(0.001)
        copy = back_up(path, tmp_path / "copy.db")
    finally:
        stop.set()
        writer.join(DEADLINE)
    assert 30_000 < copy.rows["datas"] == len(_texts(copy.path)) < 30_000 + written[0]


def test_a_backup_is_one_file_for_its_owner_alone(tmp_path: Path) -> None:
    """Not in WAL mode, which needs files beside it even to read; and it holds password hashes."""
    path = _fill(tmp_path / "datas.db", ["one"])
    names = _names(tmp_path)
    copy = back_up(path, tmp_path / "copy.db").path
    assert path.read_bytes()[18:20] == b"\2\2"
    assert copy.read_bytes()[18:20] == b"\1\1"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert _names(tmp_path) - names == {"copy.db"}


@pytest.mark.slow
def test_restored_items_are_served(start: Start, tmp_path: Path) -> None:
    """On a machine that had no database; the backup is a single file, and stays as it was."""
    here, there = tmp_path / "here", tmp_path
    here.mkdir()
    copy = here / "ö ?#%.db"
    back_up(_fill(here / "datas.db", ["one", "two"]), copy)
    content = copy.read_bytes()
    done = run_datas(there, "restore", str(copy))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        rf"{RECORDS} restored: 2, in .+/datas\.db \([\d,]+ bytes\)\.\n", done.stdout
    )
    found = start("--workers", "1").request("GET", ROUTE).json
    assert [item["data"] for item in found["data"]] == ["one", "two"]
    assert copy.read_bytes() == content
    assert (there / "datas.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_database_that_a_server_has_open_is_not_replaced(start: Start, tmp_path: Path) -> None:
    """Even with --force: it says to stop the server; after that it works."""
    back_up(_fill(tmp_path / "other.db", ["old"]), tmp_path / "copy.db")
    server = start("--workers", "1")
    server.request("POST", ROUTE, {"data": "new"})
    refused = run_datas(tmp_path, "restore", "copy.db", "--force")
    assert refused.returncode == 1
    assert re.fullmatch(r"Error: .+/datas\.db is in use.+ Stop the server.+\n", refused.stderr)
    server.request("POST", ROUTE, {"data": "newer"})
    server.stop()
    assert _texts(tmp_path / "datas.db") == ["new", "newer"]
    assert run_datas(tmp_path, "restore", "copy.db", "--force").returncode == 0
    assert _texts(tmp_path / "datas.db") == ["old"]


def test_a_database_that_is_in_use_is_not_replaced(tmp_path: Path) -> None:
    """Any open connection that has read it counts, though it does nothing now."""
    copy = _fill(tmp_path / "copy.db", ["old"])
    path = _fill(tmp_path / "datas.db", ["new"])
    with open_service(_url(path)) as items:
        with pytest.raises(CopyFailed, match=r"datas\.db is in use"):
            restore_backup(path, copy, force=True)
        items.create(ItemDraft("newer"))
    assert _texts(path) == ["new", "newer"]


def test_a_backup_does_not_replace_a_database_that_is_in_use(tmp_path: Path) -> None:
    """Another server's, say: its WAL would be applied to the backup."""
    path = _fill(tmp_path / "datas.db", ["one"])
    other = _fill(tmp_path / "other.db", ["two"])
    with open_service(_url(other)), pytest.raises(CopyFailed, match=r"other\.db is in use"):
        back_up(path, other)
    assert _texts(other) == ["two"]


def test_a_restore_waits_for_its_turn(tmp_path: Path) -> None:
    """A server that starts brings up its database in a turn: it isn't replaced in the middle."""
    copy = _fill(tmp_path / "copy.db", ["old"])
    path = _fill(tmp_path / "datas.db", ["new"])
    restoring = threading.Thread(target=restore_backup, args=(path, copy), kwargs={"force": True})
    engine = SqliteEngine(path)
    engine.prepare()
    with engine.write_lock():
        restoring.start()
        restoring.join(0.2)
        assert _texts(path) == ["new"]
    restoring.join(DEADLINE)
    assert _texts(path) == ["old"]


def test_a_database_is_replaced_only_by_force(tmp_path: Path) -> None:
    """Without --force it says how, and nothing is changed."""
    copy = _fill(tmp_path / "copy.db", ["old"])
    path = _fill(tmp_path / "datas.db", ["new"])
    with pytest.raises(CopyFailed, match=r"exists.+--force.+datas backup"):
        restore_backup(path, copy)
    assert _texts(path) == ["new"]
    assert restore_backup(path, copy, force=True).rows["datas"] == 1
    assert _texts(path) == ["old"]


def test_a_restored_database_keeps_its_owner(tmp_path: Path) -> None:
    """The user that runs the server, when root restores."""
    if os.geteuid():
        missing("root, who can give files away")
    copy, path = _fill(tmp_path / "copy.db", ["old"]), _fill(tmp_path / "datas.db", ["new"])
    os.chown(path, 65534, 65534)
    restore_backup(path, copy, force=True)
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_nothing_of_the_replaced_database_gets_into_the_restored_one(tmp_path: Path) -> None:
    """A killed server leaves a WAL, which SQLite would apply to any file of that name."""
    path = _killed_server(tmp_path, "datas.db", "new")
    copy = _fill(tmp_path / "copy.db", ["old"])
    restore_backup(path, copy, force=True)
    assert not {"datas.db-wal", "datas.db-shm"} & _names(tmp_path)
    assert _texts(path) == ["old"]


@pytest.mark.parametrize("side", ["-wal", "-journal"])
def test_what_is_left_of_a_database_that_is_gone_is_lost_only_by_force(
    tmp_path: Path, side: str
) -> None:
    """Its file was moved aside after a crash: SQLite would apply the rest to the restored one."""
    path, copy = tmp_path / "datas.db", _fill(tmp_path / "copy.db", ["old"])
    left = Path(f"{path}{side}")
    _killed_server(tmp_path, "gone.db", "new").with_name("gone.db-wal").rename(left)
    content = left.read_bytes()
    with pytest.raises(CopyFailed, match=rf"datas\.db{side} may hold.+ Move it.+ --force"):
        restore_backup(path, copy)
    with pytest.raises(CopyFailed, match=rf"datas\.db{side} may hold.+ Move it"):
        back_up(copy, path)
    assert left.read_bytes() == content
    assert not path.exists()
    restore_backup(path, copy, force=True)
    assert not left.exists()
    assert _texts(path) == ["old"]


def test_an_index_of_a_wal_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    """A left-over `-shm` by itself needs no --force, and goes."""
    path, copy = tmp_path / "datas.db", _fill(tmp_path / "copy.db", ["old"])
    Path(f"{path}-shm").write_bytes(b"\1" * 32768)
    Path(f"{path}-wal").touch()
    restore_backup(path, copy)
    assert not {"datas.db-wal", "datas.db-shm"} & _names(tmp_path)
    assert _texts(path) == ["old"]


def test_a_database_that_is_made_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts while the backup is copied, say, and gets its first item."""
    path, copy = tmp_path / "datas.db", _fill(tmp_path / "copy.db", ["old"])
    check = sqlite_copy._check  # noqa: SLF001

    def check_and_fill(*arguments: Any) -> None:
        check(*arguments)
        _fill(path, ["new"])

    monkeypatch.setattr(sqlite_copy, "_check", check_and_fill)
    with pytest.raises(CopyFailed, match=r"datas\.db exists.+--force"):
        restore_backup(path, copy)
    assert _texts(path) == ["new"]


def test_a_file_without_content_is_replaced_without_force(tmp_path: Path) -> None:
    """It holds nothing to lose."""
    path, copy = tmp_path / "datas.db", _fill(tmp_path / "copy.db", ["old"])
    path.touch()
    restore_backup(path, copy)
    assert _texts(path) == ["old"]


@pytest.mark.parametrize("damage", [b"no database at all" * 500, b""], ids=["damaged", "empty"])
def test_a_damaged_database_is_restored(tmp_path: Path, damage: bytes) -> None:
    """That is what backups are for; the WAL that lay beside it is gone with it."""
    path = _killed_server(tmp_path, "datas.db", "new")
    copy = _fill(tmp_path / "copy.db", ["old"])
    path.write_bytes(damage)
    restore_backup(path, copy, force=True)
    assert _texts(path) == ["old"]


def test_a_backup_that_is_damaged_is_refused(tmp_path: Path) -> None:
    """Damage deep inside is found before the database is touched; nothing is left behind."""
    path = _fill(tmp_path / "datas.db", ["new"])
    copy = _fill(tmp_path / "copy.db", (f"{number:060}" for number in range(5000)))
    content = bytearray(copy.read_bytes())
    page = content.index(b"%060d" % 2500) // 4096 * 4096
    content[page : page + 4096] = bytes(4096)
    copy.write_bytes(content)
    names = _names(tmp_path)
    with pytest.raises(CopyFailed, match=r"copy\.db is damaged"):
        restore_backup(path, copy, force=True)
    assert _texts(path) == ["new"]
    assert _names(tmp_path) == names


def test_a_backup_of_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """By the first use after the restore; one of a newer schema is refused."""
    path, copy = tmp_path / "datas.db", tmp_path / "copy.db"
    copy.touch()
    old = open_database(_url(copy)).peewee
    Runner(old, str(DATAS.folder)).up("0001_items")
    old.close()
    restore_backup(path, copy)
    with open_service(_url(path)) as items:
        assert items.create(ItemDraft("hello")).owner is None
    insert = "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')"
    with closing(sqlite3.connect(copy)) as newer, newer:
        newer.execute(insert)
    with pytest.raises(CopyFailed, match=r"copy\.db was written by a newer Datas.+9999_future"):
        restore_backup(path, copy, force=True)


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_the_old_one(tmp_path: Path) -> None:
    """SIGKILL while it copies: FILE is as it was; the next backup clears up what was left."""
    path = _fill(tmp_path / "datas.db", (f"{number:060}" for number in range(MANY)))
    copy = tmp_path / "copy.db"
    back_up(_fill(tmp_path / "small.db", ["old"]), copy)
    content, names = copy.read_bytes(), _names(tmp_path)
    process = _start(tmp_path, "backup", "copy.db")
    _kill_when(process, lambda: any(p.stat().st_size for p in tmp_path.glob("*.datas-copy/copy")))
    assert process.returncode == -9
    assert copy.read_bytes() == content
    [left] = _names(tmp_path) - names - {"datas.db-wal", "datas.db-shm"}
    assert re.fullmatch(r"copy\.db\.\w{8}\.datas-copy", left)
    assert back_up(path, copy).rows["datas"] == MANY
    assert _names(tmp_path) - {"datas.db-wal", "datas.db-shm"} == names


def test_two_backups_to_one_file_at_once_both_come_to_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither takes the other's copy for one that a killed process left; the later one stays."""
    path, copy = _fill(tmp_path / "datas.db", ["one"]), tmp_path / "copy.db"
    check, inner = sqlite_copy._check, []  # noqa: SLF001

    def check_and_back_up(*arguments: Any) -> None:
        monkeypatch.undo()
        inner.append(back_up(path, copy))
        check(*arguments)

    monkeypatch.setattr(sqlite_copy, "_check", check_and_back_up)
    assert [back_up(path, copy)] == inner
    assert _texts(copy) == ["one"]
    assert not list(tmp_path.glob("copy.db.*"))


def test_a_backup_waits_for_another_to_get_its_name(tmp_path: Path) -> None:
    """Who replaces FILE at this moment, and needs it alone, is no server that must be stopped."""
    path, copy = _fill(tmp_path / "datas.db", ["one"]), tmp_path / "copy.db"
    back_up(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        ending = threading.Timer(0.3, other.rollback)
        ending.start()
        assert back_up(path, copy).rows["datas"] == 1
        ending.join(DEADLINE)


def test_a_backup_removes_no_folder_but_its_own(tmp_path: Path) -> None:
    """Whatever the name of others is, and what they hold."""
    path = _fill(tmp_path / "datas.db", ["one"])
    for name in ("copy.db.november.partial", "copy.db.november.datas-copy", "copy.db.december"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "copy").write_text("photographs")
    mixed = tmp_path / "copy.db.12345678.datas-copy"
    mixed.mkdir()
    for name in ("lock", "copy", "my notes"):
        (mixed / name).touch()
    before = set(tmp_path.rglob("*"))
    back_up(path, tmp_path / "copy.db")
    assert before <= set(tmp_path.rglob("*"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_wherever_it_is_killed_there_is_the_old_or_the_new(tmp_path: Path, command: str) -> None:
    """At each line in its turn: whole, with all that its WAL had, and nothing of the other."""
    target, other = tmp_path / "target.db", _fill(tmp_path / "other.db", ["new"])
    old = _killed_server(tmp_path, "old.db", "old")
    found: list[list[str]] = []
    line, ended = 0, False
    while not ended:
        for left in tmp_path.glob("target.db-*"):
            left.unlink()
        for unlocked in tmp_path.glob("target.db.*.datas-copy"):
            if not (unlocked / "lock").exists():  # nothing is in it yet, and it stays
                assert sum(path.stat().st_size for path in unlocked.iterdir()) == 0
                shutil.rmtree(unlocked)
        for side in ("", "-wal"):
            shutil.copy(f"{old}{side}", f"{target}{side}")
        line += 1
        process = FORKS.Process(target=_work, args=(line, command, other, target))
        process.start()
        process.join(DEADLINE)
        assert process.exitcode in (0, -signal.SIGKILL)
        ended = process.exitcode == 0
        found.append(_texts(target))
    assert not list(tmp_path.glob("target.db.*"))
    changed = found.index(["new"])
    assert found == [["old", "in the WAL"]] * changed + [["new"]] * (line - changed)
    assert 40 < changed < line - 1


def _work(line: int, command: str, other: Path, target: Path) -> None:
    """Another process's work, which kills itself when it comes to a line, counted from one."""
    left = [line]

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if Path(frame.f_code.co_filename) != Path(sqlite_copy.__file__):
            return None
        left[0] -= event == "line"
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    if command == "backup":
        back_up(other, target)
    else:
        restore_backup(target, other, force=True)


def _killed_server(folder: Path, name: str, text: str) -> Path:
    """A database as a killed server leaves it: what it wrote last is in its WAL alone."""
    living, path = _fill(folder / "living.db", [text]), folder / name
    with open_service(_url(living)) as items:
        items.create(ItemDraft("in the WAL"))
        for side in ("", "-wal"):
            shutil.copy(f"{living}{side}", f"{path}{side}")
    assert Path(f"{path}-wal").stat().st_size
    return path


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "datas", *arguments]
    return subprocess.Popen(command, cwd=folder, env=clean_environ(), stdout=subprocess.DEVNULL)


def _kill_when(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    """Kill it at a moment, or let it come to its end before."""
    while process.poll() is None and not reached():
        time.sleep(0.0005)
    process.kill()
    process.wait(DEADLINE)


@pytest.mark.parametrize("command", ["backup", pytest.param("restore", marks=pytest.mark.slow)])
def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path, command: str) -> None:
    """Here a limit on the size of files stands for it; no part of a copy stays."""
    large = _fill(tmp_path / "large.db", map(str, range(5000)))
    target = _fill(tmp_path / "target.db", ["old"])
    content, names = target.read_bytes(), _names(tmp_path)
    ends = (_url(large), target) if command == "backup" else (_url(target), large)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 100; exec "$@"', "-", sys.executable, "-m", "datas", command]
        + ["--database", ends[0], str(ends[1])]
        + ["--force"] * (command == "restore"),
        cwd=tmp_path,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: .+/target\.db can't be written: .+ have room .+\n", done.stderr)
    assert target.read_bytes() == content
    assert _names(tmp_path) <= names | {"target.db-lock", "target.db-queue"}


REFUSED = [
    (["backup", "absent/copy.db"], r"absent/copy\.db can't be written: No such file.+must exist"),
    (["backup", "folder"], "folder is no file"),
    (["backup", "datas.db"], "datas.db is the database itself"),
    (["backup", "datas.db-wal"], "datas.db-wal is the database itself, or a part"),
    (["backup", "link.db"], "link.db is the database itself"),
    (["backup", "copy.db", "--database", "sqlite:///no.db"], r"no\.db can't be read: No such file"),
    (["backup", "copy.db", "--database", "sqlite:///folder"], "folder is no file"),
    (["restore", "absent.db"], r"absent\.db can't be read: No such file"),
    (["restore", "folder"], "folder is no file"),
    (["restore", "text"], "text can't be read: file is not a database.+database of Datas"),
    (["restore", "empty"], "empty is no database of Datas"),
    (["restore", "other.db"], r"other\.db is no database of Datas"),
    (["restore", "copy.db", "--database", "sqlite:///absent/x.db"], r"absent/x\.db can't be writ"),
    (["restore", "datas.db", "--database", "sqlite:///datas.db"], "the database itself"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database and what isn't one, for what changes nothing."""
    home = tmp_path_factory.mktemp("home")
    _fill(home / "datas.db", ["one"])
    (home / "link.db").symlink_to("datas.db")
    (home / "folder").mkdir()
    (home / "text").write_text("hello")
    (home / "empty").touch()
    _fill(home / "copy.db", ["two"])
    with closing(sqlite3.connect(home / "other.db")) as other:
        other.execute("CREATE TABLE birds (name)")
    return home


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "told"), REFUSED, ids=[" ".join(a) for a, _ in REFUSED])
def test_what_is_refused_is_one_line_that_says_what_to_do(
    folder: Path, arguments: Sequence[str], told: str
) -> None:
    """Exit code 1, nothing on standard output, no traceback, and nothing new in the folder."""
    names = _names(folder)
    url = "sqlite:///new.db" if arguments[0] == "restore" else "sqlite:///datas.db"
    done = run_datas(folder, *arguments, DATAS_DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"Error: .*{told}.*\n", done.stderr)
    assert _names(folder) == names


def test_for_postgresql_they_say_what_to_run_instead() -> None:
    """The line takes the file's name as it is, and shows no password."""
    with pytest.raises(click.ClickException, match=r"pg_dump 'a b' ") as caught:
        refuse_postgresql("postgresql://me:secret@host/datas", "pg_dump {0} …", Path("a b"))
    assert "secret" not in str(caught.value)
    refuse_postgresql("sqlite:///datas.db", "", Path("a"))
