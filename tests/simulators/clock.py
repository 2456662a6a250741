"""The time of a simulated provider: real, faster, or standing still."""

import time
from datetime import UTC, datetime


class Clock:
    """A clock that may run faster than ours, stand, and be moved by hand."""

    def __init__(self, start: datetime | None = None, *, scale: float = 1.0) -> None:
        self.scale = scale
        self._origin = (start or datetime.now(UTC)).timestamp()
        self._since = time.monotonic()

    def seconds(self) -> float:
        """Return the moment as seconds since 1970."""
        return self._origin + (time.monotonic() - self._since) * self.scale

    def now(self) -> datetime:
        """Return the moment."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self._origin += seconds

    def freeze(self) -> None:
        """Stand still; `advance` still moves it."""
        self._origin, self._since, self.scale = self.seconds(), time.monotonic(), 0.0
