"""A client: it carries out its part of the plan, and writes down every request and answer."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.prove.history import ANSWERED, History, Operation, Seen
from tests.prove.plan import BULK, Step

MOST_PAGES = 1000  # of a walk: one that has no end has met records twice by then
PATIENCE = 60.0  # seconds until a client stops asking for an answer that it must have


class Known(NamedTuple):
    """What the clients know of the record in a slot."""

    id: int
    version: int


class Exchange(NamedTuple):
    """What came of a request: the last four of an `Operation`'s, and where the next page starts."""

    outcome: str
    status: int = 0
    reason: str = ""
    seen: tuple[Seen, ...] = ()
    etag: str = ""
    replayed: bool = False
    complete: bool = False
    next: str = ""


@dataclass
class World:
    """What all clients of a run share."""

    history: History
    now: Callable[[], float]  # seconds since the start
    sleep: Callable[[float], object]
    closing: threading.Event = field(default_factory=threading.Event)
    slots: dict[int, Known] = field(default_factory=dict)


class Client(ABC):
    def __init__(self, world: World, number: int) -> None:
        self.number = number
        self._world = world
        self._walks = 0

    @abstractmethod
    def exchange(self, request: Operation, after: str) -> Exchange:
        """Send one request. `after` is where its page starts."""

    def run(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if self._world.closing.is_set():
                break
            self.take(step)
            self._world.sleep(step.pause)

    def take(self, step: Step) -> None:
        if step.do in ("create", "bulk"):
            self._create(step)
        elif step.do == "walk":
            self._walk(step)
        elif step.do == "export":
            self.once(self._request("export", sort="id"))
        else:
            self._work_on_one(step)

    def once(self, request: Operation, after: str = "") -> tuple[Operation, str]:
        """Send a request and write down what came of it; where the next page starts."""
        begun = self._world.now()
        found = self.exchange(request, after)._asdict()
        following = str(found.pop("next"))
        done = request._replace(begun=begun, ended=self._world.now(), **found)
        if done.seen and not done.record and done.do == "create":
            done = done._replace(record=done.seen[0].id)
        self._world.history.add(done)
        return done, following

    def until_answered(self, request: Operation, after: str = "") -> tuple[Operation, str]:
        """Send a request, which may be sent again, until there is an answer; or patience ends."""
        end = self._world.now() + PATIENCE
        while True:
            done, following = self.once(request, after)
            if done.outcome == ANSWERED or done.ended > end:
                return done, following
            self._world.sleep(0.05)

    def _request(self, do: str, **values: Any) -> Operation:
        return Operation(self.number, do, 0, 0)._replace(**values)

    def _create(self, step: Step) -> None:
        text = step.text
        if step.do == "bulk":
            text = "\n".join(f"{step.text}/{line}" for line in range(BULK))
        request = self._request(step.do, text=text, key=step.text if step.key else "")
        done, _ = self.until_answered(request) if step.key else self.once(request)
        for _ in range(step.repeats):
            self.once(request)
        if done.do == "create" and done.seen:
            before = self._world.slots.get(step.slot)
            self._world.slots[step.slot] = Known(done.seen[0].id, 1)
            if before and step.drops:
                self.once(self._request("delete", record=before.id))

    def _work_on_one(self, step: Step) -> None:
        slots = self._world.slots
        known = slots.get(step.slot)
        if known is None:
            return
        versions = {"known": known.version, "earlier": max(known.version - 1, 1)}
        match = (versions[step.condition],) if step.condition else None
        text = step.text if step.do in ("replace", "change") else ""
        request = self._request(step.do, record=known.id, match=match, text=text)
        for _ in range(1 + step.retries):
            done, _ = self.once(request)
            if done.outcome == ANSWERED:
                break
            self._world.sleep(0.05)
        if done.seen and slots[step.slot].id == known.id:
            slots[step.slot] = Known(known.id, done.seen[0].version)

    def _walk(self, step: Step) -> None:
        self._walks += 1
        request = self._request("page", walk=f"{self.number}.{self._walks}", sort=step.sort)
        _, following = self.until_answered(request)
        for _ in range(MOST_PAGES):
            if not following or self._world.closing.is_set():
                break
            _, following = self.until_answered(request, following)
