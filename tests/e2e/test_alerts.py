"""`deploy/alerts.yml` speaks of metrics that there are, and fires when its examples say."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from datas.http.metrics import Metrics
from tests.http.conftest import make_world
from tests.served import BULK, ROUTE

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMTOOL = Path(shutil.which("promtool") or ROOT / "build/prometheus/usr/bin/promtool")

# What Prometheus itself knows of each thing that it reads, and the labels it gives to all.
BY_PROMETHEUS = {"up": set[str]()}
TARGET = {"job", "instance"}


def _load(name: str) -> Any:
    return YAML(typ="safe").load(DEPLOY / name)


RULES = [rule for group in _load("alerts.yml")["groups"] for rule in group["rules"]]


def _selectors(text: str) -> list[tuple[str, set[str]]]:
    """Each series that is named, with the labels that it is chosen by."""
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
    found = re.findall(r"\b(datas_\w+|up)\b(?:\{([^}]*)\})?", unquoted)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", chosen))) for name, chosen in found]


@pytest.fixture(scope="module")
def exported() -> list[str]:
    """What /metrics has after a page, and a stream."""
    world = make_world(metrics=Metrics())
    for path in (ROUTE, BULK):
        assert world.client.simulate_get(path).status_code == 200
    lines = world.client.simulate_get("/metrics").text.splitlines()
    return [line.rpartition(" ")[0] for line in lines if line.startswith("datas_")]


@pytest.fixture(scope="module")
def known(exported: list[str]) -> dict[str, set[str]]:
    """Each series that there is, with the names of its labels."""
    return dict(_selectors(text)[0] for text in exported) | BY_PROMETHEUS


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_names_metrics_and_labels_that_there_are(
    rule: Any, known: dict[str, set[str]]
) -> None:
    """Prometheus takes a misspelt name for one without values, and would never fire."""
    named = _selectors(rule["expr"])
    assert named
    for name, labels in named:
        assert labels <= known[name] | TARGET
    kept = set().union(*(known[name] for name, _ in named)) | TARGET
    grouped = re.findall(r"\bby\s*\(([^)]*)\)", rule["expr"])
    assert {label for by in grouped for label in re.split(r",\s*", by)} <= kept
    shown = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", shown)) <= kept


def test_the_examples_have_the_series_that_there_are(known: dict[str, set[str]]) -> None:
    """An example with other labels would show that the alert fires on what never happens."""
    tests = _load("alerts_test.yml")["tests"]
    series = [each["series"] for test in tests for each in test["input_series"]]
    for name, labels in (_selectors(text)[0] for text in series):
        assert labels == known[name] | TARGET


def test_streams_are_left_out_by_the_name_of_their_route(exported: list[str]) -> None:
    """What an alert doesn't mean must be called as it thinks."""
    [left_out] = {each for rule in RULES for each in re.findall(r'route!~"(.+?)"', rule["expr"])}
    routes = {route for text in exported for route in re.findall(r'route="(.*?)"', text)}
    assert [route for route in routes if re.fullmatch(left_out, route)] == [BULK]


def test_each_alert_is_seen_to_fire_and_not_to() -> None:
    """In the examples."""
    cases = [case for test in _load("alerts_test.yml")["tests"] for case in test["alert_rule_test"]]
    for fires in (True, False):
        seen = {case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires}
        assert seen == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize(
    "command", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]
)
def test_promtool_finds_nothing_wrong(command: list[str]) -> None:
    """Prometheus's own tool: it reads the rules, and runs the examples."""
    if not PROMTOOL.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this needs promtool")
    done = subprocess.run(
        [PROMTOOL, *command], cwd=DEPLOY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
