"""The service in memory, without HTTP and processes: one seed is one run, to the last letter.

Each client is a thread, but only one runs at a time. Before and after each call of a port a seeded
choice says who goes on, and whether the process that carries out a request dies there. A
transaction is not interrupted by others, and rolls back if it dies.
"""

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from datas.adapters.memory import Memory, MemoryIdempotencyRecords, MemoryRepository
from datas.domain.access import Access, Mode
from datas.domain.errors import RecordNotFound, VersionMismatch
from datas.domain.idempotency import Idempotency, fingerprint
from datas.domain.items import ITEMS, ItemDraft
from datas.domain.query import Position, Sort
from datas.domain.records import Record
from datas.domain.service import RecordService
from tests.prove import plan
from tests.prove.clients import Client, Exchange, World
from tests.prove.history import ANSWERED, UNKNOWN, History, Operation, Run, Seen, read

DEATHS = 0.01  # of calls of a port
CLOCK_MOVES = 0.01  # of looks at the clock
PAGE = 10


class Died(BaseException):
    """The process that carried out a request is gone, and its answer with it."""


class Scheduler:
    """Says which of several threads goes on; all others wait."""

    def __init__(self, seed: int) -> None:
        self.choice = random.Random(f"schedule of {seed}")  # noqa: S311 (no secret)
        self.time = 0
        self.mortal = True
        self._waiting: dict[int, threading.Semaphore] = {}
        self._done = threading.Semaphore(0)
        self._running = -1
        self._inside = 0  # a transaction
        self._errors: list[BaseException] = []

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run all to their ends."""
        self._waiting = {number: threading.Semaphore(0) for number in range(len(tasks))}
        threads = [
            threading.Thread(target=self._run_one, args=(number, task), daemon=True)
            for number, task in enumerate(tasks)
        ]
        for thread in threads:
            thread.start()
        self._let_go()
        self._done.acquire()
        for error in self._errors:
            raise error

    def _run_one(self, number: int, task: Callable[[], None]) -> None:
        self._waiting[number].acquire()
        try:
            task()
        except BaseException as error:  # noqa: BLE001 (raised in the main thread)
            self._errors.append(error)
        finally:
            del self._waiting[number]
            self._let_go() if self._waiting else self._done.release()

    def _let_go(self) -> None:
        self._running = self.choice.choice([*self._waiting])
        self._waiting[self._running].release()

    def pause(self, deaths: float = 0.0) -> None:
        """Let another go on, outside of transactions. Raises: Died."""
        self.time += 1
        if self._waiting and not self._inside:
            mine = self._waiting[self._running]
            self._let_go()
            mine.acquire()
        if self.mortal and self.choice.random() < deaths:
            raise Died

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


class Paused:
    """A port whose every call is interrupted before it begins, and after it ended."""

    def __init__(self, port: Any, scheduler: Scheduler) -> None:
        self._port, self._scheduler = port, scheduler

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._scheduler.pause(DEATHS)
            found = method(*args, **kwargs)
            self._scheduler.pause(DEATHS)
            return found

        return call

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self._scheduler.pause(DEATHS)
        with self._scheduler.uninterrupted(), self._port.atomic():
            yield
        self._scheduler.pause(DEATHS)


class Clock:
    """Goes on a little at each look, and jumps now and then, also back."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._offset = scheduler, timedelta()

    def now(self) -> datetime:
        choice = self._scheduler.choice
        if choice.random() < CLOCK_MOVES:
            self._offset = timedelta(minutes=choice.randrange(-60, 60))
        beginning = datetime(2026, 11, 22, 16, tzinfo=UTC)
        return beginning + self._offset + timedelta(milliseconds=self._scheduler.time)


@dataclass
class Ports:
    """What the service is made of. A planted fault puts another in the place of one."""

    memory: Memory
    repository: Any
    storage: Any
    answers: Any


