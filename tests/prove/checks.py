"""Every promise that a history is held against. A finding has the few requests that show it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from tests.prove.history import ANSWERED, OPERATOR, REFUSED, Operation, Run, Seen
from tests.prove.lists import check_lists
from tests.prove.promises import PROMISES, Finding
from tests.prove.registers import Registers, creations, take_apart, texts_of
from tests.prove.search import ANY, Call, State, Undecided, find_order, smallest

# What each request may be answered with; 503 has a reason, and is REFUSED or UNKNOWN.
STATUSES = {
    "create": {201},
    "bulk": {201},
    "read": {200, 304, 404},
    "replace": {200, 404, 412},
    "change": {200, 404, 412},
    "delete": {200, 404, 412},
    "page": {200},
    "export": {200},
    "backup": {200},
}
COPIES = {"backup": "backups", "export": "exports"}  # commands, and what they promise
NEAR = 1.0  # seconds after a fault, in which a command may fail because of it


class Checked(NamedTuple):
    """What was found, and in what was looked for it."""

    findings: list[Finding]
    calls: Mapping[int, list[Call]]  # by record


def check(run: Run) -> Checked:
    """Hold a history against every promise."""
    operations = sorted(run.operations, key=lambda each: each.begun)
    registers = take_apart(operations)
    findings = [
        *_failures(run),
        *_copies(run),
        *_statuses(operations),
        *_ids(operations, registers),
        *_keys(operations, registers),
        *_etags(operations),
        *_dates(operations),
        *_bulks(operations, registers),
        *check_lists(operations, registers),
        *_lost(registers),
        *_orders(registers),
    ]
    # One of each kind for a record: the one that shows it in the fewest requests.
    fewest: dict[tuple[str, int], Finding] = {}
    for finding in sorted(findings, key=lambda found: len(found.shown)):
        fewest.setdefault((finding.promise, finding.record), finding)
    order = [*PROMISES]
    inorder = sorted(fewest.values(), key=lambda found: order.index(found.promise))
    return Checked(inorder, registers.calls)


def _failures(run: Run) -> Iterator[Finding]:
    if reason := run.about.get("failed"):
        yield Finding("end", f"The run did not come to its end: {reason}.", [])
    answered = {each.client for each in run.operations if each.outcome == ANSWERED}
    if silent := sorted({*range(run.about.get("clients", 0))} - answered):
        numbers = ", ".join(str(number + 1) for number in silent)
        yield Finding("end", f"No request was answered of these clients: {numbers}.", [])


def _copies(run: Run) -> Iterator[Finding]:
    """A command that copies all records can be used, and it works unless a fault is near."""
    for do, promise in COPIES.items():
        ran = [each for each in run.operations if (each.client, each.do) == (OPERATOR, do)]
        failed = [each for each in ran if each.outcome == REFUSED]
        if failed and len(failed) == len(ran):
            sentence = f"None of the {promise} succeeded: {failed[-1].reason}"
            yield Finding(promise, sentence, failed)
        for each in failed:
            if not _is_near_a_fault(each, run):
                sentence = f"One of the {promise} failed, with no fault near: {each.reason}"
                yield Finding(promise, sentence, [each])
        for each in ran:
            if each.outcome == ANSWERED and not each.complete:
                sentence = f"One of the {promise} can't be used: {each.reason}"
                yield Finding(promise, sentence, [each])


def _is_near_a_fault(each: Operation, run: Run) -> bool:
    """The nemesis runs the commands too: they are no faults."""
    return any(
        fault.done
        and fault.kind not in COPIES
        and fault.begun <= each.ended
        and each.begun - NEAR <= fault.ended
        for fault in run.faults
    )


def _statuses(operations: Sequence[Operation]) -> Iterator[Finding]:
    for each in operations:
        if each.outcome == ANSWERED and each.status not in STATUSES[each.do]:
            sentence = f"A request was answered {each.status}, which it can't be: {each.reason}"
            yield Finding("answers", sentence, [each], each.record)


def _ids(operations: Sequence[Operation], registers: Registers) -> Iterator[Finding]:
    """An id belongs to one creation."""
    makers: dict[int, Operation] = {}
    for creation in creations(operations):
        for text in texts_of(creation):
            for record_id in registers.ids.get(text, ()):
                other = makers.setdefault(record_id, creation)
                if other is not creation:
                    sentence = f"Two requests made records with the id {record_id}."
                    yield Finding("ids", sentence, [other, creation], record_id)
    written = {text for each in operations for text in each.text.split("\n")}
    for text in registers.ids.keys() - written:
        [*seen] = registers.ids[text].items()
        yield Finding("texts", f"No client sent the text {text!r}.", [seen[0][1]], seen[0][0])


def _keys(operations: Sequence[Operation], registers: Registers) -> Iterator[Finding]:
    """A request that made a record made one, however often it was sent."""
    tries = defaultdict(list)
    for each in operations:
        if each.do in ("create", "bulk") and each.outcome != REFUSED:
            for text in texts_of(each):
                tries[text].append(each)
    for text, sent in tries.items():
        seen = registers.ids.get(text, {})
        if len(seen) > 1:
            keyed = " with one Idempotency-Key" if sent[0].key else ""
            sentence = f"One request{keyed} made the records {sorted(seen)}."
            first = [min(sent, key=lambda each: each.begun)]
            shown = {id(each): each for each in (*first, *seen.values())}
            yield Finding("once", sentence, list(shown.values()), max(seen))
        answers = {each.seen[:1] for each in sent if each.do == "create" and each.seen}
        if len(answers) > 1 and len(seen) == 1:
            sentence = "A repeated request got another answer than the first time."
            yield Finding("once", sentence, [each for each in sent if each.seen], sent[0].record)


def _etags(operations: Sequence[Operation]) -> Iterator[Finding]:
    for each in operations:
        one = each.do in ("create", "read", "replace", "change") and each.outcome == ANSWERED
        if not one or each.status not in (200, 201, 304):
            continue
        named = [each.seen[0].version] if each.seen else each.match or ()
        if each.etag not in [f'"{version}"' for version in named]:
            sentence = f"The ETag {each.etag} is not that of version {[*named]}."
            yield Finding("etags", sentence, [each], each.record)


def _dates(operations: Sequence[Operation]) -> Iterator[Finding]:
    """The date of creation stays; that of the last change doesn't go back, whatever clocks do."""
    shown: dict[int, dict[int, tuple[Seen, Operation]]] = defaultdict(dict)
    for each in operations:
        for seen in each.seen:
            if seen.created and each.do != "delete":
                before, first = shown[seen.id].setdefault(seen.version, (seen, each))
                if (before.created, before.updated) != (seen.created, seen.updated):
                    sentence = f"The dates of version {seen.version} differ."
                    yield Finding("dates", sentence, [first, each], seen.id)
    for record_id, versions in shown.items():
        [*inorder] = [versions[number] for number in sorted(versions)]
        for (older, first), (newer, second) in pairwise(inorder):
            if older.updated > newer.updated or older.created != newer.created:
                sentence = f"A date went back from version {older.version} to {newer.version}."
                yield Finding("dates", sentence, [first, second], record_id)


