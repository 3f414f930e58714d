"""`datas user` and `datas token` as somebody runs them, over a real file."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from datas.__main__ import main
from datas.bootstrap import Services, build_services
from datas.database_urls import open_database
from datas.domain.access import Actor
from datas.domain.errors import Unauthenticated, WrongCredentials
from datas.domain.items import ItemDraft
from datas.served import DATAS_ITEMS
from datas.settings import Settings
from tests.e2e.conftest import DEADLINE, Start, clean_environ, run_datas
from tests.served import PLURAL

PASSWORD = "correct hörse"
LINE = f"{PASSWORD}\n".encode()
SECRET = re.compile(r"datas_[\w-]{43}\n", re.ASCII)


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database has alice, who owns an item; for what changes nothing."""
    folder = tmp_path_factory.mktemp("populated")
    _add(folder, "alice", items=1)
    return folder


@contextmanager
def _services(folder: Path) -> Iterator[Services]:
    """The services over the database in a folder."""
    settings = Settings(database_url=f"sqlite:///{folder}/datas.db")
    database = open_database(settings.database_url, DATAS_ITEMS.tables)
    try:
        yield build_services(settings, DATAS_ITEMS, database)
    finally:
        database.close()


def _add(folder: Path, *names: str, items: int = 0) -> None:
    """Users with a number of items each, without a command."""
    with _services(folder) as services:
        for name in names:
            services.accounts.register(name, PASSWORD)
            for number in range(items):
                draft = ItemDraft(f"{name}'s {number}")
                services.records[PLURAL].create(draft, actor=Actor(name))


def _signs_in(folder: Path, name: str, password: str) -> bool:
    with _services(folder) as services:
        try:
            services.accounts.sign_in(name, password, address="here")
        except WrongCredentials:
            return False
    return True


def _signed_in(folder: Path, secret: str) -> str | None:
    """Whose token it is, if it is any good."""
    with _services(folder) as services:
        try:
            return services.accounts.authenticate(secret).username
        except Unauthenticated:
            return None


@pytest.mark.parametrize("line", [LINE[:-1], LINE[:-1] + b"\r\nmore\n"])
def test_a_user_is_added_with_a_password_from_standard_input(tmp_path: Path, line: bytes) -> None:
    """One line is the password, whatever ends it; names are kept in lower case."""
    result = run_datas(tmp_path, "user", "add", "Alice", stdin=line)
    made = f"A new database was made: sqlite:///{tmp_path}/datas.db\n"
    assert (result.returncode, result.stderr) == (0, made)
    assert _signs_in(tmp_path, "alice", PASSWORD)


