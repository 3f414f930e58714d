"""Nodes over a real PostgreSQL: away, stopped, restarted, killed, and behind pgbouncer."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datas.adapters.sql.pool import MAX_CONNECTIONS
from tests.e2e.conftest import Answer, Server, Start, request, run_datas
from tests.e2e.ledger import GOOD, Ledger, check
from tests.postgres import QUICK, Bouncer, Postgres, running, temporary_folder
from tests.served import ROUTE

IN_TIME = 3.0  # seconds until a 503 at the latest
STOPPED = 5.0  # seconds
RECOVERED = 10.0  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that nobody else uses."""
    with running(*QUICK) as server:
        yield server


@pytest.fixture
def database(server: Postgres) -> Postgres:
    """The server, with an empty database `datas`."""
    server.ask("DROP DATABASE IF EXISTS datas WITH (FORCE)")
    server.ask("CREATE DATABASE datas")
    return server


class Clients:
    """Threads that post, each on a connection that is kept, and remember their answers."""

    def __init__(self, node: Server, count: int) -> None:
        self.answers: list[tuple[float, float, Answer]] = []
        self._node = node
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._post) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _post(self) -> None:
        connection = self._node.connect()
        while not self._stopping.is_set():
            start = time.monotonic()
            answer = request(connection, "POST", ROUTE, {"data": "hello"})
            self.answers.append((start, time.monotonic() - start, answer))
            if answer.status != 201:
                time.sleep(0.1)
        connection.close()

    def stop(self) -> None:
        """Let each finish its request."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.slow
def test_a_stopped_database_is_answered_for_in_time(start: Start, database: Postgres) -> None:
    """Forty clients are told 503 within three seconds each; when it goes on, so do they."""
    node = start("--workers", "2", DATAS_DATABASE_URL=database.url("datas"))
    clients = Clients(node, 40)
    time.sleep(1)
    database.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        time.sleep(IN_TIME)
        assert node.request("GET", "/readyz").status == 503
        assert node.request("GET", "/healthz").status == 200
        time.sleep(STOPPED - IN_TIME)
    finally:
        database.signal(signal.SIGCONT)
    going_on = time.monotonic()
    time.sleep(IN_TIME)
    clients.stop()
    while_stopped = [
        answer
        for begun, lasted, answer in clients.answers
        if stopped + 0.5 < begun + lasted < going_on
    ]
    print(
        f"{len(while_stopped)} answers while it was stopped, the slowest of all after "
        f"{max(lasted for _, lasted, _ in clients.answers):.2f} s"
    )
    assert {answer.status for answer in while_stopped} == {503}
    assert {answer.headers["Retry-After"] for answer in while_stopped} == {"1"}
    assert {answer.status for _, _, answer in clients.answers} == {201, 503}
    assert max(lasted for _, lasted, _ in clients.answers) < IN_TIME
    late = [answer.status for begun, _, answer in clients.answers if begun > going_on + 2]
    assert late
    assert set(late) == {201}
    assert node.request("GET", "/readyz").status == 200
    node.stop()
    assert "database went away" in "".join(node.output)
    assert "secret" not in "".join(node.output)


@pytest.mark.slow
def test_the_password_is_shown_nowhere(start: Start, database: Postgres) -> None:
    """Not by the banner, nor by the command lines of the server's processes, nor by an error."""
    node = start("--database", database.url("datas"))
    assert f"postgresql://127.0.0.1:{database.port}/datas" in "".join(node.output)
    assert "secret" not in "".join(node.output)
    for pid in (node.process.pid, *node.workers()):
        assert b"secret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    folder = Path(f"/proc/{node.process.pid}/cwd").resolve()
    refused = run_datas(folder, "migrate", DATAS_DATABASE_URL=database.url("absent"))
    assert 'database "absent" does not exist' in refused.stderr
    assert "secret" not in refused.stderr


@pytest.mark.slow
def test_a_move_from_sqlite_keeps_everything(
    start: Start, database: Postgres, tmp_path: Path
) -> None:
    """Users, their tokens and items, ETags and all; ids go on where they were."""
    run_datas(tmp_path, "user", "add", "alice", stdin=b"correct horse\n")
    token = run_datas(tmp_path, "token", "issue", "alice").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    node = start("--access", "owner")
    for data in ("one", "two", "three"):
        node.request("POST", ROUTE, {"data": data}, headers)
    node.request("PUT", f"{ROUTE}/2", {"data": "changed"}, headers)
    node.request("DELETE", f"{ROUTE}/3", None, headers)
    before = node.request("GET", ROUTE).content
    node.stop()
    url = database.url("datas").replace(":secret", "")
    copied = run_datas(tmp_path, "copy", "sqlite:///datas.db", url, PGPASSWORD="secret")
    assert copied.stderr == ""
    assert "Copied and compared: 4 rows, from sqlite:////" in copied.stdout
    node = start("--access", "owner", DATAS_DATABASE_URL=url, PGPASSWORD="secret")
    assert node.request("GET", ROUTE).content == before
    assert node.request("GET", f"{ROUTE}/2").headers["ETag"] == '"2"'
    created = node.request("POST", ROUTE, {"data": "four"}, headers)
    assert (created.status, created.json["data"]["id"]) == (201, 4)
    again = run_datas(tmp_path, "copy", "sqlite:///datas.db", url, PGPASSWORD="secret")
    assert (again.returncode, "isn't empty" in again.stderr) == (1, True)


