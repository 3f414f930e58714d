"""What tests of several kinds share."""

from datetime import UTC, datetime, timedelta


class TickingClock:
    """A clock that moves one microsecond on whenever it is asked."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The next moment."""
        self.time += timedelta(microseconds=1)
        return self.time