class SimulatedClient(Client):
    """Asks the service itself."""

    def __init__(
        self, world: World, number: int, service: RecordService[Any], once: Idempotency
    ) -> None:
        super().__init__(world, number)
        self._service, self._once = service, once

    def exchange(self, request: Operation, after: str) -> Exchange:
        try:
            found: Exchange = getattr(self, f"_send_{request.do}")(request, after)
        except RecordNotFound:
            return Exchange(ANSWERED, 404)
        except VersionMismatch:
            return Exchange(ANSWERED, 412)
        except Died:
            return Exchange(UNKNOWN, reason="the process died")
        return found

    def _send_create(self, request: Operation, _: str) -> Exchange:
        def work() -> bytes:
            record = self._service.create(ItemDraft(request.text))
            return json.dumps(_seen(record)).encode()

        content, replayed = self._keyed(request, work)
        seen = Seen(*json.loads(content))
        return Exchange(ANSWERED, 201, "", (seen,), f'"{seen.version}"', replayed)

    def _send_bulk(self, request: Operation, _: str) -> Exchange:
        drafts = [ItemDraft(text) for text in request.text.split("\n")]
        replayed = self._keyed(request, lambda: b"%d" % self._service.create_all(drafts))[1]
        return Exchange(ANSWERED, 201, replayed=replayed)

    def _keyed(self, request: Operation, work: Callable[[], bytes]) -> tuple[bytes, bool]:
        if not request.key:
            return work(), False
        return self._once.once("", request.key, fingerprint(request.text.encode()), work)

    def _send_read(self, request: Operation, _: str) -> Exchange:
        record = self._service.get(request.record)
        if record.version in (request.match or ()):
            return Exchange(ANSWERED, 304, etag=f'"{record.version}"')
        return _one(record)

    def _send_replace(self, request: Operation, _: str) -> Exchange:
        draft = ItemDraft(request.text)
        return _one(self._service.replace(request.record, draft, expected=request.match))

    def _send_change(self, request: Operation, _: str) -> Exchange:
        values = {"data": request.text}
        return _one(self._service.change(request.record, values, expected=request.match))

    def _send_delete(self, request: Operation, _: str) -> Exchange:
        return _one(self._service.delete(request.record, expected=request.match))

    def _send_page(self, request: Operation, after: str) -> Exchange:
        sort = Sort(request.sort.lstrip("-"), request.sort.startswith("-"))
        place = Position(*json.loads(after)) if after else None
        if place and sort.field.startswith("date") and isinstance(place.value, str):
            place = place._replace(value=datetime.fromisoformat(place.value))
        page = self._service.page(limit=PAGE, sort=sort, after=place)
        following = json.dumps(page.next, default=str) if page.next else ""
        seen = tuple(map(_seen, page.records))
        return Exchange(ANSWERED, 200, "", seen, complete=not following, next=following)

    def _send_export(self, request: Operation, _: str) -> Exchange:
        steps = self._service.export()
        seen = tuple(_seen(record) for records in steps for record in records)
        return Exchange(ANSWERED, 200, "", seen, complete=True)


def _one(record: Record[ItemDraft]) -> Exchange:
    return Exchange(ANSWERED, 200, "", (_seen(record),), f'"{record.version}"')


def _seen(record: Record[ItemDraft]) -> Seen:
    created, updated = record.date_created.isoformat(), record.date_updated.isoformat()
    return Seen(record.id, record.draft.data, record.version, created, updated)


def simulate(
    path: Path,
    seed: int,
    *,
    clients: int = 6,
    steps: int = 100,
    plant: Callable[[Ports], object] = lambda _: None,
) -> Run:
    """Run a plan to its end, then read everything; the history is in the file at `path`."""
    scheduler, memory = Scheduler(seed), Memory()
    ports = Ports(memory, MemoryRepository(memory, ITEMS), memory, MemoryIdempotencyRecords(memory))
    plant(ports)
    clock = Clock(scheduler)
    storage, answers, repository = (
        Paused(port, scheduler) for port in (ports.storage, ports.answers, ports.repository)
    )
    service = RecordService(ITEMS, repository, clock, Access(Mode.OPEN))
    once = Idempotency(answers, storage, clock)
    history = History(path, seed=seed, database="memory", clients=clients, steps=steps)

    def now() -> float:
        scheduler.time += 1
        return scheduler.time / 1000

    world = World(history, now, lambda _: scheduler.pause())
    working = [SimulatedClient(world, number, service, once) for number in range(clients)]
    parts = [islice(plan.steps(seed, client.number), steps) for client in working]
    scheduler.run([partial(client.run, part) for client, part in zip(working, parts, strict=True)])
    scheduler.mortal = False
    last = SimulatedClient(world, clients, service, once)
    last.once(Operation(clients, "export", 0, 0, sort="id"))
    history.close()
    with path.open(encoding="utf-8") as lines:
        return read(lines)
