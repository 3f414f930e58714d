"""Long runs of the service in memory, seed after seed, each held against every promise.

`python -m tests.bench.simulation --minutes 1 --seed 0`. A seed that breaks a promise does so again.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.prove.checks import check
from tests.prove.simulation import simulate

CLIENTS, STEPS = 8, 1000


def main() -> int:
    """Run one seed after another for so long; return 1 if one broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1, help="[default: 1]")
    parser.add_argument("--seed", type=int, default=0, help="the first [default: 0]")
    options = parser.parse_args()
    begun, seed, requests, broken = time.monotonic(), options.seed, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < begun + options.minutes * 60:
            run = simulate(Path(folder) / "history", seed, clients=CLIENTS, steps=STEPS)
            findings = check(run).findings
            for finding in findings:
                print(f"seed {seed}: {finding.sentence} (record {finding.record})")
            requests, broken, seed = (
                requests + len(run.operations),
                broken + len(findings),
                seed + 1,
            )
    took = time.monotonic() - begun
    print(
        f"{seed - options.seed} seeds, {requests:,} requests, {requests / took:,.0f} a second "
        f"with their check; {broken} broken promises"
    )
    return bool(broken)


if __name__ == "__main__":
    raise SystemExit(main())
