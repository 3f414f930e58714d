"""A seed is a plan."""

from itertools import islice

from tests.prove.databases import COMMON
from tests.prove.plan import WEIGHTS, digest, faults, steps


def test_a_seed_gives_the_same_plan_again() -> None:
    """Client, operation, record, fault and order."""
    assert [*islice(steps(7, 3), 500)] == [*islice(steps(7, 3), 500)]
    assert faults(7, 60, COMMON) == faults(7, 60, COMMON)
    assert digest(7, 8, faults(7, 60, COMMON)) == digest(7, 8, faults(7, 60, COMMON))


def test_another_seed_or_client_gives_another_plan() -> None:
    plans = [[*islice(steps(seed, client), 50)] for seed in (7, 8) for client in (0, 1)]
    assert len({repr(plan) for plan in plans}) == 4
    assert faults(7, 60, COMMON) != faults(8, 60, COMMON)


def test_a_plan_has_everything() -> None:
    """Each kind of request, and in a minute each kind of fault."""
    assert {step.do for step in islice(steps(1, 0), 2000)} == set(WEIGHTS)
    planned = faults(1, 60, COMMON, ["rare"])
    assert {fault.kind for fault in planned} == {*COMMON, "rare"}
    assert all(0 < fault.at <= 58 for fault in planned)
