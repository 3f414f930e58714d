"""Every promise, and the smallest history that breaks it."""

from html import escape
from typing import Any

import pytest

from tests.prove.checks import check
from tests.prove.history import OPERATOR, REFUSED, UNKNOWN, FaultRun, Operation, Run, Seen
from tests.prove.promises import PROMISES
from tests.prove.report import page


def _at(begun: float, do: str, *seen: Seen, **more: Any) -> Operation:
    """A request that was answered half a second after it was sent."""
    status = 201 if do in ("create", "bulk") else 200
    etag = f'"{seen[0].version}"' if len(seen) == 1 else ""
    values = {"status": status, "seen": seen, "etag": etag, **more}
    return Operation(0, do, begun, begun + 0.5)._replace(**values)


def _created(begun: float, record: int, text: str, **more: Any) -> Operation:
    return _at(begun, "create", Seen(record, text, 1), record=record, text=text, **more)


def _listed(begun: float, *seen: Seen, **more: Any) -> Operation:
    return _at(begun, "page", *seen, **{"sort": "id", "walk": "w", "complete": True, **more})


ONE, TWO = Seen(1, "a", 1), Seen(2, "b", 1)
FIRST, SECOND = _created(0, 1, "a"), _created(0, 2, "b")


def _command(begun: float, do: str, *, works: bool = True) -> Operation:
    """What an operator runs; one that fails says why."""
    done = _at(begun, do, sort="id", client=OPERATOR, complete=works)
    return done if works else done._replace(outcome=REFUSED, status=0, reason="locked")


GONE = _at(9, "export", sort="id", complete=True)

KEPT = {
    "nothing": [],
    "a walk that was broken off": [FIRST, SECOND, _listed(1, ONE, complete=False)],
    "a record that was deleted meanwhile": [
        FIRST,
        _at(1, "delete", ONE, record=1),
        _listed(1.2, TWO),
        SECOND,
    ],
    "a record that moves in the order of a walk": [
        FIRST,
        _listed(1, ONE, sort="data", complete=False),
        _at(1.1, "replace", Seen(1, "z", 2), record=1, text="z"),
        _listed(2, Seen(1, "z", 2), sort="data"),
    ],
    "one key, sent twice": [_created(0, 1, "a", key="k"), _created(1, 1, "a", key="k")],
    "a bulk request that came to nothing": [
        _at(0, "bulk", text="a\nb", outcome=UNKNOWN, status=0),
        GONE,
    ],
    "a backup that failed near a fault": [
        _command(0.5, "backup", works=False),
        _command(5, "backup"),
    ],
}
BROKEN = {
    "lost": [FIRST, _at(1, "change", Seen(1, "c", 2), record=1, text="c"), _listed(3, ONE)],
    "once": [_created(0, 1, "a", key="k"), _created(1, 2, "a", key="k")],
    "ids": [FIRST, _created(1, 1, "b")],
    "order": [FIRST, _at(1, "read", status=404, record=1)],
    "order, though the request was repeated": [
        _created(0, 1, "a", key="k"),
        _at(1, "read", status=404, record=1),
        _created(2, 1, "a", key="k"),
    ],
    "texts": [FIRST, _listed(1, ONE, Seen(7, "who?", 1))],
    "bulk": [_at(0, "bulk", text="a\nb"), _listed(1, ONE)],
    "etags": [FIRST, _at(1, "read", ONE, record=1, etag='"2"')],
    "dates": [
        _at(0, "create", Seen(1, "a", 1, "12:00", "12:00"), record=1, text="a"),
        _at(1, "change", Seen(1, "c", 2, "12:00", "11:00"), record=1, text="c"),
    ],
    "answers": [_at(0, "read", status=500, record=1)],
    "backups": [_command(0, "backup")._replace(complete=False, reason="no database")],
    "backups, all of them": [_command(0.5, "backup", works=False)],
    "backups, with no fault near": [_command(5, "backup", works=False), _command(8, "backup")],
    "exports": [_command(0, "export")._replace(complete=False, reason="no JSON")],
    "exports, all of them": [_command(0.5, "export", works=False)],
    "exports, with no fault near": [_command(5, "export", works=False), _command(8, "export")],
}
LISTS = {
    "missed": [FIRST, SECOND, _listed(1, ONE)],
    "twice": [FIRST, _listed(1, ONE, complete=False), _listed(2, ONE)],
    "out of its order": [FIRST, SECOND, _listed(1, TWO, ONE)],
    "missed by an export": [FIRST, GONE],
    "missed by a backup": [FIRST, _at(1, "backup", sort="id", complete=True)],
}


def _run(operations: list[Operation]) -> Run:
    about = {"database": "sqlite", "seconds": 9, "seed": 1}
    return Run(about, operations, [FaultRun("kill a worker", 0.1, 0.2)])


@pytest.mark.parametrize("operations", KEPT.values(), ids=KEPT)
def test_no_promise_is_called_broken_that_was_kept(operations: list[Operation]) -> None:
    assert check(_run(operations)).findings == []


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_is_found(promise: str) -> None:
    """And the page can show it."""
    run = _run(BROKEN[promise])
    checked = check(run)
    assert promise.partition(",")[0] in {each.promise for each in checked.findings}
    assert escape(checked.findings[0].sentence) in page(run, checked)


@pytest.mark.parametrize("what", LISTS)
def test_a_list_that_is_not_whole_is_found(what: str) -> None:
    findings = check(_run(LISTS[what])).findings
    assert [each.promise for each in findings] == ["lists"]
    assert what.partition(" by")[0] in findings[0].sentence


def test_every_kind_of_finding_has_its_words() -> None:
    """Those with a history here; the search may be undecided, and a run may not end."""
    names = {promise.partition(",")[0] for promise in BROKEN}
    assert names | {"lists", "undecided", "end"} == set(PROMISES)


def test_the_command_itself_is_no_fault_near_it() -> None:
    run = _run(BROKEN["backups, with no fault near"])
    run.faults.append(FaultRun("backup", 5, 5.5, "failed: locked"))
    run.faults.append(FaultRun("power cut", 5, 5, "it needs root", done=False))
    assert [each.promise for each in check(run).findings] == ["backups"]


def test_a_client_without_an_answer_is_a_finding() -> None:
    """The second of two: it may have crashed, or talked to nothing."""
    run = _run([FIRST, _at(1, "read", record=1, client=1, outcome=UNKNOWN, status=0)])
    run.about["clients"] = 2
    [finding] = check(run).findings
    assert (finding.promise, finding.sentence[-3:]) == ("end", " 2.")


def test_a_run_that_hangs_is_a_finding() -> None:
    run = _run([FIRST])
    run.about["failed"] = "a client waited"
    assert [each.promise for each in check(run).findings] == ["end"]
