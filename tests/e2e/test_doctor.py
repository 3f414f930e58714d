"""`datas doctor` over faults planted from outside: each is found, and nothing is changed."""

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from peewee import sqlite3  # type: ignore[attr-defined]  # the driver that Peewee chose

from datas.__main__ import main
from datas.bootstrap import open_service
from datas.domain.items import ItemDraft
from datas.operations.checks import ALL, storage
from datas.operations.sqlite_copy import back_up
from datas.settings import variable_names
from tests.e2e.conftest import DEADLINE, Start, run_datas
from tests.postgres import QUICK, Postgres, missing, running
from tests.served import ROUTE

HOUR = 3600
# Every remedy names one: something to run, to set, or to name on the command line.
COMMANDS = r"datas \w+|chmod|chown|du |psql|pip|sudo|unset|ALTER|DATAS_|--\w+|PGPASS"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])

Found = dict[str, list[tuple[str, str]]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one that nobody else may read, where no setting is made."""
    for name in [*variable_names(), *(name for name in os.environ if name.startswith("DATAS_"))]:
        monkeypatch.setenv(name, "")  # so that what a test leaves is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o700)
    return tmp_path


@cache
def contents() -> tuple[bytes, bytes]:
    """A database with an item, as a server that was stopped leaves it, and a backup of it."""
    with tempfile.TemporaryDirectory() as name:
        path, copy = Path(name, "datas.db"), Path(name, "copy.db")
        with open_service(f"sqlite:///{path}") as items:
            items.create(ItemDraft("hello"))
        back_up(path, copy)
        return path.read_bytes(), copy.read_bytes()


def make(path: Path, content: bytes | None = None) -> Path:
    """A database, for its owner alone."""
    path.touch(0o600)
    path.write_bytes(content or contents()[0])
    return path


@pytest.fixture
def db(folder: Path) -> Path:
    """A healthy database, and a backup of it in `backups`."""
    (folder / "backups").mkdir()
    make(folder / "backups/copy.db", contents()[1])
    make(folder / "datas.db-lock", b"-")
    return make(folder / "datas.db")


def told(printed: str) -> Found:
    """What is told, by check: the sign, and all the text; each fault has a remedy to act by."""
    found: Found = {}
    pattern = r"^(ok|warning|fault) +(\w+): (.*)(?:\n {9}(\S.*))?$"
    for sign, name, text, remedy in re.findall(pattern, printed, re.MULTILINE):
        assert bool(remedy) == (sign != "ok"), text
        assert not remedy or re.search(COMMANDS, remedy), remedy
        found.setdefault(name, []).append((sign, f"{text} {remedy}"))
    return found


def diagnosis(*arguments: str, code: int | None = None) -> Found:
    """What `datas doctor` tells, beginning with the exit code that it must have."""
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found = told(result.stdout)
    signs = [sign for each in found.values() for sign, _ in each]
    assert result.exit_code == ("fault" in signs if code is None else code), result.output
    lines = len(result.stdout.splitlines())
    assert lines == 2 * len(signs) - signs.count("ok") + 1, result.stdout
    faults, warnings = signs.count("fault"), signs.count("warning")
    summary = f"Faults: {faults}, warnings: {warnings}." if faults + warnings else "All is well."
    assert result.stdout.endswith(f"\n{summary}\n")
    return found


def wrong(found: Found) -> dict[str, str]:
    """The checks that found something, each with all that it tells."""
    return {
        name: "\n".join(f"{sign}: {text}" for sign, text in each if sign != "ok")
        for name, each in found.items()
        if any(sign != "ok" for sign, _ in each)
    }


def snapshot(folder: Path) -> dict[Path, tuple[object, ...]]:
    """Every file with its bytes, its date of change, its rights and its owner."""
    return {
        path: (path.is_file() and path.read_bytes(), found.st_mtime_ns, found.st_mode, found.st_uid)
        for path in [folder, *folder.rglob("*")]
        if (found := path.lstat())
    }


def change(path: Path, *statements: str) -> None:
    """Run statements on a database, past Datas."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_healthy_database_has_no_fault(db: Path, folder: Path) -> None:
    """And no warning; a line for each check; nothing is changed or made, not even beside it."""
    before = snapshot(folder)
    found = diagnosis("--backups", "backups")
    assert wrong(found) == {}
    assert set(found) == {check.__name__ for check in ALL}
    assert snapshot(folder) == before


@pytest.mark.slow
def test_it_looks_while_a_server_writes(start: Start, folder: Path) -> None:
    """As a process of its own: no fault, no byte changed, not even the WAL's index."""
    server = start("--workers", "1")
    (folder / "backups").mkdir()
    for number in range(50):
        assert server.request("POST", ROUTE, {"data": f"{number}"}).status == 201
    run_datas(folder, "backup", "backups/copy.db")
    # A reader of what is new would mark in the index how far it reads.
    assert server.request("POST", ROUTE, {"data": "new"}).status == 201
    before = snapshot(folder)
    assert folder / "datas.db-shm" in before
    done = run_datas(folder, "doctor", "--backups", "backups/copy.db", HOME=str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert wrong(told(done.stdout)) == {}
    assert snapshot(folder) == before
    assert server.request("POST", ROUTE, {"data": "later"}).status == 201


def test_what_a_killed_server_left_is_read_and_stays(folder: Path) -> None:
    """The WAL has what was written last, and a new clock's date; its index may be missing."""
    killed = folder / "killed"
    killed.mkdir()
    with open_service("sqlite:///living.db") as items:
        items.create(ItemDraft("in the WAL"))
        for side in ("", "-wal", "-shm"):
            shutil.copy(f"living.db{side}", f"{killed}/datas.db{side}")
    change(living := folder / "living.db", "UPDATE datas SET data = 'later'")
    del living
    before = snapshot(killed)
    assert wrong(diagnosis("--database", "sqlite:///killed/datas.db")).keys() == {"backups"}
    assert snapshot(killed) == before
    (killed / "datas.db-shm").unlink()
    before = snapshot(killed)
    found = wrong(diagnosis("--database", "sqlite:///killed/datas.db"))
    assert "datas.db-wal" in found["database"]
    assert snapshot(killed) == before


def test_all_settings_are_looked_at_at_once(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each bad value is a fault, an unknown name a warning; the database is looked at too."""
    bad = {"DATAS_ACCESS": "Open", "DATAS_TOKEN_DAYS": "1.5", "DATAS_CORS_ORIGINS": "x/"}
    for name, value in (bad | {"DATAS_REGISTRATOIN": "open", "DATAS_XYZ": ""}).items():
        monkeypatch.setenv(name, value)
    found = diagnosis("--backups", "backups", code=1)
    lines = wrong(found)["settings"].splitlines()
    assert [line.split(":")[0] for line in lines] == ["warning", "warning", *["fault"] * 3]
    assert "Do you mean DATAS_REGISTRATION?" in lines[0]
    assert "DATAS_ACCESS: 'Open' can't be used" in wrong(found)["settings"]
    assert "unset DATAS_TOKEN_DAYS" in wrong(found)["settings"]
    assert wrong(found).keys() == {"settings"}
    assert "integrity" in found


def test_no_other_database_is_looked_at_in_the_place_of_one_that_is_none(db: Path) -> None:
    """A URL that can't be used names none: what is told of the default one would mislead."""
    found = diagnosis("--database", "mysql://me:hunter2@host/x", code=1)
    assert "'mysql' is no database" in wrong(found)["settings"]
    assert "hunter2" not in str(found)
    assert "database" not in found


OUTSIDE: list[tuple[dict[str, str], list[str], str, str]] = [
    ({"ACCESS": "open"}, [], "access", "fault: In open mode anybody .+ datas user add .+--access"),
    ({}, ["--access", "open"], "access", "warning: In open mode anybody who reaches 0.0.0.0:80"),
    ({"EXPLAIN": "true"}, [], "access", "warning: DATAS_EXPLAIN .+ unset DATAS_EXPLAIN"),
    ({"REGISTRATION": "open"}, [], "access", "warning: Anybody .+ DATAS_REGISTRATION=closed"),
    ({"ALLOWED_HOSTS": ""}, [], "hosts", "warning: .+ localhost alone.+ DATAS_ALLOWED_HOSTS="),
    (
        {"ACCESS": "open", "TRUSTED_PROXIES": "1"},
        ["--bind", "127.0.0.1:80"],
        "access",
        "warning: In open mode anybody",
    ),
]


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_is_open_to_others_is_told(
    case: tuple[dict[str, str], list[str], str, str], db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On every address, and for a name that others know; nothing else is wrong with it."""
    settings, arguments, check, text = case
    for name, value in ({"ALLOWED_HOSTS": "api.example"} | settings).items():
        monkeypatch.setenv(f"DATAS_{name}", value)
    found = diagnosis("--backups", "backups", "--bind", "0.0.0.0:80", *arguments)
    assert wrong(found).keys() == {check}
    assert re.match(text, wrong(found)[check])


@pytest.mark.parametrize(
    ("bind", "settings"),
    [
        ("localhost:0", {"ACCESS": "open", "EXPLAIN": "true", "REGISTRATION": "open"}),
        ("[::1]:80", {"ACCESS": "open", "ALLOWED_HOSTS": "localhost"}),
        ("10.0.0.5:80", {"TRUSTED_PROXIES": "1"}),
        ("127.0.0.1:80", {"TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": "api.example"}),
    ],
)
def test_what_is_as_it_should_be_is_not_nagged_about(
    bind: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets up a server well has no warning left."""
    for name, value in settings.items():
        monkeypatch.setenv(f"DATAS_{name}", value)
    assert wrong(diagnosis("--bind", bind)).keys() == {"database", "backups"}


def garbage(path: Path) -> None:
    """What an encrypted file looks like."""
    path.write_bytes(os.urandom(20_000))


def newer(path: Path) -> None:
    """A later version of Datas was here."""
    insert = "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')"
    change(make(path), insert)


def behind(path: Path) -> None:
    """An older version of Datas was here."""
    change(make(path), "DELETE FROM schema_migration WHERE name = '0005_purpose'")


def torn(path: Path) -> None:
    """A page in the middle is lost."""
    change(make(path), "PRAGMA journal_mode = wal", "DELETE FROM datas")
    content = bytearray(path.read_bytes())
    content[4096 * 4 : 4096 * 5] = bytes(4096)
    path.write_bytes(content)


def halved(path: Path) -> None:
    """A copy that was interrupted."""
    make(path)
    os.truncate(path, path.stat().st_size // 2)


def foreign(path: Path) -> None:
    """Another program's database."""
    change(path, "CREATE TABLE birds (name)")


def lookalike(path: Path) -> None:
    """Another program's database, with a table of migrations."""
    change(path, "CREATE TABLE schema_migration (version)")


def rollback(path: Path) -> None:
    """A database as a restore leaves it."""
    change(make(path), "PRAGMA journal_mode = delete")


def cut_off(path: Path) -> None:
    """A change that a killed program began, with how to undo it."""
    rollback(path)
    path.with_name("datas.db-journal").write_bytes(b"1")
    path.with_name("datas.db-journal").chmod(0o600)


def orphan(path: Path) -> None:
    """A row whose owner isn't there."""
    change(make(path), "PRAGMA foreign_keys = off", "UPDATE datas SET owner = 'nobody'")


def bereft(path: Path) -> None:
    """A table is gone."""
    change(make(path), "DROP TABLE tokens")


INSIDE: list[tuple[Callable[[Path], object], str, str]] = [
    (Path.absolute, "database", "fault: There is no database at .+ datas migrate"),
    (Path.mkdir, "database", "fault: .+ It is no file"),
    (os.mkfifo, "database", "fault: .+ It is no file"),
    (lambda path: path.symlink_to("away"), "database", "fault: .+ It is no file"),
    (garbage, "database", "fault: .+ not an SQLite database.+ datas restore"),
    (foreign, "database", "fault: .+ tables aren't those.+ DATAS_DATABASE_URL"),
    (bereft, "database", "fault: .+ It lacks the table tokens.+ datas restore"),
    (lookalike, "database", "fault: .+ isn't as Datas makes.+ DATAS_DATABASE_URL"),
    (cut_off, "database", "fault: .+ datas.db-journal is to be brought in.+ datas migrate"),
    (halved, "database", "fault: .+ damaged.+ datas restore"),
    (torn, "integrity", "fault: .+ datas restore"),
    (orphan, "integrity", r"fault: .+ row 1 of \w+ names one that users lacks"),
    (newer, "schema", "fault: A newer Datas .+ 9999_future.+ datas restore"),
    (behind, "schema", "warning: .+ 0005_purpose.+ datas migrate"),
    (Path.touch, "schema", "warning: .+ 0001_items"),
]


@pytest.mark.parametrize(("plant", "check", "text"), INSIDE)
def test_what_is_wrong_with_the_database_is_told(
    plant: Callable[[Path], object], check: str, text: str, folder: Path
) -> None:
    """In plain words, without a traceback, and with all as it was."""
    plant(path := folder / "datas.db")
    if path.is_file():
        path.chmod(0o600)
    before = snapshot(folder)
    found = wrong(diagnosis())
    assert re.search(text, found[check], re.DOTALL)
    assert snapshot(folder) == before
    assert found.keys() == {check, "backups"}


@pytest.mark.parametrize("name", ["a\udcff.db", "x" * 300, "no/such/folder.db", "datas.db/x"])
def test_a_name_that_leads_nowhere_is_told(name: str, db: Path) -> None:
    """Whatever it is made of."""
    assert "database" in wrong(diagnosis("--database", f"sqlite:///{name}", code=1))


def test_a_schema_that_is_behind_is_a_fault_where_starts_do_not_migrate(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the next start would be refused."""
    behind(folder / "datas.db")
    monkeypatch.setenv("DATAS_AUTO_MIGRATE", "false")
    assert wrong(diagnosis(code=1))["schema"].startswith("fault: Migrations are pending")


def test_a_search_for_damage_has_an_end(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large database isn't waited for; a backup searches all of it."""
    monkeypatch.setattr(storage, "SEARCH_TIMEOUT", 0.0)
    change(
        db,
        "WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < 30000) "
        "INSERT INTO datas (data, date_created, date_updated, version) "
        "SELECT 'x', '2026-11-22T16:00:00.000000Z', '2026-11-22T16:00:00.000000Z', 1 FROM more",
    )
    found = wrong(diagnosis())["integrity"]
    assert re.match("warning: The search for damage takes over .+ datas backup FILE", found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locking", "journal", "text"),
    [
        ("exclusive", "wal", "has it for itself.+datas.db-wal"),
        ("exclusive", "delete", "has it for itself.+datas.db-journal"),
        ("normal", "delete", "locked by another program"),
    ],
)
def test_a_locked_database_is_told_of_in_time(
    db: Path, locking: str, journal: str, text: str
) -> None:
    """Another process keeps it for itself; the doctor waits no longer than a writer would."""
    code = f"""import sqlite3, sys
one = sqlite3.connect('datas.db', isolation_level=None)
one.execute('PRAGMA locking_mode = {locking}')
one.execute('PRAGMA journal_mode = {journal}')
one.execute('BEGIN EXCLUSIVE')
print(flush=True)
sys.stdin.read()"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=db.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline()
        began = time.monotonic()
        found = wrong(diagnosis(code=1))
        assert time.monotonic() - began < 8
        process.stdin.close()
    assert re.match(f"fault: .+{text}", found["database"])


def test_rights_are_looked_at(db: Path) -> None:
    """What others may read or write, beside it too, and who may put another file in its place."""
    db.chmod(0o640)
    Path("datas.db-lock").chmod(0o602)
    db.parent.chmod(0o707)
    lines = wrong(diagnosis("--backups", "backups", code=1))["rights"].splitlines()
    assert f"warning: Other users may read {db}" in lines[0]
    assert f"chmod 600 {db}" in lines[0]
    assert f"fault: Other users may write {db}-lock" in lines[1]
    assert f"fault: Anybody may replace the database's file, in {db.parent}" in lines[2]


def test_files_of_another_owner_are_found(db: Path) -> None:
    """As they are after somebody ran it as root."""
    if os.geteuid():
        missing("root, who can give files away")
    os.chown(db, 65534, 65534)
    text = wrong(diagnosis("--backups", "backups", code=1))["rights"]
    assert re.search(rf"fault: {db}-lock belongs to \S+, and the .+ chown \S+ {db}-lock", text)
    assert re.search(rf"warning: {db} belongs to \S+, and you are root.+ sudo -u", text)


def _as_nobody(folder: str, report: str) -> None:
    # What is loaded late is loaded now: nobody may have no way to the code.
    CliRunner().invoke(main, ["doctor", "--database", f"sqlite:///{folder}/datas.db"])
    if not os.geteuid():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    os.chdir(folder)
    result = CliRunner().invoke(main, ["doctor"])
    Path(report).write_text(f"{result.exit_code} {result.exception!r}\n{result.stdout}")


def test_a_folder_that_cannot_be_written_is_found() -> None:
    """By whoever may not write it: root always may."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        inner = folder / "inner"
        inner.mkdir()
        make(inner / "datas.db").chmod(0o444)
        inner.chmod(0o555)
        process = FORKS.Process(target=_as_nobody, args=(str(inner), f"{folder}/report"))
        process.start()
        process.join(DEADLINE)
        code, _, printed = (folder / "report").read_text().partition("\n")
        inner.chmod(0o755)
    assert code == "1 SystemExit(1)"
    text = wrong(told(printed))["rights"]
    assert re.search(rf"fault: You \(\S+\) can't write {inner}\. .+ chown", text)
    assert re.search(rf"fault: You \(\S+\) can't write {inner}/datas.db\. ", text)


def test_a_disk_without_room_is_told_with_the_numbers(db: Path) -> None:
    """A file with holes may be larger than the disk: of such a database no copy can be made."""
    free = shutil.disk_usage(db.parent).free
    os.truncate(db, 4096 * (free // 2048))  # twice as much: others may make room meanwhile
    text = wrong(diagnosis("--backups", "backups"))["disk"]
    assert re.match(r"warning: [\d,]+ MB are free, beside a database of [\d,.]+ MB.+ du -xh", text)


@pytest.mark.slow
def test_an_old_sqlite_is_found(db: Path) -> None:
    """Where the package that brings a new one is missing, and Python has an old one."""
    Path("sitecustomize.py").write_text("import sys\nsys.modules['pysqlite3'] = None\n")
    path = os.pathsep.join((str(db.parent), os.environ.get("PYTHONPATH", "")))
    ask = "import sqlite3; print(*sqlite3.sqlite_version_info, sep='.')"
    version = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    )
    done = run_datas(db.parent, "doctor", PYTHONPATH=path, HOME=str(db.parent))
    if tuple(map(int, version.stdout.split("."))) >= (3, 51, 3):
        missing("a Python with an SQLite before 3.51.3")
    assert f"SQLite {version.stdout.strip()} can damage" in wrong(told(done.stdout))["integrity"]
    assert (done.returncode, done.stderr) == (0, "")


def _older(hours: float) -> Callable[[Path], object]:
    return lambda path: os.utime(path, (time.time() - hours * HOUR,) * 2)


BACKUPS: list[tuple[Callable[[Path], object], str]] = [
    (Path.unlink, "fault: There is no backup at .+ datas backup FILE"),
    (_older(25), "warning: The newest backup, .+ 25 hours old.+ datas backup FILE"),
    (_older(24 * 8), "fault: The newest backup, .+ 192 hours old"),
    (lambda path: path.chmod(0o644), "warning: Other users may read .+ chmod 600"),
    (garbage, "fault: .+ is no backup of Datas"),
    (lambda path: path.write_bytes(b""), "fault: .+ is no backup of Datas: it is empty"),
    (torn, "fault: .+ is no backup of Datas: "),
    (halved, "fault: .+ is no backup of Datas: .+ damaged"),
    (lambda path: foreign(path.with_name("z.db")), "fault: .+z.db, is no backup of Datas"),
]


@pytest.mark.parametrize(("plant", "text"), BACKUPS)
def test_backups_are_looked_at(plant: Callable[[Path], object], text: str, db: Path) -> None:
    """By the newest in a folder: how old it is, what it is, and who may read it."""
    copy = db.parent / "backups/copy.db"
    if plant in (torn, halved):
        copy.unlink()
    plant(copy)
    for other in copy.parent.glob("copy.db?*"):
        other.unlink()
    before = snapshot(copy.parent)
    found = wrong(diagnosis("--backups", "backups"))
    assert found.keys() == {"backups"}
    assert re.search(text, found["backups"])
    assert snapshot(copy.parent) == before


def test_a_database_is_no_backup_of_itself(db: Path) -> None:
    """Nor is a part of it."""
    for name in ("datas.db", "datas.db-lock", str(db)):
        assert "is the database itself" in wrong(diagnosis("--backups", name, code=1))["backups"]


def test_litestreams_folder_counts_by_its_newest_file(db: Path) -> None:
    """Whatever level that is on."""
    for name, hours in (("0/1-1.ltx", 90), ("0/2-2.ltx", 2), ("9/1-2.ltx", 30)):
        file = Path("replica/ltx", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        _older(hours)(file)
    Path("replica/.datas.db-litestream/ltx").mkdir(parents=True)
    Path("replica/.datas.db-litestream/ltx/3-3.ltx").touch()
    found = diagnosis("--backups", "replica")
    assert wrong(found) == {}
    assert "2-2.ltx, is 2 hours old" in found["backups"][0][1]


@pytest.mark.slow
def test_a_start_tells_what_is_not_well_and_goes_on(start: Start, db: Path) -> None:
    """Once each, with its remedy, and without what it says anyway; of backups nothing."""
    db.chmod(0o644)
    server = start("--bind", "0.0.0.0:0", "--workers", "1", DATAS_REGISTRATION="open", DATAS_XY="1")
    server.stop()
    text = "".join(server.output)
    assert text.count("Warning: ") == 5
    for part in ("DATAS_XY", "In open mode", "may register", "answers for localhost", "may read"):
        assert text.count(part) == 1
    assert f"\n  chmod 600 {db}\n" in text
    assert "Datas is running" in text


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with a password."""
    with running(*QUICK) as server:
        yield server


@pytest.mark.slow
def test_a_postgresql_is_looked_at(
    server: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secrets and its schema; nothing is made there."""
    monkeypatch.setenv("DATAS_DATABASE_URL", server.url())
    Path(".pgpass").write_text("*:*:*:*:secret")
    Path(".pgpass").chmod(0o644)
    found = wrong(diagnosis())
    assert ":secret" not in str(found)
    assert re.search("warning: .+ holds a password.+ PGPASSWORD", found["secrets"])
    assert f"chmod 600 {folder}/.pgpass" in found["secrets"]
    assert "warning: Migrations are pending" in found["schema"]
    assert "datas backup FILE" in found["backups"]
    assert found.keys().isdisjoint({"database", "rights", "disk", "integrity"})
    assert server.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


@pytest.mark.slow
def test_a_postgresql_that_is_set_up_well_has_no_fault(
    server: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is in PGPASSWORD, and a dump of today is a backup."""
    server.ask("CREATE DATABASE datas")
    monkeypatch.setenv("DATAS_DATABASE_URL", server.url("datas").replace(":secret", ""))
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    Path("datas.dump").write_bytes(b"PGDMP" + bytes(100))
    Path("datas.dump").chmod(0o600)
    assert wrong(diagnosis("--backups", "datas.dump")) == {}


@pytest.mark.slow
def test_a_postgresql_that_is_away_is_told_of_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With libpq's words, and without the password."""
    began = time.monotonic()
    found = wrong(diagnosis("--database", "postgresql://me:hunter2@127.0.0.1:1/datas", code=1))
    assert time.monotonic() - began < 5
    assert re.search("127.0.0.1:1/datas: .+ refused.+ psql", found["database"])
    assert "hunter2" not in str(found)
    assert found.keys() == {"secrets", "database", "backups"}
