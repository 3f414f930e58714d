"""A server under random signals, killed workers, garbage and slow clients."""

import random
from pathlib import Path

import pytest

from tests.e2e import chaos


@pytest.mark.slow
def test_no_client_waits_whatever_happens_to_the_server(tmp_path: Path) -> None:
    """For a minute; `make chaos` takes ten. The printed seed repeats the order."""
    assert not chaos.run(tmp_path, minutes=1, seed=random.randrange(10**6))  # noqa: S311
