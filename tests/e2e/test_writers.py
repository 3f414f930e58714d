"""Many writers at once. How evenly they wait is measured by `python -m tests.bench.writers`."""

import os

import pytest

from tests.bench.writers import CLIENTS, write
from tests.e2e.conftest import Start

pytestmark = pytest.mark.slow


def test_64_writers_get_no_error(start: Start) -> None:
    """With as many workers as cores."""
    server = start("--workers", str(os.cpu_count() or 1))
    written = write(server.port, 2)
    print(written)
    assert +written.statuses == {"201": len(written.seconds)}
    assert len(written.seconds) > CLIENTS
