"""A run against real servers: clients and the nemesis work, then everything is read once more."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.prove import plan
from tests.prove.clients import Client, Known, World
from tests.prove.databases import PostgresPair, opened
from tests.prove.history import ANSWERED, History, Operation, Run, read
from tests.prove.http_client import HttpClient
from tests.prove.plan import Fault
from tests.prove.servers import Nemesis, Servers, running_servers

CLIENTS = 8
BEFORE = 1200  # records that are there from the start: more than one step of an export
SETTER_UP = -1
PATIENCE = 90.0  # seconds until every client has finished its request


class Setting(NamedTuple):
    """What is run. `kinds` are the faults, if not all; `plant` is one that must be found."""

    seed: int
    seconds: float
    database: str = "sqlite"
    kinds: Sequence[str] | None = None
    plant: str = ""
    standby_settings: Sequence[str] = ()


def run(folder: Path, path: Path, setting: Setting) -> Run:
    """Carry out a plan; the history is in the file at `path`."""
    seed, seconds, kinds = setting.seed, setting.seconds, setting.kinds
    with opened(setting.database, folder, *setting.standby_settings) as database:
        usual, rare = (database.kinds, database.rare) if kinds is None else (kinds, ())
        planned = plan.faults(seed, seconds, usual, rare)
        history = History(
            path,
            seed=seed,
            seconds=seconds,
            database=setting.database,
            clients=CLIENTS,
            plan=plan.digest(seed, CLIENTS, planned),
            not_run=dict(database.not_run),
        )
        environ = {"PROVE_PLANT": setting.plant}
        if isinstance(database, PostgresPair):
            environ["PROVE_STANDBY"] = database.standby.url("datas")
        with running_servers(folder, database, **environ) as servers:
            failed = _carry_out(servers, history, planned, setting)
        history.close(failed)
    with path.open(encoding="utf-8") as lines:
        return read(lines)


def _carry_out(
    servers: Servers, history: History, planned: Sequence[Fault], setting: Setting
) -> str:
    """Return why the run could not be brought to its end, if so."""
    start = time.monotonic()
    world = World(history, lambda: round(time.monotonic() - start, 6), time.sleep)
    clients = [HttpClient(world, number, servers.address) for number in range(CLIENTS)]
    keeper = HttpClient(world, SETTER_UP, servers.address)
    _set_up(world, keeper)

    def break_things() -> None:
        Nemesis(servers, world, clients).run(planned)
        world.sleep(max(0, setting.seconds - world.now()))

    failed = work(world, clients, setting.seed, break_things)
    last, _ = keeper.until_answered(Operation(SETTER_UP, "export", 0, 0, sort="id"))
    keeper.hang_up()
    if last.outcome != ANSWERED:
        return failed or f"the servers do not answer at the end ({last.reason})"
    return failed


def work(
    world: World, clients: Sequence[HttpClient], seed: int, meanwhile: Callable[[], object]
) -> str:
    """Let each client work in a thread until something else is done; return what failed, if so."""
    failures: list[str] = []
    threads = [
        threading.Thread(target=_work, args=(client, seed, failures), daemon=True)
        for client in clients
    ]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    except (OSError, AssertionError, subprocess.SubprocessError) as error:
        failures.append(f"a fault could not be carried out ({error!r})")
    world.closing.set()
    end = time.monotonic() + PATIENCE
    for thread, client in zip(threads, clients, strict=True):
        thread.join(max(0, end - time.monotonic()))
        client.hang_up()
    if any(thread.is_alive() for thread in threads):
        failures.append(f"a client waited for {PATIENCE:g} s for an answer")
    return failures[0] if failures else ""


def _work(client: HttpClient, seed: int, failures: list[str]) -> None:
    try:
        client.run(plan.steps(seed, client.number))
    except Exception as error:  # noqa: BLE001 (whatever it is, the run is not what it should be)
        failures.append(f"client {client.number + 1} crashed ({error!r})")


def _set_up(world: World, keeper: Client) -> None:
    """Make records that nobody changes, and one for each slot."""
    texts = "\n".join(f"before {number}" for number in range(BEFORE))
    requests = [Operation(SETTER_UP, "bulk", 0, 0, text=texts, key="before")]
    requests += [
        Operation(SETTER_UP, "create", 0, 0, text=f"slot {slot}", key=f"slot-{slot}")
        for slot in range(plan.SLOTS)
    ]
    for slot, request in enumerate(requests, -1):
        done, _ = keeper.until_answered(request)
        if slot >= 0:
            world.slots[slot] = Known(done.record, 1)
