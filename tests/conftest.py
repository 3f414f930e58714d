"""What tests of several kinds share."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("datas", deadline=None)
settings.load_profile("datas")


class TickingClock:
    """A clock that moves one microsecond on whenever it is asked."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The next moment."""
        self.time += timedelta(microseconds=1)
        return self.time