@pytest.mark.slow
def test_users_are_listed_by_name(tmp_path: Path) -> None:
    """A table with the date of joining, and nothing secret; without users, what to do."""
    with _services(tmp_path) as services:
        assert not services.accounts.list_users()
    empty = run_datas(tmp_path, "user", "list")
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "datas user add" in empty.stderr
    _add(tmp_path, "carol", "bo")
    head, *rows = run_datas(tmp_path, "user", "list").stdout.splitlines()
    assert head == "NAME   JOINED (UTC)"
    assert [row.split()[0] for row in rows] == ["bo", "carol"]
    assert all(re.fullmatch(r"\w+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row) for row in rows)


@pytest.mark.slow
def test_what_it_tells_to_do_next_works(start: Start, tmp_path: Path) -> None:
    """Both lines of `user add`, and the one of `token issue`, in a shell against a server."""
    server = start("--access", "authenticated", "--workers", "1")
    added = run_datas(tmp_path, "user", "add", "alice", stdin=LINE).stdout
    [sign_in] = re.findall(r"curl .+", added)
    [issue] = re.findall(r"TOKEN=.+", added)
    issue = issue.replace("datas", f"{sys.executable} -m datas", 1)
    told = run_datas(tmp_path, "token", "issue", "alice").stderr
    [create] = re.findall(r"curl .+", told)
    assert '"token":"datas_' in _shell(tmp_path, sign_in.replace("…", PASSWORD), server.port)
    assert '"owner":"alice"' in _shell(tmp_path, f"{issue}\n{create}", server.port)


def _shell(folder: Path, lines: str, port: int) -> str:
    return subprocess.run(
        ["bash", "-e"],
        cwd=folder,
        env=clean_environ(),
        input=lines.replace(":8000", f":{port}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout


ABSENT = [
    "export",
    "user list",
    "user password alice",
    "user remove alice",
    "token issue alice",
    "token list alice",
    "token revoke alice 1",
]


@pytest.mark.slow
@pytest.mark.parametrize("command", ABSENT)
def test_nothing_but_a_beginning_makes_a_database(tmp_path: Path, command: str) -> None:
    """What needs one that is there is told so in the wrong folder, and leaves nothing there."""
    result = run_datas(tmp_path, *command.split(), stdin=LINE)
    assert (result.returncode, result.stdout) == (1, "")
    told = rf"Error: sqlite:///{tmp_path}/datas.db: There is no database. .+datas user add NAME\n"
    assert re.fullmatch(told, result.stderr)
    assert not list(tmp_path.iterdir())


REFUSED = [
    (["user", "add", "a b"], LINE, "'a b' can't be a username: it must be 2 to 32"),
    (["user", "add", "ALICE"], LINE, "alice is taken. Choose another. Or"),
    (["user", "add", "carol"], b"short\n", "password: must be 8 to 256 characters"),
    (["user", "add", "carol"], b"x" * 100_000, "password: must be 8 to 256 characters"),
    (["user", "add", "carol"], b"\xff" * 20 + b"\n", "password: must not contain"),
    (["user", "add", "carol"], b"", "no password on standard input"),
    (["user", "password", "zed"], LINE, "no user zed in sqlite:////.+/datas.db. .+datas user list"),
    (["user", "remove", "alice"], b"", "--give-to NAME"),
    (["user", "remove", "alice", "--give-to", "zed"], b"", "no user zed"),
    (["user", "remove", "alice", "--give-to", "Alice"], b"", "give_to: must be another user"),
    (["user", "add", "--", "-h"], LINE, "'-h' can't be a username: .+ first a letter or a digit"),
    (["token", "issue", "alice", "--label", "x" * 65], b"", "label: must be at most 64"),
    (["token", "list", "zed"], b"", "datas user list"),
    (["token", "revoke", "alice", "7"], b"", "no token 7. .+datas token list"),
    (["user", "list", "--database", "sqlite:////proc/x.db"], b"", "sqlite:////proc/x.db: "),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "stdin", "told"), REFUSED, ids=[" ".join(each[0])[:30] for each in REFUSED]
)
def test_what_is_refused_is_one_line_that_says_what_to_do(
    populated: Path, arguments: Sequence[str], stdin: bytes, told: str
) -> None:
    """Exit code 1, nothing on standard output, no traceback."""
    result = run_datas(populated, *arguments, stdin=stdin)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(rf"Error: .*{told}.*\n", result.stderr)


def test_no_command_takes_a_password_as_an_argument(tmp_path: Path) -> None:
    """Everybody on the machine could see it: no parameter is one, and one too many is refused."""
    for group in ("user", "token"):
        commands = main.commands[group]
        assert isinstance(commands, click.Group)
        taken = {each.name for one in commands.commands.values() for each in one.params}
        assert taken <= {"name", "give_to", "token_id", "every", "label", "database"}
    assert run_datas(tmp_path, "user", "add", "alice", PASSWORD, stdin=LINE).returncode == 2


def test_a_terminal_is_asked_twice_and_shows_no_password(tmp_path: Path) -> None:
    """Two that differ are asked for again; what was typed is the password."""
    asked = _on_terminal(
        tmp_path, "user", "add", "alice", typed=[PASSWORD, "other", *2 * [PASSWORD]]
    )
    assert asked.count("8 characters or more") == 2
    assert "do not match" in asked
    assert "User alice can sign in now" in asked
    assert PASSWORD not in asked
    assert _signs_in(tmp_path, "alice", PASSWORD)


def test_a_terminal_is_asked_for_nothing_that_would_be_refused(populated: Path) -> None:
    """A taken name and an unknown one are told before anybody types."""
    assert "taken" in _on_terminal(populated, "user", "add", "alice", typed=[])
    assert "no user zed" in _on_terminal(populated, "user", "password", "zed", typed=[])


def _on_terminal(folder: Path, *arguments: str, typed: list[str]) -> str:
    """All that a terminal shows, on which a line is typed at each prompt."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "datas", *arguments],
        cwd=folder,
        env=clean_environ(),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown, lines, end = b"", list(typed), time.monotonic() + DEADLINE
    try:
        while piece := _read(keyboard, end):
            shown += piece
            if lines and shown.endswith(b": "):
                os.write(keyboard, f"{lines.pop(0)}\n".encode())
    finally:
        os.close(keyboard)
        process.kill()
        process.wait(DEADLINE)
    assert not lines
    return shown.decode()


def _read(keyboard: int, end: float) -> bytes:
    """What comes next; nothing at the end."""
    ready, _, _ = select.select([keyboard], [], [], max(0, end - time.monotonic()))
    assert ready, "the terminal waits in vain"
    try:
        return os.read(keyboard, 4096)
    except OSError:  # Linux's way to say that nobody has the terminal open any more
        return b""


def test_a_password_is_changed_and_ends_what_it_began(tmp_path: Path) -> None:
    """The new one signs in, the old one doesn't, and the tokens of before are worthless."""
    _add(tmp_path, "alice")
    secret = run_datas(tmp_path, "token", "issue", "alice").stdout.strip()
    assert _signed_in(tmp_path, secret) == "alice"
    result = run_datas(tmp_path, "user", "password", "alice", stdin=b"a better one\n")
    assert (result.returncode, result.stderr) == (0, "")
    assert not _signs_in(tmp_path, "alice", PASSWORD)
    assert _signs_in(tmp_path, "alice", "a better one")
    assert _signed_in(tmp_path, secret) is None


def test_who_owns_items_is_removed_once_they_are_given_away(tmp_path: Path) -> None:
    """It says how many they were; each is another's then, at its next version."""
    _add(tmp_path, "alice", items=3)
    _add(tmp_path, "bob")
    result = run_datas(tmp_path, "user", "remove", "alice", "--give-to", "bob")
    assert result.stdout == "User alice is removed.\nRecords given to bob: 3.\n"
    with _services(tmp_path) as services:
        items = services.records[PLURAL].page().records
        assert [(item.owner, item.version) for item in items] == 3 * [("bob", 2)]
        assert [user.username for user in services.accounts.list_users()] == ["bob"]


@pytest.mark.slow
def test_a_token_is_shown_once_and_kept_nowhere(tmp_path: Path) -> None:
    """Standard output is the secret alone; no file holds it, nor the password, as it is."""
    _add(tmp_path, "alice")
    issued = run_datas(tmp_path, "token", "issue", "Alice", "--label", "laptop")
    assert SECRET.fullmatch(issued.stdout)
    secret = issued.stdout.strip()
    assert secret not in issued.stderr
    assert "until 20" in issued.stderr
    assert _signed_in(tmp_path, secret) == "alice"
    listed = run_datas(tmp_path, "token", "list", "alice").stdout
    assert secret not in listed
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"laptop" in kept
    for text in (secret, secret.removeprefix("datas_"), PASSWORD):
        assert text.encode() not in kept


@pytest.mark.slow
def test_tokens_are_listed_until_they_are_revoked(tmp_path: Path) -> None:
    """Id, label, dates in UTC; nothing in a label steers the terminal."""
    _add(tmp_path, "alice")
    with _services(tmp_path) as services:
        alice = services.accounts.get_user("alice")
        services.accounts.issue_token(alice, label="a\x1b[31m\nb")
        _, secret = services.accounts.issue_token(alice)
    head, first, second = run_datas(tmp_path, "token", "list", "alice").stdout.splitlines()
    assert re.split("  +", head) == ["ID", "LABEL", "CREATED (UTC)", "EXPIRES (UTC)"]
    assert re.fullmatch(r"1   a\\x1b\[31m\\nb  (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(  )?){2}", first)
    assert second.startswith("2 ")
    revoked = run_datas(tmp_path, "token", "revoke", "alice", "2")
    assert (revoked.returncode, revoked.stdout) == (0, "Token 2 of alice is revoked.\n")
    assert _signed_in(tmp_path, secret) is None
    assert second not in run_datas(tmp_path, "token", "list", "alice").stdout


@pytest.mark.slow
def test_all_tokens_of_a_user_are_revoked_at_once(tmp_path: Path) -> None:
    """By a word: leaving out the id by accident revokes none."""
    _add(tmp_path, "alice")
    secrets = [run_datas(tmp_path, "token", "issue", "alice").stdout.strip() for _ in range(2)]
    for wrong in ((), ("1", "--all")):
        assert run_datas(tmp_path, "token", "revoke", "alice", *wrong).returncode == 2
    assert all(_signed_in(tmp_path, secret) for secret in secrets)
    revoked = run_datas(tmp_path, "token", "revoke", "alice", "--all")
    assert (revoked.returncode, revoked.stdout) == (0, "All tokens of alice are revoked.\n")
    assert not any(_signed_in(tmp_path, secret) for secret in secrets)
