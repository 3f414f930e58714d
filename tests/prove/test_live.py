"""Short runs against real servers, and faults in them that must be found."""

from pathlib import Path

import pytest

from tests.postgres import missing
from tests.prove import live
from tests.prove.checks import check
from tests.prove.figures import figures

pytestmark = pytest.mark.slow
CUTS = 6


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_servers_keep_their_promises_under_faults(tmp_path: Path, database: str) -> None:
    """For a few seconds; `make prove` takes a minute."""
    kinds = ("kill a server", "cut connections", "export")
    run = live.run(tmp_path, tmp_path / "history", live.Setting(1, 8, database, kinds))
    checked = check(run)
    assert checked.findings == []
    counted = figures(run, len(checked.calls))
    assert counted.unknown
    assert counted.requests > 300
    assert set(counted.faults) == set(kinds)


def test_a_commit_that_does_not_wait_for_the_disk_is_found(tmp_path: Path) -> None:
    """`synchronous=NORMAL` and a power cut: what was acknowledged is not there.

    How much is lost depends on when the system last wrote: nothing in about one of six cuts.
    """
    findings = []
    for seed in range(1, CUTS + 1):
        setting = live.Setting(seed, 4, kinds=["power cut"], plant="synchronous=NORMAL")
        folder = tmp_path / str(seed)
        folder.mkdir()
        run = live.run(folder, folder / "history", setting)
        if not run.faults[0].done:
            missing(run.faults[0].detail)
        findings = [each for each in check(run).findings if each.promise == "order"]
        if findings:
            break
    assert findings, f"{CUTS} power cuts lost nothing"
    assert 2 <= min(len(each.shown) for each in findings) <= 3


def test_a_stale_read_from_a_standby_is_found(tmp_path: Path) -> None:
    """It got all that was acknowledged, and shows it later: two requests are enough."""
    late = ["recovery_min_apply_delay=200ms"]
    setting = live.Setting(1, 2, "postgresql", [], "standby", late)
    run = live.run(tmp_path, tmp_path / "history", setting)
    findings = [each for each in check(run).findings if each.promise == "order"]
    assert min(len(each.shown) for each in findings) == 2
