"""Lists are whole: walks by `next`, exports and backups."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from tests.prove.history import ANSWERED, Operation, Seen
from tests.prove.promises import Finding
from tests.prove.registers import Registers

# The orders whose values never change: a walk in them meets no record twice.
FIXED = ("id", "date_created")
VALUES: Mapping[str, Callable[[Seen], tuple[str | int, int]]] = {
    "id": lambda seen: (seen.id, seen.id),
    "data": lambda seen: (seen.text, seen.id),
    "date_created": lambda seen: (seen.created, seen.id),
    "date_updated": lambda seen: (seen.updated, seen.id),
}


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


def check_lists(operations: Sequence[Operation], registers: Registers) -> Iterator[Finding]:
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
