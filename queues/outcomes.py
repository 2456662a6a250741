"""The ends of a run, as values; `settle` alone turns them into states."""

from dataclasses import dataclass
from datetime import datetime, timedelta

Delay = timedelta | int | float


@dataclass(frozen=True, slots=True)
class Succeed:
    """The work is done; `result` is stored with the job."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Come back later: a moment, a timedelta or seconds. Counts no failure."""

    until: datetime | Delay


@dataclass(frozen=True, slots=True)
class Retry:
    """A failure: try again after `after` (seconds or timedelta), or by backoff."""

    after: Delay | None = None
    error: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Bury:
    """Trying again is pointless: straight to the dead letters, with the reason."""

    reason: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The job was cancelled while it ran."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Lose:
    """The process of the run vanished; a failure only if the handler had started."""

    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Handed back by its process, as if never claimed."""

    reason: str = ""


Outcome = Succeed | Snooze | Retry | Bury | Cancel | Lose | Release


def seconds(delay: Delay) -> float:
    """Return a delay in seconds, whichever way it was written."""
    return delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
