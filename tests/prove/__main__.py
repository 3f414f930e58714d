"""`make prove`: clients, faults and a checker; the result is a page.

The seed decides what each client does, and the faults and their order; the machine decides how they
meet in time. Everything is in build/prove: the history, a request a line, and the page.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import pytest

from tests.prove import live
from tests.prove.checks import check
from tests.prove.figures import figures
from tests.prove.history import Run, read
from tests.prove.report import again, chosen, page, verdict

RESULTS = Path("build/prove")


def main() -> int:
    """Return 1 if a promise was broken."""
    options = _options()
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = options.check or RESULTS / "history.jsonl"
    if options.check:
        with path.open(encoding="utf-8") as lines:
            run = read(lines)
    else:
        run = _run(options, path)
    result = path.with_name("result.html")
    broken = _judge(run, result)
    if options.picture:
        _draw(result, options.picture)
    return int(broken)


def _run(options: argparse.Namespace, path: Path) -> Run:
    print(f"Seed {options.seed}, {options.minutes:g} minutes on {options.database}…", flush=True)
    with tempfile.TemporaryDirectory(prefix="datas-prove-") as folder:
        setting = live.Setting(options.seed, options.minutes * 60, options.database)
        return live.run(Path(folder), path, setting)


def _judge(run: Run, result: Path) -> bool:
    """Write the page, and say what is on it; whether a promise was broken."""
    checked = check(run)
    counted = figures(run, len(checked.calls))
    result.write_text(page(run, checked), encoding="utf-8")
    for finding in chosen(checked.findings):
        print(f"{finding.sentence} (record {finding.record}, {len(finding.shown)} requests)")
    print(
        f"{verdict(checked, counted)} {counted.requests:,} requests, "
        f"{sum(counted.faults.values())} faults, {counted.unknown:,} unknown outcomes, "
        f"longest pause {counted.pause.seconds:.2f} s.\n"
        f"Result: {result}\nAgain:  {again(run)}"
    )
    return bool(checked.findings)


def _draw(result: Path, picture: Path) -> None:
    """The upper part of the page as a PNG."""
    # It takes a browser, which nothing else here needs.
    from tests.e2e.browser import launched_browser  # noqa: PLC0415 (see above)

    with launched_browser() as browser:
        shown = browser.new_page(viewport={"width": 1000, "height": 640})
        shown.goto(result.resolve().as_uri())
        shown.screenshot(path=picture)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1, help="[default: 1]")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="[random]")  # noqa: S311
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--check", type=Path, metavar="FILE", help="check a history once more")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the page as a PNG too")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        sys.exit(f"It can't run here: {missing}")
