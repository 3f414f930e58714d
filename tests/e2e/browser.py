"""Chromium without a window, and pages that notice what goes wrong on them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Route,
    expect,
    sync_playwright,
)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What the page's policy forbids is told to the document alone; the console may leave some out.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """Chromium as Debian installs it; a test that lacks it is skipped, but fails in CI."""
    executable = shutil.which("chromium")
    if executable is None:
        missing = "chromium is not installed (on Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    # Others may be at work on the same machine.
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page that can reach one server, and what went wrong on it."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(REPORT_VIOLATIONS)
        self.page.context.route("**/*", self._guard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("requestfailed", lambda request: self.faults.append(request.url))
        self.page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        # The browser itself mentions each answer from 400 on: what the API refuses is no fault.
        refused = message.text.startswith("Failed to load resource: the server responded with")
        if message.type in ("error", "warning") and not (
            refused and "/api/" in message.location["url"]
        ):
            self.faults.append(message.text)

    def _guard(self, route: Route) -> None:
        if route.request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds: its rule and the element, one for each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [(rule["id"], node["target"][0]) for rule in found for node in rule["nodes"]]
