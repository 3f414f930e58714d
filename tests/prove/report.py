"""The result of a run as one page of HTML, for people who never heard of such checks."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from string import Template

from tests.prove.checks import Checked
from tests.prove.figures import Figures, figures
from tests.prove.history import ANSWERED, Operation, Run
from tests.prove.pictures import NUMBERED, close_up, timeline
from tests.prove.promises import PROMISES, Finding
from tests.prove.search import Call, find_order

SHOWN = 8  # findings with their pictures
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "memory": "a store in memory"}
NEAR = 2.0  # seconds: a fault that ended so long before may be the reason
MOST_LISTED = 12  # requests in a table
DOES = {
    "create": "create {text}",
    "bulk": "create several",
    "read": "read",
    "replace": "replace by {text}",
    "change": "change to {text}",
    "delete": "delete",
    "page": "list by {sort}",
    "export": "export",
    "backup": "back up",
}


def page(run: Run, checked: Checked) -> str:
    """The whole page."""
    found, counted = checked.findings, figures(run, len(checked.calls))
    marked = found[0].shown if found else ()
    about = run.about
    template = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title="Does Datas keep its promises under faults?",
        tone="bad" if found else "good",
        verdict=verdict(checked, counted),
        summary=_summary(run, counted),
        findings="".join(_finding(run, *each) for each in enumerate(chosen(found), 1)),
        clients=about.get("clients", ""),
        timeline=timeline(run, marked),
        pause=f"{counted.pause.seconds:.2f} s, {counted.pause.begun:.1f} s after the start",
        example=_example(checked),
        promises="; ".join(promise.kept for promise in PROMISES.values()),
        figures=_figures(counted),
        faults=_faults(run, counted),
        again=escape(again(run)),
        plan=about.get("plan", ""),
    )


def verdict(checked: Checked, counted: Figures) -> str:
    if not checked.findings:
        return "No promise was broken."
    kinds = sorted({each.promise for each in checked.findings})
    return f"{len(checked.findings)} broken promises were found ({', '.join(kinds)})."


def again(run: Run) -> str:
    about = run.about
    minutes = about.get("seconds", 0) / 60
    words = f"--minutes {minutes:g} --seed {about.get('seed')}"
    other = "" if about.get("database") == "sqlite" else f" --database {about.get('database')}"
    return f'make prove ARGS="{words}{other}"'


def _summary(run: Run, counted: Figures) -> str:
    return (
        f"{counted.requests:,} requests about {counted.records:,} records on "
        f"{_DATABASES[run.about['database']]}, under {sum(counted.faults.values())} faults of "
        f"{len(counted.faults)} kinds; "
        f"{counted.unknown:,} requests had no answer. Seed {run.about.get('seed')}."
    )


def chosen(findings: Sequence[Finding]) -> list[Finding]:
    """A few to be shown: first one for each promise, then others about other records."""
    firsts = {each.promise: each for each in reversed(findings)}
    chosen = {each.record: each for each in (*findings, *firsts.values())}
    inorder = [each for each in findings if each in chosen.values()]
    return sorted(inorder, key=lambda each: each not in firsts.values())[:SHOWN]


def _finding(run: Run, number: int, finding: Finding) -> str:
    shown = [_of_record(each, finding.record) for each in finding.shown[:MOST_LISTED]]
    head = f'<h2 id="finding-{number}">{number}. {escape(finding.sentence)}</h2>'
    if not shown:
        return head
    begin, end = min(each.begun for each in shown), max(each.ended for each in shown)
    near = [
        f"{fault.kind} at {fault.begun:.1f} s"
        for fault in run.faults
        if fault.begun <= end and begin - NEAR <= fault.ended
    ]
    more = len(finding.shown) - len(shown)
    return (
        f"{head}<p>{PROMISES[finding.promise].why} The fewest requests that show it"
        f"{f' ({more} more are left out)' if more else ''}:</p>"
        f'<div class="wide">{close_up(shown, {}, [_does(each) for each in shown], run.faults)}'
        f"{_requests(shown)}</div>"
        f"<p>Faults meanwhile: {escape(', '.join(near) or 'none')}.</p>"
    )


def _of_record(each: Operation, record: int) -> Operation:
    """A list's answer without the records that the finding is not about."""
    if len(each.seen) <= 1:
        return each
    return each._replace(seen=tuple(seen for seen in each.seen if seen.id == record))


