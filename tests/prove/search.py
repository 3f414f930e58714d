"""Is there an order of requests that explains every answer? If not: in which few of them?

Each record is a register: what it is changes by whole requests, one after another, and each request
takes effect at one moment between its begin and its end. A history of a record for which such an
order exists is called linearizable. The search is that of Wing and Gong ("Testing and Verifying
Concurrent Objects", 1993) with Lowe's memory of states that were seen before ("Testing for
Linearizability", 2017). Records are searched one by one: if each has an order, all have one
(Herlihy and Wing, "Linearizability", 1990, theorem 1).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import inf
from typing import NamedTuple

from tests.prove.history import Operation

# What a record is: its text and version; None before it is there, and when it is gone.
State = tuple[str, int] | None
# The start of a history whose beginning is left out: it may be anything.
ANY: State = ("anything", -1)
_NEVER: State = ("no state has this answer", -2)
# How many parts of orders the search looks at, until it gives up: to go on could take for ever.
MOST_LOOKS = 500_000

# Answers beside a state.
ABSENT, MISMATCH, UNCHANGED, UNKNOWN = "absent", "mismatch", "unchanged", "unknown"


class Undecided(Exception):
    """The search took too long."""


class Call(NamedTuple):
    """What one request did to one record, or was told of it. `ended` is inf if that is unknown."""

    begun: float
    ended: float
    do: str  # create, read, write, delete
    answer: str | State  # the record in the answer, or one of the words above
    text: str = ""
    match: tuple[int, ...] | None = None
    operation: Operation | None = None

    @property
    def changes_nothing(self) -> bool:
        """A request that left the record as it was, whatever it was."""
        return self.do == "read" or self.answer in (ABSENT, MISMATCH)


def after(call: Call, state: State) -> State:
    """What the record is after a call, or `_NEVER` if its answer can't come from this state."""
    if state == ANY:
        return _after_anything(call)
    if call.do == "create":
        return (call.text, 1) if state is None else _NEVER
    if call.do == "read":
        return _after_read(call, state)
    if state is None:
        return None if call.answer in (ABSENT, UNKNOWN) else _NEVER
    text, version = state
    if call.match is not None and version not in call.match:
        return state if call.answer in (MISMATCH, UNKNOWN) else _NEVER
    changed: State = None
    if call.do == "write":
        changed = state if call.text == text else (call.text, version + 1)
    # A delete answers with what it deleted.
    shown = changed if call.do == "write" else state
    return changed if call.answer in (shown, UNKNOWN) else _NEVER


def _after_read(call: Call, state: State) -> State:
    if call.answer == UNCHANGED:
        return state if state and state[1] in (call.match or ()) else _NEVER
    shown = None if call.answer == ABSENT else call.answer
    return state if shown == state else _NEVER


def _after_anything(call: Call) -> State:
    if call.answer in (UNKNOWN, MISMATCH, UNCHANGED):
        return ANY
    if call.answer == ABSENT or call.do == "delete":
        return None
    assert isinstance(call.answer, tuple)
    return call.answer


class _Node(NamedTuple):
    """A part of an order: which calls are in it (a bit for each), and what the record is then."""

    done: int
    state: State
    path: "tuple[int, tuple[int, object] | None] | None" = None

    def then(self, number: int, state: State) -> "_Node":
        return _Node(self.done | 1 << number, state, (number, self.path))


def find_order(calls: Sequence[Call], start: State = None) -> list[Call] | None:
    """The answered calls, and the unknown ones that it takes, in an order that explains them.

    None: there is no such order. Raises: Undecided.
    """
    calls = sorted(calls, key=lambda call: (call.begun, call.ended))
    needed = sum(1 << n for n, call in enumerate(calls) if call.ended < inf)
    stack, known = [_Node(0, start)], set[tuple[int, State]]()
    looked = 0
    while stack:
        looked += 1
        if looked > MOST_LOOKS:
            raise Undecided
        node = _settle(calls, stack.pop())
        if not needed & ~node.done:
            return _unfold(calls, node)
        if (node.done, node.state) in known:
            continue
        known.add((node.done, node.state))
        for number in _open(calls, node.done):
            state = after(calls[number], node.state)
            if state not in (_NEVER, node.state):
                stack.append(node.then(number, state))
    return None


def _settle(calls: Sequence[Call], node: _Node) -> _Node:
    """Add the calls that may come next and leave the record as it is: no order needs them later."""
    found = True
    while found:
        found = False
        for number in _open(calls, node.done):
            if calls[number].ended < inf and after(calls[number], node.state) == node.state:
                node, found = node.then(number, node.state), True
                break
    return node


def _open(calls: Sequence[Call], done: int) -> Iterator[int]:
    """The calls that may come next: those that began before any of the others ended."""
    first_end = inf
    number = (~done & (done + 1)).bit_length() - 1  # the first that is not in the order
    while number < len(calls) and calls[number].begun <= first_end:
        if not done >> number & 1:
            first_end = min(first_end, calls[number].ended)
            yield number
        number += 1


def _unfold(calls: Sequence[Call], node: _Node) -> list[Call]:
    order, path = [], node.path
    while path is not None:
        order.append(calls[path[0]])
        path = path[1]  # type: ignore[assignment]  # mypy has no recursive tuples
    return order[::-1]


def smallest(calls: Sequence[Call]) -> tuple[list[Call], State]:
    """The fewest calls of a history without an order that have none by themselves, and their start.

    Whatever is left out here, an order of the rest would remain one. So the rest is at fault too:
    what began after a moment; what ended before another, if the start may then be anything; and
    calls that changed nothing.
    """
    # As long as the fault is there, end earlier, then begin later.
    ends = sorted({call.ended for call in calls if call.ended < inf})
    first = bisect_left(ends, True, key=lambda end: _fails(_until(calls, end)))  # noqa: FBT003
    calls, start = _until(calls, ends[first]), None
    if _fails(calls, ANY):
        begins = sorted({call.begun for call in calls}, reverse=True)
        last = bisect_left(begins, True, key=lambda at: _fails(_since(calls, at), ANY))  # noqa: FBT003
        calls, start = _since(calls, begins[last]), ANY
    for call in [each for each in calls if each.changes_nothing]:
        fewer = [each for each in calls if each is not call]
        if _fails(fewer, start):
            calls = fewer
    return calls, start


def _fails(calls: Sequence[Call], start: State = None) -> bool:
    return find_order(calls, start) is None


def _until(calls: Sequence[Call], end: float) -> list[Call]:
    """What was known at a moment. What ended later is unknown then, and reads are left out."""
    begun = [call for call in calls if call.begun <= end]
    return [
        call if call.ended <= end else call._replace(ended=inf, answer=UNKNOWN)
        for call in begun
        if call.ended <= end or not call.changes_nothing
    ]


def _since(calls: Sequence[Call], begin: float) -> list[Call]:
    """What began at a moment or later, and the writes that were under way or are unknown."""
    late = [call for call in calls if call.ended >= begin]
    return [
        call if call.begun >= begin else call._replace(ended=inf, answer=UNKNOWN)
        for call in late
        if call.begun >= begin or not call.changes_nothing
    ]
