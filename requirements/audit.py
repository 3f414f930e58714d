"""Ask whether anything that the lock files name is known to be vulnerable: `make audit`.

pip-audit asks OSV (https://osv.dev), and resolves and installs nothing. Arguments are handed on to
it. Exit codes: 0, nothing is known; 1, something is; 3, not all could be asked about.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FOUND, NOT_ASKED = 1, 3
_PIP_AUDIT = [
    *(sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--format", "json"),
    *("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--aliases", "on"),
]
_DEADLINE = 600.0  # seconds for one lock file


class Verdict(NamedTuple):
    """An exit code, and what is to be told of a lock file; or why it couldn't be asked about."""

    code: int
    told: str


def main(arguments: list[str]) -> int:
    """Audit each lock file; return the worst verdict's exit code."""
    locks = sorted(Path(__file__).parent.glob("*.txt"))
    verdicts = {lock.name: judge(lock, _ask(lock, arguments)) for lock in locks}
    for name, (code, told) in verdicts.items():
        if code != NOT_ASKED:
            print(f"{name}: {told}")
    # One line: mostly they share their reason.
    missed = [name for name, (code, _) in verdicts.items() if code == NOT_ASKED]
    reasons = dict.fromkeys(verdicts[name].told for name in missed)
    if missed:
        print(f"NOT AUDITED: {', '.join(missed)}. {' '.join(reasons)}")
    codes = {code for code, _ in verdicts.values()}
    # What was found counts for more than what couldn't be asked about.
    return next((code for code in (FOUND, NOT_ASKED) if code in codes), 0)


def _ask(lock: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [*_PIP_AUDIT, *arguments, "--requirement", str(lock)]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, "", "Timeout")


def judge(lock: Path, done: subprocess.CompletedProcess[str]) -> Verdict:
    """What pip-audit's report of one lock file means.

    Its own verdict isn't enough: it says "No known vulnerabilities found", with exit code 0, when
    it skipped every package; and its 1 stands for a network that is away, too.
    """
    try:
        asked = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(NOT_ASKED, _reason(done))
    if found := [_told(each) for each in asked if each.get("vulns")]:
        return Verdict(FOUND, "\n".join(["VULNERABLE", *found]))
    unknown = [each["name"] for each in asked if "vulns" not in each]
    if unknown or not asked:
        return Verdict(NOT_ASKED, f"Nothing is known of: {', '.join(unknown) or 'all of it'}.")
    others = sorted(pinned(lock) - {each["name"] for each in asked})
    left_out = f" Only for other systems, and not asked about: {', '.join(others)}." * bool(others)
    return Verdict(0, f"of {len(asked)} packages none is known to be vulnerable.{left_out}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why there is no report, in one line."""
    if re.search(r"ConnectionError|Timeout|Could not connect", done.stderr):
        return "OSV can't be reached from here; nothing is known of what they name."
    [*_, last] = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return f"pip-audit failed: {last}"


def pinned(lock: Path) -> set[str]:
    """The names of what a lock file pins."""
    return set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", lock.read_text(), re.MULTILINE))


def _told(package: dict[str, object]) -> str:
    vulnerabilities = package["vulns"]
    assert isinstance(vulnerabilities, list)
    each = (
        f"{one['id']} ({', '.join(one['aliases']) or 'no other name'}; mended in "
        f"{', '.join(one['fix_versions']) or 'no version yet'})"
        for one in vulnerabilities
    )
    return f"  {package['name']} {package['version']}: {'; '.join(each)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
