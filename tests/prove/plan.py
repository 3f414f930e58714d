"""What clients do and which faults happen, decided by a seed alone: nothing here looks at a clock.

A client works on slots. A slot names the record that a create put there last, so that a plan can
say "the record of slot 5" before any id is known.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

SLOTS = 24
# How often each thing is done, to one another.
WEIGHTS = {
    "create": 12,
    "read": 28,
    "replace": 24,
    "change": 16,
    "delete": 6,
    "bulk": 0.6,
    "walk": 0.6,
    "export": 0.6,
}
BULK = 3  # records that one bulk request brings
# Orders in which lists are read; the first two are by values that never change.
SORTS = ("id", "-date_created", "data", "-id", "date_updated")


class Step(NamedTuple):
    """What one client does next."""

    client: int
    number: int
    do: str
    slot: int
    # Which versions the request names: none, the last that a client saw, or the one before.
    condition: str = ""  # "", "known" or "earlier"
    # With an Idempotency-Key, and how often the same request is sent again after its answer.
    key: bool = False
    repeats: int = 0
    # Sent again after an unknown outcome, as a cautious client does that names a version.
    retries: int = 0
    # After a create: delete the record that was in the slot, so that their number stays the same.
    drops: bool = False
    sort: str = "id"
    pause: float = 0.0  # seconds

    @property
    def text(self) -> str:
        """What this step writes; no other step writes the same."""
        return f"{self.client}.{self.number}"


class Fault(NamedTuple):
    """Something that happens to the servers, so many seconds after the start."""

    at: float
    kind: str
    target: int  # which of several servers, workers, or values
    lasts: float  # seconds


def steps(seed: int, client: int) -> Iterator[Step]:
    """All that a client does, without an end."""
    choice = random.Random(f"client {client} of {seed}")  # noqa: S311 (no secret)
    number = 0
    while True:
        number += 1
        [do] = choice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        conditions = ["", "known"] if do == "read" else ["", "known", "known", "earlier"]
        key = do in ("create", "bulk") and choice.random() < 0.8
        yield Step(
            client,
            number,
            do,
            # Some slots are busier than others, so that clients meet.
            slot=min(choice.randrange(SLOTS), choice.randrange(SLOTS)),
            condition=choice.choice(conditions),
            key=key,
            repeats=int(key and choice.random() < 0.3),
            retries=choice.choice((0, 2)),
            drops=choice.random() < 0.8,
            sort=choice.choice(SORTS),
            pause=choice.choice((0, 0, 0.01, 0.03)),
        )


def faults(
    seed: int, seconds: float, kinds: Sequence[str], rare: Sequence[str] = ()
) -> list[Fault]:
    """Every kind in turn, in a new order each round; the rare ones in every third round alone."""
    choice = random.Random(f"faults of {seed}")  # noqa: S311
    found: list[Fault] = []
    at, number = 1.5, 0
    while kinds or rare:
        round_ = [*kinds, *(rare if number % 3 == 0 else ())]
        choice.shuffle(round_)
        for kind in round_:
            if at > seconds - 2:
                return found
            found.append(Fault(at, kind, choice.randrange(1000), choice.choice((0.5, 1.0, 2.0))))
            at = round(at + choice.choice((2.0, 2.5, 3.0)), 3)
        number += 1
    return found


def digest(seed: int, clients: int, planned: Sequence[Fault]) -> str:
    """A short name of a plan: two plans with the same name are the same."""
    whole = [[*islice(steps(seed, client), 1000)] for client in range(clients)]
    return hashlib.sha256(repr((whole, planned)).encode()).hexdigest()[:12]