def _does(each: Operation) -> str:
    words = DOES[each.do].format(text=f"“{each.text}”", sort=each.sort or "id")
    if each.match:
        name = "If-None-Match" if each.do == "read" else "If-Match"
        words += f", {name} {', '.join(map(str, each.match))}"
    return words


def _answer(each: Operation) -> str:
    if each.outcome != ANSWERED:
        return f"{each.outcome}: {each.reason}"
    shown = "; ".join(f"{seen.id}: “{seen.text}”, version {seen.version}" for seen in each.seen)
    if each.do in ("page", "export", "backup") and not each.seen:
        shown = "without the record"
    return f"{each.status} {shown}{' (replayed)' if each.replayed else ''}"


def _requests(shown: Sequence[Operation]) -> str:
    rows = [
        (_who(each), f"{each.begun:.4f}", f"{each.ended:.4f}", _does(each), each.key, _answer(each))
        for each in shown
    ]
    return _table(("client", "sent (s)", "ended (s)", "request", "key", "answer"), rows)


def _who(each: Operation) -> str:
    return (
        str(each.client + 1) if each.client >= 0 else "set-up" if each.client == -1 else "command"
    )


def _example(checked: Checked) -> str:
    """A record whose requests crossed, and the order that explains them."""
    calls = max(checked.calls.values(), key=_interest, default=[])
    order = find_order(calls) if _interest(calls) else None
    if not order:
        return ""
    shown = [call.operation for call in order if call.operation]
    numbers = {number: number + 1 for number in range(len(shown))}
    record = shown[0].record or calls[0].text
    return (
        f"<p>Record {record} of this run: the bars reach from sending to answer, and the numbers "
        "are an order in which every answer is true.</p>"
        f'<div class="wide">{close_up(shown, numbers, [_does(each) for each in shown])}</div>'
    )


def _interest(calls: Sequence[Call]) -> int:
    """How many of a record's calls cross others; 0 if it has too many to be shown."""
    if not 4 <= len(calls) <= 9 or any(
        call.do == "read" and len(call.operation.seen) > 1 for call in calls if call.operation
    ):
        return 0
    inorder = sorted(calls, key=lambda call: call.begun)
    crossing = sum(a.ended > b.begun for a, b in pairwise(inorder))
    return crossing if len({call.operation.client for call in calls if call.operation}) > 1 else 0


def _figures(counted: Figures) -> str:
    endings = sorted({ending for counts in counted.by_kind.values() for ending in counts})
    rows = [
        (kind, *(f"{counts[ending]:,}" if counts[ending] else "" for ending in endings))
        for kind, counts in sorted(counted.by_kind.items())
    ]
    return _table(("requests", *endings), rows)


def _faults(run: Run, counted: Figures) -> str:
    rows = [
        (
            str(number),
            f"{fault.begun:.1f}",
            f"{fault.ended - fault.begun:.1f}",
            fault.kind,
            fault.detail if fault.done else f"not run: {fault.detail}",
        )
        for number, fault in enumerate(run.faults, 1)
    ]
    done = _table(("", "at (s)", "took (s)", "fault", ""), rows)
    opened = " open" if len(rows) <= NUMBERED else ""
    counts = [(kind, str(count)) for kind, count in sorted(counted.faults.items())]
    counts += [(kind, f"not run: {why}") for kind, why in counted.not_run.items()]
    each = f"<details{opened}><summary>One after another</summary>{done}</details>"
    return f"{_table(('fault', 'times'), counts)}{each}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(word)}</th>" for word in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{cells}</tr>{lines}</table>"
