"""Every promise that a history is held against. A finding has the few requests that show it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from tests.prove.history import ANSWERED, REFUSED, Operation, Run, Seen
from tests.prove.registers import Registers, creations, take_apart, texts_of
from tests.prove.search import ANY, Call, State, Undecided, find_order, smallest

# The worst is shown first.
PROMISES = (
    *("end", "lost", "once", "ids", "order", "lists", "bulk", "texts"),
    *("backups", "etags", "dates", "answers", "undecided"),
)
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
# The orders whose values never change: a walk in them meets no record twice.
FIXED = ("id", "date_created")
VALUES: Mapping[str, Callable[[Seen], tuple[str | int, int]]] = {
    "id": lambda seen: (seen.id, seen.id),
    "data": lambda seen: (seen.text, seen.id),
    "date_created": lambda seen: (seen.created, seen.id),
    "date_updated": lambda seen: (seen.updated, seen.id),
}


class Finding(NamedTuple):
    """A promise that was not kept, and the requests that show it."""

    promise: str
    sentence: str
    shown: Sequence[Operation]
    record: int = 0


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
        *_statuses(operations),
        *_ids(operations, registers),
        *_keys(operations, registers),
        *_etags(operations),
        *_dates(operations),
        *_bulks(operations, registers),
        *_lists(operations, registers),
        *_lost(registers),
        *_orders(registers),
    ]
    # One of each kind for a record: the one that shows it in the fewest requests.
    fewest: dict[tuple[str, int], Finding] = {}
    for finding in sorted(findings, key=lambda found: len(found.shown)):
        fewest.setdefault((finding.promise, finding.record), finding)
    inorder = sorted(fewest.values(), key=lambda found: PROMISES.index(found.promise))
    return Checked(inorder, registers.calls)


def _failures(run: Run) -> Iterator[Finding]:
    if reason := run.about.get("failed"):
        yield Finding("end", f"The run did not come to its end: {reason}.", [])


def _statuses(operations: Sequence[Operation]) -> Iterator[Finding]:
    for each in operations:
        if each.outcome == ANSWERED and each.status not in STATUSES[each.do]:
            sentence = f"A request was answered {each.status}, which it can't be: {each.reason}"
            yield Finding("answers", sentence, [each], each.record)
        if each.do == "backup" and each.outcome == ANSWERED and not each.complete:
            yield Finding("backups", f"A backup can't be used: {each.reason}", [each])


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


class Life(NamedTuple):
    """When a record was there for certain, and when something may have changed it."""

    known: float
    gone: float
    changes: list[tuple[float, float]]
    maker: Operation


def _lives(registers: Registers) -> dict[int, Life]:
    lives = {}
    for record_id, calls in registers.calls.items():
        shown = [call for call in calls if isinstance(call.answer, tuple) and call.do != "delete"]
        writes = [call for call in calls if not call.changes_nothing]
        if not shown:
            continue
        first = min(shown, key=lambda call: call.ended)
        assert first.operation
        lives[record_id] = Life(
            first.ended,
            min((call.begun for call in writes if call.do == "delete"), default=inf),
            [(call.begun, call.ended) for call in writes if call.do == "write"],
            first.operation,
        )
    return lives


def _lists(operations: Sequence[Operation], registers: Registers) -> Iterator[Finding]:
    """A walk by `next`, an export or a backup meets what was there throughout, exactly once."""
    lives = _lives(registers)
    walks: dict[str, list[Operation]] = defaultdict(list)
    for number, each in enumerate(operations):
        if each.do in ("page", "export", "backup") and each.outcome == ANSWERED:
            walks[each.walk or str(number)].append(each)
    for pages in walks.values():
        yield from _walk(pages, lives)


def _walk(pages: Sequence[Operation], lives: Mapping[int, Life]) -> Iterator[Finding]:
    begun, ended, do = pages[0].begun, pages[-1].ended, pages[0].do
    field = pages[0].sort.lstrip("-")
    what = "A walk by `next`" if do == "page" else f"A{'n' * (do == 'export')} {do}"
    met = Counter(seen.id for page in pages for seen in page.seen)

    def unmoved(life: Life) -> bool:
        return field in FIXED or not any(a <= ended and begun <= b for a, b in life.changes)

    for record_id, count in met.items():
        life = lives.get(record_id)
        if count > 1 and (life is None or unmoved(life)):
            shown = [page for page in pages if any(seen.id == record_id for seen in page.seen)]
            yield Finding("lists", f"{what} met record {record_id} twice.", shown, record_id)
    # A value that changes may be met in any order, but not within one page.
    for part in [[*pages]] if field in FIXED else [[page] for page in pages]:
        values = [VALUES[field](seen) for page in part for seen in page.seen]
        if values != sorted(values, reverse=pages[0].sort.startswith("-")):
            yield Finding("lists", f"{what} is out of its order by {field}.", part)
    if not pages[-1].complete:
        return
    for record_id, life in lives.items():
        if life.known < begun and ended < life.gone and record_id not in met and unmoved(life):
            sentence = f"{what} missed record {record_id}, which was there throughout."
            shown = [life.maker, *_around(pages, record_id)]
            yield Finding("lists", sentence, shown, record_id)


def _around(pages: Sequence[Operation], record_id: int) -> Sequence[Operation]:
    """The pages between which a record is missing; all, where its place isn't known."""
    if pages[0].sort != "id":
        return pages
    after = [n for n, page in enumerate(pages) if page.seen and page.seen[-1].id > record_id]
    first = after[0] if after else len(pages) - 1
    return pages[max(first - 1, 0) : first + 1]


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
