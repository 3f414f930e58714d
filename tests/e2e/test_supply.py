"""What is installed is what was chosen, and what nobody could ask about isn't called safe."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from requirements.audit import FOUND, NOT_ASKED, judge, pinned
from tests.e2e.conftest import DEADLINE, clean_environ
from tests.served import ROUTE

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--isolated"]


def _run(*command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_a_lock_file_pins_everything_and_has_its_hashes(lock: Path) -> None:
    """One version each, and the SHA-256 of at least one file."""
    text = re.sub(r"^ *#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    entries = text.replace("\\\n", " ").splitlines()
    assert len(entries) > 10
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[^\s;]+( ;[^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", entry)


def test_the_build_backend_is_in_the_lock_files() -> None:
    """The project is built without isolation, by what they pin."""
    [backend] = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["build-system"][
        "requires"
    ]
    assert backend in ROOT.joinpath("requirements", "build.in").read_text().splitlines()
    for name in ("run.txt", "dev.txt"):
        assert "flit-core" in pinned(ROOT / "requirements" / name)


def test_whatever_make_installs_has_its_hash_checked() -> None:
    """But for uv, which makes the lock files, and the project itself."""
    makefile = ROOT.joinpath("Makefile").read_text().replace("\\\n", " ")
    installs = [
        line for line in makefile.splitlines() if " install " in line and "apt " not in line
    ]
    unchecked = [line for line in installs if "--require-hashes" not in line]
    assert len(installs) == 6
    assert [line.rstrip("; }").split()[-1] for line in unchecked] == ["uv", "."]


@pytest.mark.slow
def test_the_project_is_built_by_what_is_there() -> None:
    """With no index to fetch anything from."""
    done = _run(
        *PIP, "install", "--dry-run", "--no-deps", "--no-build-isolation", "--no-index", "."
    )
    assert done.returncode == 0, done.stderr
    assert "Would install datas-api-" in done.stdout


def _wheel(folder: Path) -> str:
    """A package of one module, in a file; return the file's hash."""
    info = "small-1.0.dist-info"
    files = {
        "small.py": b"",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: small\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},{_record(content)},{len(content)}\n" for name, content in files.items()
    )
    wheel = folder / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def _record(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


@pytest.mark.slow
def test_pip_refuses_a_file_with_another_hash(tmp_path: Path) -> None:
    """As a lock file asks it to; the right one is taken, and one without a hash isn't."""
    right = _wheel(tmp_path)
    taken = {}
    for name, entry in {
        "right": f"small==1.0 --hash=sha256:{right}",
        "wrong": f"small==1.0 --hash=sha256:{right[::-1]}",
        "none": "small==1.0",
    }.items():
        (tmp_path / "lock.txt").write_text(f"{entry}\n")
        offline = ("--no-index", "--find-links", tmp_path, "--target", tmp_path / name)
        done = _run(
            *PIP, "install", "--require-hashes", *offline, "-r", "lock.txt", folder=tmp_path
        )
        taken[name] = (done.returncode, (tmp_path / name / "small.py").exists())
    assert taken == {"right": (0, True), "wrong": (1, False), "none": (1, False)}


GOOD: dict[str, Any] = {"name": "falcon", "version": "4.4.0", "vulns": []}
BAD: dict[str, Any] = GOOD | {
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["4.4.1"]}]
}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI and could not be audited"}
UNREACHABLE = "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: HTTPS…\n"

# What pip-audit ends with: its exit code, the report's packages (None: no report), what it prints
# besides; and what to make of it.
ENDS = [
    ((0, [GOOD], "No known vulnerabilities found"), 0, "of 1 packages none is known"),
    (
        (1, [GOOD, BAD], "Found 1 known vulnerability"),
        FOUND,
        r"4\.4\.0: PYSEC-2026-1 \(CVE-2026-1; ",
    ),
    ((0, [SKIPPED], "No known vulnerabilities found"), NOT_ASKED, "Nothing is known of: click"),
    ((0, [GOOD, SKIPPED], "No known vulnerabilities found"), NOT_ASKED, "known of: click"),
    ((1, [BAD, SKIPPED], "Found 1 known vulnerability"), FOUND, "PYSEC-2026-1"),
    ((0, [], "No known vulnerabilities found"), NOT_ASKED, "known of: all of it"),
    ((1, None, UNREACHABLE), NOT_ASKED, "^OSV can't be reached from here; nothing is known"),
    ((1, None, "Traceback\nJSONDecodeError: no JSON"), NOT_ASKED, "JSONDecodeError: no JSON$"),
    ((1, None, ""), NOT_ASKED, "exit code 1"),
]


@pytest.mark.parametrize(("end", "meant", "told"), ENDS)
def test_an_audit_that_could_not_ask_is_no_good_news(
    end: tuple[int, Any, str], meant: int, told: str, tmp_path: Path
) -> None:
    """pip-audit says that there are no known vulnerabilities when it skipped every package."""
    code, packages, printed = end
    report = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    (tmp_path / "run.txt").write_text("falcon==4.4.0 \\\n    --hash=sha256:0\n")
    done = subprocess.CompletedProcess([], code, report, printed)
    verdict = judge(tmp_path / "run.txt", done)
    assert verdict.code == meant
    assert re.search(told, verdict.told)


def test_without_pip_audit_nothing_is_audited() -> None:
    """The script as it is run, where it can't work: one line, and an exit code of its own."""
    done = _run(sys.executable, "-S", "requirements/audit.py")
    assert done.returncode == NOT_ASKED
    assert re.fullmatch(r"NOT AUDITED: (\w+\.txt, )+run\.txt\. .+pip_audit.*\n", done.stdout)


def test_the_workflow_is_one_that_the_forge_understands() -> None:
    """By the schema of workflow files."""
    check = Path(sys.executable).with_name("check-jsonschema")
    done = _run(check, "--builtin-schema", "vendor.github-workflows", WORKFLOW)
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_write_nothing_and_names_its_actions() -> None:
    """Only reading, no secrets, each action at a commit; and it runs `.ci/run`."""
    text, workflow = WORKFLOW.read_text(), YAML(typ="safe").load(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    assert "pull_request_target" not in text
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name) for name in used)
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert ".ci/run" in [step.get("run") for step in steps]
    oldest = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["project"][
        "requires-python"
    ]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"][0] == oldest.lstrip(">=")


# Uses the whole app, and prints which addresses it asked for.
USE = """
import sys
asked = []
sys.addaudithook(
    lambda event, arguments: asked.append((event, arguments))
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
    else None
)
from falcon.testing import TestClient
from datas.wsgi import app
client = TestClient(app, headers={"Host": "localhost"})
for path in ("/", "/docs", "/openapi.json", "/problems", "ROUTE", "/healthz", "/readyz"):
    assert client.simulate_get(path).status_code == 200, path
assert client.simulate_post("ROUTE", json={"data": "hello"}).status_code == 201
print(asked)
""".replace("ROUTE", ROUTE)


def test_it_talks_to_nobody(tmp_path: Path) -> None:
    """Over a file the server asks for no address and no name, whatever it is asked for."""
    environ = clean_environ() | {"DATAS_ACCESS": "open", "DATAS_DATABASE_URL": "sqlite:///datas.db"}
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