def _bulks(operations: Sequence[Operation], registers: Registers) -> Iterator[Finding]:
    """All lines of a bulk request became records, or none."""
    for creation in creations(operations):
        if creation.do == "bulk":
            found = [text for text in texts_of(creation) if registers.ids.get(text)]
            if 0 < len(found) < len(texts_of(creation)):
                sentence = f"Only {len(found)} of {len(texts_of(creation))} lines became records."
                yield Finding("bulk", sentence, [creation])


def _lost(registers: Registers) -> Iterator[Finding]:
    """What was acknowledged is there at the end, in that version or a newer one, unless deleted."""
    for record_id, calls in registers.calls.items():
        deletes = [each for each in calls if each.do == "delete" and not each.changes_nothing]
        if _is_quiet(calls) or deletes:
            continue
        last = max((each for each in calls if each.do == "read"), key=_begun, default=None)
        written = [each for each in calls if each.do != "read" and isinstance(each.answer, tuple)]
        before = [each for each in written if last and each.ended < last.begun]
        newest = max(before, key=_version, default=None)
        if newest and last and _version(last) < _version(newest):
            sentence = (
                f"Version {_version(newest)} of record {record_id} was acknowledged, and lost."
            )
            shown = [each.operation for each in (newest, last) if each.operation]
            yield Finding("lost", sentence, shown, record_id)


def _begun(call: Call) -> float:
    return call.begun


def _version(call: Call) -> int:
    """That of the record in the answer; 0, if there is none."""
    return call.answer[1] if isinstance(call.answer, tuple) else 0


def _orders(registers: Registers) -> Iterator[Finding]:
    for record_id, calls in registers.calls.items():
        if _is_quiet(calls):
            continue
        try:
            if find_order(calls) is None:
                fewest, start = smallest(calls)
                yield _disorder(record_id, fewest, start)
        except Undecided:
            sentence = f"The search for an order of record {record_id} took too long."
            yield Finding("undecided", sentence, [], record_id)


def _disorder(record_id: int, calls: Sequence[Call], start: State) -> Finding:
    begin = "Whatever the record was before" if start == ANY else "From its creation on"
    sentence = f"No order of these requests explains their answers. ({begin}.)"
    shown = [call.operation for call in calls if call.operation]
    return Finding("order", sentence, shown, record_id)


def _is_quiet(calls: Sequence[Call]) -> bool:
    """A record that was created and then only read: as most are, and there is nothing to search."""
    first = min(calls, key=lambda call: call.begun)
    return all(
        call is first or (call.do == "read" and call.answer == first.answer) for call in calls
    ) and (first.do == "create" and first.ended < inf)
