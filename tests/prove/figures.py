"""What a run amounts to, in numbers."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.prove.history import ANSWERED, REFUSED, UNKNOWN, Operation, Run

WRITES = ("create", "bulk", "replace", "change", "delete")


class Pause(NamedTuple):
    """The longest time in which no write was acknowledged, in seconds since the start."""

    begun: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


class Figures(NamedTuple):
    requests: int
    by_kind: dict[str, Counter[str]]  # by what was asked: how it ended
    faults: Counter[str]
    not_run: dict[str, str]
    pause: Pause
    records: int

    @property
    def unknown(self) -> int:
        return sum(counts["unknown"] for counts in self.by_kind.values())


def figures(run: Run, records: int) -> Figures:
    by_kind: dict[str, Counter[str]] = {}
    for each in run.operations:
        by_kind.setdefault(each.do, Counter())[_ending(each)] += 1
    return Figures(
        len(run.operations),
        by_kind,
        Counter(fault.kind for fault in run.faults if fault.done),
        dict(run.about.get("not_run", {})),
        longest_pause(run.operations),
        records,
    )


def _ending(each: Operation) -> str:
    if each.outcome == UNKNOWN:
        return "unknown"
    if each.outcome == REFUSED:
        return "503" if each.status else "no connection"
    return str(each.status)


def longest_pause(operations: Sequence[Operation]) -> Pause:
    moments = sorted(
        each.ended
        for each in operations
        if each.do in WRITES and each.outcome == ANSWERED and each.status < 300
    )
    gaps = [Pause(a, b) for a, b in pairwise(moments)]
    return max(gaps, key=lambda gap: gap.seconds, default=Pause(0, 0))
