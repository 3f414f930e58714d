"""What `deploy/` ships: the image's steps, the unit, and the compose files."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from datas.operations.serving import GRACE
from datas.settings import Settings
from tests.e2e.conftest import DEADLINE, Server
from tests.e2e.front import DEPLOY
from tests.e2e.image import ROOT, USER, Image
from tests.postgres import free_port, missing
from tests.served import BULK, ROUTE

EXPOSURE = 1.0  # at most, of 10, as `systemd-analyze security` counts


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What the Dockerfile makes."""
    return Image(tmp_path_factory.mktemp("image"), free_port())


class Container(Server):
    """What the image's CMD starts, contained; perhaps under a unit's filters too."""

    def __init__(self, image: Image, *confined: str) -> None:
        self.image, self.port, self.output = image, image.port, []
        self._confined = confined
        self.process = self._popen(*image.command)
        limit = time.monotonic() + DEADLINE
        while not self.is_healthy():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < limit
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        """What the HEALTHCHECK says."""
        environ = self.image.environ
        checked = subprocess.run(
            self.image.health, env=environ, capture_output=True, timeout=10, check=False
        )
        return checked.returncode == 0

    def run(self, *arguments: str, typed: str = "") -> str:
        """Run `datas` with these arguments beside it, to its end."""
        process = self._popen(*["datas", *arguments])
        output, _ = process.communicate(typed, timeout=DEADLINE)
        assert process.returncode == 0, output
        return output

    def _popen(self, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.image.contained(*self._confined, *command),
            cwd=self.image.data,
            env=self.image.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def use(container: Container) -> None:
    """What needs files, memory, hashes and processes: users, tokens, bulks, exports, backups."""
    name = f"user{container.process.pid}"
    container.run("user", "add", name, typed="correct horse\n")
    words = {"username": name, "password": "correct horse"}
    token = container.request("POST", "/api/tokens", words).json["data"]["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    # More than is kept in memory.
    lines = b'{"data": "' + b"a" * 250 + b'"}\n'
    assert container.request("POST", BULK, lines * 5000, headers).status == 201
    assert len(container.request("GET", BULK).content.splitlines()) >= 5000
    assert container.request("GET", f"{ROUTE}?q=aa&sort=-data&count=true").status == 200
    container.run("backup", "backup.db")
    before = container.workers()
    container.process.send_signal(signal.SIGHUP)
    limit = time.monotonic() + DEADLINE
    while set(before) & set(container.workers()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert container.request("GET", "/api/users/me", None, headers).status == 200


@pytest.mark.slow
def test_the_image_works_on_a_file_system_that_it_cant_write(image: Image) -> None:
    """Its steps, its command by a user who isn't root, its health, and its end by SIGTERM."""
    assert image.user == f"{USER}:{USER}"
    container = Container(image)
    try:
        status = Path(f"/proc/{container.process.pid}/status").read_text()
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        use(container)
    finally:
        container.process.send_signal(signal.SIGTERM)
        output, _ = container.process.communicate(timeout=25)
    assert container.process.returncode == 0, output
    assert not container.is_healthy()
    left = {path.name for path in image.data.iterdir()}
    assert left == {"datas.db", "datas.db-lock", "datas.db-queue", "backup.db"}


@pytest.mark.slow
def test_the_image_works_under_the_filters_of_the_unit(image: Image) -> None:
    """No system call that systemd would refuse is needed, nor memory that is written and run."""
    # systemd keeps its folder, not the image's.
    confined = (sys.executable, str(ROOT / "tests/e2e/confined.py"), str(DEPLOY / "datas.service"))
    container = Container(image, *confined)
    try:
        status = Path(f"/proc/{container.process.pid}/status").read_text()
        assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        use(container)
    finally:
        container.process.send_signal(signal.SIGTERM)
        output, _ = container.process.communicate(timeout=25)
    assert container.process.returncode == 0, output


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The shipped unit; systemd wants its program to be there."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze (Debian's package systemd)")
    placed = tmp_path / "datas.service"
    text = (DEPLOY / "datas.service").read_text()
    assert "=/opt/datas/bin/datas " in text
    placed.write_text(text.replace("/opt/datas/bin/datas", sys.executable))
    return placed


def test_systemd_understands_the_unit(unit: Path) -> None:
    """Without a warning."""
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_unit_is_exposed_to_little(unit: Path) -> None:
    """As systemd counts it."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found
    assert float(found[1]) <= EXPOSURE
    assert found[1] in (DEPLOY / "README.md").read_text()


COMPOSED = ["compose.yaml", "compose.postgres.yaml"]


def services(name: str) -> dict[str, Any]:
    """Those of a compose file."""
    found: dict[str, Any] = YAML(typ="safe").load(DEPLOY / name)["services"]
    return found


def test_compose_files_keep_their_schema() -> None:
    """The compose specification's own."""
    check = Path(sys.executable).with_name("check-jsonschema")
    files = [DEPLOY / name for name in COMPOSED]
    done = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", COMPOSED)
def test_every_container_may_do_little(name: str) -> None:
    """None writes its root file system, has a capability or can get one, or takes the machine."""
    for service in services(name).values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
        # Longer than what is in flight may take.
        assert int(service["stop_grace_period"].removesuffix("s")) >= 25
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", COMPOSED)
def test_compose_files_fit_what_they_mount(name: str) -> None:
    """Files are there, nginx finds its nodes by name, and nodes trust one proxy."""
    named = services(name)
    volumes = YAML(typ="safe").load(DEPLOY / name)["volumes"]
    for service in named.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in volumes or source == "/data" or (DEPLOY / source).is_file()
    nodes = {name: each for name, each in named.items() if "build" in each}
    for node_name, each in nodes.items():
        assert each["environment"]["DATAS_TRUSTED_PROXIES"] == "1"
        aliases = each.get("networks", {}).get("default", {}).get("aliases", [])
        assert "datas" in [node_name, *aliases]
        assert named["nginx"]["depends_on"][node_name] == {"condition": "service_healthy"}
    most = re.search(r"worker_rlimit_nofile (\d+);", (DEPLOY / "nginx.conf").read_text())
    assert most
    assert named["nginx"]["ulimits"]["nofile"] == int(most[1])


def test_both_compose_files_have_the_same_front() -> None:
    """But for the nodes that it waits for."""
    fronts = [services(name)["nginx"] | {"depends_on": None} for name in COMPOSED]
    volumes = [each.pop("volumes") for each in fronts]
    assert fronts[0] == fronts[1]
    assert volumes[0] == volumes[1]


def test_a_node_has_time_for_its_end() -> None:
    """Systemd and compose kill it only after the drain, the requests in flight, and 3 s more."""
    needed = Settings().drain_seconds + GRACE + 3
    [unit] = re.findall(
        r"^TimeoutStopSec=(\d+)$", (DEPLOY / "datas.service").read_text(), re.MULTILINE
    )
    assert int(unit) > needed
    nodes = [services("compose.yaml")["datas"]]
    nodes += [services("compose.postgres.yaml")[name] for name in ("node1", "node2")]
    for node in nodes:
        assert int(node["stop_grace_period"].removesuffix("s")) > needed


def test_production_runs_what_was_tested() -> None:
    """Its lock file has the versions of the tests' and of `make run`'s, and the extras."""
    locks = {}
    for name in ("run", "production", "dev"):
        text = (ROOT / f"requirements/{name}.txt").read_text()
        locks[name] = set(re.findall(r"^([\w-]+==\S+)", text, re.MULTILINE))
    assert locks["run"] < locks["production"] < locks["dev"]
    names = {pin.partition("==")[0] for pin in locks["production"]}
    assert {"psycopg-binary", "prometheus-client"} <= names


def test_the_readme_places_nginx_on_a_machine() -> None:
    """Its one command makes of the shipped file one that nginx takes, with TLS."""
    text = (DEPLOY / "README.md").read_text()
    found = re.search(r"^    sed (.*\\\n)*.*deploy/nginx\.conf", text, re.MULTILINE)
    assert found
    done = subprocess.run(
        ["bash", "-c", found[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "user www-data;"
    assert "server 127.0.0.1:8000 max_fails=1 fail_timeout=2s;" in lines
    assert "listen 80;" in lines
    assert "listen 443 ssl;" in lines
    assert "#tls" not in done.stdout
    assert "api.example" not in done.stdout
