"""Requests a second as a plot."""

from collections.abc import Sequence

from tests.bench.report import Results

# One group of bars for each of these jobs, each group to a scale of its own.
_PLOTTED = ("get one", "list of 100", "create", "90% reads")
_LEFT, _WIDTH, _BAR, _STEP, _GAP = 130, 240, 13, 17, 34
_STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.job { font-weight: 600; fill: #24292f }
rect { fill: #8c959f }
.datas { fill: #1f6feb }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .job { fill: #f0f6fc }
  rect { fill: #6e7681 }
  .datas { fill: #4493f8 }
}
</style>"""


def plot(results: Results) -> str:
    """Requests a second as bars (https://www.w3.org/TR/SVG2/), for light pages and dark ones."""
    names = [it.name for it in results.contenders if not {*_PLOTTED} & it.lacks.keys()]
    high = _GAP + len(names) * _STEP + 14
    wide = 2 * (_LEFT + _WIDTH + 70)
    size = f'viewBox="0 0 {wide} {2 * high}"'
    label = 'role="img" aria-label="Requests a second of one core"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>', _STYLE]
    for number, job in enumerate(_PLOTTED):
        x, y = number % 2 * wide // 2, number // 2 * high
        parts.append(f'<g transform="translate({x} {y})">')
        parts.append(f'<text class="job" x="{_LEFT}" y="20">{job}, requests a second</text>')
        parts += _bars([(name, results.rate(name, job)) for name in names])
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bars(rates: Sequence[tuple[str, float | None]]) -> list[str]:
    most = max(rate or 0 for _, rate in rates)
    parts = []
    for number, (name, rate) in enumerate(rates):
        y = _GAP + number * _STEP
        kind = ' class="datas"' if name.startswith("Datas") else ""
        width = (rate or 0) / most * _WIDTH
        middle = y + _BAR - 2
        parts += [
            f'<text x="{_LEFT - 6}" y="{middle}" text-anchor="end">{name}</text>',
            f'<rect{kind} x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR}" rx="2"/>',
            f'<text x="{_LEFT + width + 6:.0f}" y="{middle}">{rate or 0:,.0f}</text>',
        ]
    return parts