@pytest.mark.slow
def test_a_restart_of_the_database_is_not_noticed_by_later_requests(
    start: Start, database: Postgres
) -> None:
    """Connections that ended with it are given to nobody; while it is away the answer is quick."""
    node = start("--workers", "1", DATAS_DATABASE_URL=database.url("datas"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: node.request("GET", ROUTE), range(20)))
    database.stop()
    begun = time.monotonic()
    answers = [node.request("GET", ROUTE).status for _ in range(10)]
    assert (set(answers), time.monotonic() - begun < IN_TIME) == ({503}, True)
    database.start()
    end = time.monotonic() + RECOVERED
    while node.request("GET", "/readyz").status != 200:
        assert time.monotonic() < end
    # Again, with nobody asking while it is away.
    database.stop()
    database.start()
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: node.request("GET", ROUTE).status, range(20)))
    assert set(statuses) == {200}


@pytest.mark.slow
def test_a_hundred_clients_keep_within_the_pools(start: Start, database: Postgres) -> None:
    """Two nodes, more threads than connections: no more backends than the pools may have."""
    url = database.url("datas")
    nodes = [start("--workers", "1", "--threads", "40", DATAS_DATABASE_URL=url) for _ in "12"]
    clients = [Clients(node, 50) for node in nodes]
    most = 0
    end = time.monotonic() + 4
    while time.monotonic() < end:
        [(count,)] = database.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'datas'"
        )
        most = max(most, count)
        time.sleep(0.05)
    for each in clients:
        each.stop()
        assert {answer.status for _, _, answer in each.answers} == {201}
    assert MAX_CONNECTIONS <= most <= len(nodes) * MAX_CONNECTIONS


@pytest.fixture
def pair() -> Iterator[tuple[Postgres, Postgres]]:
    """A primary that commits only what its standby has too, and the standby."""
    with running() as primary, temporary_folder() as folder:
        primary.ask("CREATE DATABASE datas")
        standby = Postgres(folder / "data")
        source = primary.url(parameters="?application_name=standby")
        primary.run(
            *("pg_basebackup", "-d", source, "-D", str(standby.folder)),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )
        standby.start()
        try:
            end = time.monotonic() + 20
            state = "SELECT sync_state FROM pg_stat_replication"
            primary.ask("ALTER SYSTEM SET synchronous_standby_names = standby")
            primary.ask("SELECT pg_reload_conf()")
            while primary.ask(state) != [("sync",)]:
                assert time.monotonic() < end
                time.sleep(0.05)
            yield primary, standby
        finally:
            standby.stop()


Route = Callable[[Postgres, Postgres], tuple[str, Callable[[], None]]]


def _fail_over(
    start: Start, pair: tuple[Postgres, Postgres], url: str, turn: Callable[[], None]
) -> None:
    """Kill the primary under load, promote the standby, and compare ledger and database."""
    primary, standby = pair
    nodes = [start("--workers", "2", DATAS_DATABASE_URL=url) for _ in range(2)]
    with Ledger(*nodes, clients=4) as ledger:
        time.sleep(2)
        [(walsender,)] = primary.ask("SELECT pid FROM pg_stat_replication")
        os.kill(walsender, signal.SIGSTOP)
        time.sleep(1)
        primary.kill()
        killed = time.monotonic()
        standby.ask("SELECT pg_promote()")
        turn()
        end = killed + RECOVERED
        while ledger.acknowledged[-1] < killed + 2 and time.monotonic() < end:
            time.sleep(0.1)
    after = [moment - killed for moment in ledger.acknowledged if moment > killed]
    print(f"writes flow again after {min(after):.2f} s, and {len(after)} were acknowledged")
    assert ledger.outcomes <= GOOD | {"503"}
    assert "503" in ledger.outcomes
    assert len(ledger.acknowledged) - len(after) > 100
    assert min(after) < RECOVERED
    check(nodes[0], ledger)


@pytest.mark.slow
def test_a_failover_loses_nothing(start: Start, pair: tuple[Postgres, Postgres]) -> None:
    """Every acknowledged item is there, once; nobody saw a 500; writes go on within ten seconds."""
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in pair)
    url = f"postgresql://postgres:secret@{hosts}/datas?target_session_attrs=read-write"
    _fail_over(start, pair, url, lambda: None)


@pytest.mark.slow
def test_a_failover_behind_pgbouncer_loses_nothing(
    start: Start, pair: tuple[Postgres, Postgres], tmp_path: Path
) -> None:
    """The same where each transaction may meet another connection."""
    with temporary_folder() as folder:
        bouncer = Bouncer(folder, pair[0])
        try:
            _fail_over(start, pair, bouncer.url("datas"), lambda: bouncer.turn_to(pair[1]))
        finally:
            bouncer.stop()
