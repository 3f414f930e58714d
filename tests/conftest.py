"""What tests of several kinds share."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings

from tests.postgres import QUICK, Postgres, running

# How long an example takes depends on what else the machine does.
settings.register_profile("all", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    """A run without the slow tests tries fewer examples of each property."""
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "all")


class TickingClock:
    """A clock that moves one microsecond on whenever it is asked."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The next moment."""
        self.time += timedelta(microseconds=1)
        return self.time


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a process."""
    with running(*QUICK) as server:
        yield server
