"""What clients saw, in the order in which it ended: one JSON object a line."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

# How a request ended. Without an answer, or with one that leaves it open, it may have been carried
# out, and may still be. One that was refused was not: nothing listened, or the server said so.
ANSWERED, UNKNOWN, REFUSED = "answered", "unknown", "refused"
OPERATOR = -2  # as a client: what runs commands


class Seen(NamedTuple):
    """One record in an answer."""

    id: int
    text: str
    version: int
    created: str = ""
    updated: str = ""


class Operation(NamedTuple):
    """One request and what came of it; times are in seconds since the start."""

    client: int
    do: str  # create, bulk, read, replace, change, delete, page, export, backup
    begun: float
    ended: float
    outcome: str = ANSWERED
    status: int = 0  # 0: none
    reason: str = ""  # why there is no answer, or what a refusal said
    record: int = 0  # the id, where one is known
    text: str = ""  # what it writes
    match: tuple[int, ...] | None = None  # the versions in If-Match or If-None-Match
    key: str = ""
    replayed: bool = False
    etag: str = ""
    seen: tuple[Seen, ...] = ()
    # Of lists: which walk a page belongs to, in which order, and whether this was its end.
    walk: str = ""
    sort: str = ""
    complete: bool = False


class FaultRun(NamedTuple):
    """A fault that was done, or was not, and then `detail` says why."""

    kind: str
    begun: float
    ended: float
    detail: str = ""
    done: bool = True


class History:
    """The file of one run. Clients and the nemesis write to it from several threads."""

    def __init__(self, path: Path, **about: Any) -> None:
        self._lock = threading.Lock()
        self._file: IO[str] = path.open("w", encoding="utf-8")
        self._write("run", about)

    def add(self, operation: Operation) -> None:
        defaults = Operation._field_defaults
        found = operation._asdict() | {"seen": [_row(seen) for seen in operation.seen]}
        self._write("request", {k: v for k, v in found.items() if defaults.get(k) != v and v != []})

    def add_fault(self, fault: FaultRun) -> None:
        self._write("fault", fault._asdict())

    def close(self, failed: str = "") -> None:
        """End it; `failed` says why the run could not be brought to its end."""
        self._write("run", {"failed": failed})
        self._file.close()

    def _write(self, kind: str, values: dict[str, Any]) -> None:
        line = json.dumps({"line": kind, **values}, separators=(",", ":"))
        with self._lock:
            self._file.write(f"{line}\n")


class Run(NamedTuple):
    """All that a history file says."""

    about: dict[str, Any]
    operations: list[Operation]
    faults: list[FaultRun]


def read(lines: Iterable[str]) -> Run:
    """What `History` wrote."""
    run, seen = Run({}, [], []), dict[tuple[Any, ...], Seen]()
    for values in map(json.loads, lines):
        kind = values.pop("line")
        if kind == "run":
            run.about.update(values)
        elif kind == "fault":
            run.faults.append(FaultRun(**values))
        else:
            run.operations.append(_operation(values, seen))
    return run


def _operation(values: dict[str, Any], seen: dict[tuple[Any, ...], Seen]) -> Operation:
    # Most records look the same in many answers: one object for all.
    values["seen"] = tuple(
        seen.setdefault(key := tuple(row), Seen(*key)) for row in values.get("seen", ())
    )
    if values.get("match") is not None:
        values["match"] = tuple(values["match"])
    return Operation(**values)


def _row(seen: Seen) -> list[Any]:
    """Without dates where there are none: exports are long."""
    return list(seen if seen.created else seen[:3])
