"""The service in memory: runs that can be repeated, and faults that are planted and found."""

from pathlib import Path

import pytest

from tests.prove.checks import check
from tests.prove.planted import FAULTS
from tests.prove.promises import Finding
from tests.prove.report import page
from tests.prove.simulation import simulate


def test_a_run_is_the_same_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        simulate(path, 7, steps=40)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("seed", [1, 2, pytest.param(range(3, 30), marks=pytest.mark.slow)])
def test_no_promise_is_broken(tmp_path: Path, seed: int | range) -> None:
    for each in [seed] if isinstance(seed, int) else seed:
        run = simulate(tmp_path / "history", each)
        assert check(run).findings == []
        assert {each.outcome for each in run.operations} == {"answered", "unknown"}


# The promise that each fault breaks, and how many requests show it at most.
BREAKS = {
    "check-then-write": ("order", 2),
    "check-then-delete": ("order", 3),
    "offset paging": ("lists", 3),
    "an id given again": ("ids", 2),
    "an idempotency entry in a transaction of its own": ("once", 3),
    "a stale read": ("order", 3),
    "a forgotten write": ("order", 2),
}
NAMED = ("check-then-write", "offset paging", "an id given again")


def _found(name: str, path: Path) -> Finding:
    """The smallest finding of the promise that is broken."""
    promise, _ = BREAKS[name]
    for seed in range(5):
        run = simulate(path, seed, steps=200, plant=FAULTS[name])
        found = [each for each in check(run).findings if each.promise == promise]
        if found:
            return min(found, key=lambda finding: len(finding.shown))
    raise AssertionError(f"{name} was not found")


@pytest.mark.parametrize(
    "name",
    [name if name in NAMED else pytest.param(name, marks=pytest.mark.slow) for name in BREAKS],
)
def test_a_planted_fault_is_found_in_few_requests(tmp_path: Path, name: str) -> None:
    finding = _found(name, tmp_path / "history")
    print(finding)
    assert 1 < len(finding.shown) <= BREAKS[name][1]
    assert finding.record


def test_an_idempotency_entry_apart_from_its_record_is_found(tmp_path: Path) -> None:
    """Both tries of the request are shown, or the list in which its second record is."""
    finding = _found("an idempotency entry in a transaction of its own", tmp_path / "history")
    assert len({each.key for each in finding.shown if each.key}) == 1


def test_the_page_shows_what_was_found(tmp_path: Path) -> None:
    """By itself: it needs nothing from elsewhere."""
    run = simulate(tmp_path / "history", 1, plant=FAULTS["check-then-write"])
    checked = check(run)
    shown = page(run, checked)
    assert checked.findings[0].sentence in shown
    assert "broken promises were found" in shown
    assert 'id="finding-1"' in shown
    assert not [word for word in ("src=", "href=", "url(", "<script", "@import") if word in shown]


def test_the_page_says_that_all_is_well(tmp_path: Path) -> None:
    """With a record as an example, in an order that is found, and every fault that was not run."""
    run = simulate(tmp_path / "history", 1)
    run.about["not_run"] = {"power cut": "needs root"}
    shown = page(run, check(run))
    assert "No promise was broken." in shown
    assert "an order in which every answer is true" in shown
    assert "needs root" in shown
