"""Pictures of a run as SVG, coloured by the style sheet of the page that shows them."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

from tests.prove.figures import WRITES
from tests.prove.history import ANSWERED, REFUSED, UNKNOWN, FaultRun, Operation, Run

WIDTH, LEFT, RIGHT = 1000, 110, 20
ROW, TOP = 20, 34
BINS = 240  # parts of the whole time
# What a part of the time is coloured by: the worst that happened in it comes first.
WORST = (UNKNOWN, REFUSED, ANSWERED)
NUMBERED = 40  # faults; more would not be readable


def timeline(run: Run, marked: Sequence[Operation] = ()) -> str:
    """Every client as a row, every fault as a band; `marked` requests get a row of their own."""
    end = max((each.ended for each in run.operations), default=1) or 1
    names = _names(run.operations)
    high = TOP + ROW * (len(names) + 1 + bool(marked)) + 24
    parts = [_open(high, "All requests and faults over time"), *_bands(run.faults, end, high)]
    parts += _pulse(run.operations, end)
    for row, (client, name) in enumerate(names.items(), 1):
        y = TOP + ROW * row
        parts.append(_label(name, y))
        own = [each for each in run.operations if each.client == client]
        for first, last, worst in _runs(own, end):
            x, width = _x(first, BINS), _x(last, BINS) - _x(first, BINS)
            parts.append(_rect(worst, x, y + 2, width, ROW - 4))
    if marked:
        y = TOP + ROW * (len(names) + 1)
        parts.append(_label("the record", y))
        for each in marked:
            parts.append(_rect("marked", _x(each.begun, end), y + 2, 3, ROW - 4))
    return "".join([*parts, *_axis(end, high), "</svg>"])


def close_up(
    shown: Sequence[Operation],
    numbers: Mapping[int, int],
    words: Sequence[str],
    faults: Sequence[FaultRun] = (),
) -> str:
    """A few requests as bars, from when they were sent until they were answered.

    `numbers` says which place each has in the order that explains them; `words` what each was.
    """
    clients = sorted({each.client for each in shown})
    begin, end = min(each.begun for each in shown), max(each.ended for each in shown)
    span = (end - begin) or 1
    high = TOP + 2 * ROW * len(clients) + 24
    parts = [_open(high, "These requests over time")]
    for fault in faults:
        first, last = max(fault.begun, begin), min(fault.ended, end)
        if first <= last:
            x, until = _x(first - begin, span), _x(last - begin, span)
            parts.append(_rect("band", x, 20, max(until - x, 2), high - 42))
            parts.append(f'<text x="{x:.1f}" y="14">{escape(fault.kind)}</text>')
    for row, client in enumerate(clients):
        parts.append(_label(_name(client), TOP + 2 * ROW * row + ROW / 2))
    for number, (each, word) in enumerate(zip(shown, words, strict=True)):
        y = TOP + 2 * ROW * clients.index(each.client)
        x = _x(each.begun - begin, span)
        width = max(_x(each.ended - begin, span) - x, 6)
        place = f"{numbers[number]}. " if number in numbers else ""
        anchor = ' text-anchor="end"' if x > WIDTH * 0.7 else ""
        at = x + width if anchor else x
        parts.append(_rect(each.outcome, x, y + 18, width, 12))
        parts.append(f'<text x="{at:.1f}" y="{y + 13}"{anchor}>{escape(place + word)}</text>')
    unit = f"{span * 1000:,.1f} ms"
    parts.append(f'<text x="{LEFT}" y="{high - 6}">{begin:.3f} s after the start</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{high - 6}" text-anchor="end">{unit} later</text>')
    return "".join([*parts, "</svg>"])


def _open(high: float, label: str) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}"'
    return f'{head} role="img" aria-label="{label}">'


def _x(value: float, whole: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / whole


def _rect(name: str, x: float, y: float, width: float, height: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{name}" {place}/>'


def _label(name: str, y: float) -> str:
    return f'<text x="{LEFT - 8}" y="{y + 14:.1f}" text-anchor="end">{escape(name)}</text>'


def _name(client: int) -> str:
    return f"client {client + 1}" if client >= 0 else {-1: "set-up", -2: "commands"}[client]


def _names(operations: Sequence[Operation]) -> dict[int, str]:
    return {client: _name(client) for client in sorted({each.client for each in operations})}


def _bands(faults: Sequence[FaultRun], end: float, high: float) -> list[str]:
    parts = []
    for number, fault in enumerate(faults, 1):
        x, width = _x(fault.begun, end), max(_x(fault.ended, end) - _x(fault.begun, end), 2)
        title = f"<title>{escape(f'{number}. {fault.kind} {fault.detail}')}</title>"
        parts.append(f"<g>{title}{_rect('band', x, 20, width, high - 42)}")
        if len(faults) <= NUMBERED:
            parts.append(f'<text x="{x:.1f}" y="14">{number}</text>')
        parts.append("</g>")
    return parts


def _pulse(operations: Sequence[Operation], end: float) -> list[str]:
    """Acknowledged writes in each part of the time, as bars."""
    counts = [0] * BINS
    for each in operations:
        if each.do in WRITES and each.outcome == ANSWERED and each.status < 300:
            counts[min(int(each.ended / end * BINS), BINS - 1)] += 1
    most, width = max(counts) or 1, (WIDTH - LEFT - RIGHT) / BINS
    parts = [_label("writes", TOP)]
    for number, count in enumerate(counts):
        height = (ROW - 3) * min(count / most, 1)
        if count:
            y = TOP + ROW - 1 - height
            parts.append(_rect("pulse", _x(number, BINS), y, width, height))
    return parts


def _runs(operations: Sequence[Operation], end: float) -> list[tuple[int, int, str]]:
    """Neighbouring parts of the time with the same worst outcome: first, end, and outcome."""
    worst = [""] * BINS
    for each in operations:
        first, last = int(each.begun / end * BINS), int(each.ended / end * BINS)
        for number in range(first, min(last, BINS - 1) + 1):
            if not worst[number] or WORST.index(each.outcome) < WORST.index(worst[number]):
                worst[number] = each.outcome
    found, start = [], 0
    for outcome, same in groupby(worst):
        length = len([*same])
        if outcome:
            found.append((start, start + length, outcome))
        start += length
    return found


def _axis(end: float, high: float) -> list[str]:
    return [
        f'<text x="{_x(part, 4):.1f}" y="{high - 6}" text-anchor="middle">'
        f"{end * part / 4:.0f} s</text>"
        for part in range(5)
    ]
