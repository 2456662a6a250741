"""On what terms a due time becomes a job: missed, late, spread; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from queues.due import INSTANT, Plan, latest, newest, next_after, tally
from queues.models import CronLog, ScheduleState

Misfire = ScheduleState.Misfire
Overlap = ScheduleState.Overlap
Reason = CronLog.Reason

ON_TIME = timedelta(minutes=1)
"""Under "skip" a due time is missed once it is later than this, unless told."""
MOST_COUNTED = 300
"""Up to so many skipped due times of a cron line are counted exactly."""
DEFAULT_CAP = 100
MOST_CAP = 1000
MOST_TRIES = 999
LONGEST_JITTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """The policies of one schedule."""

    misfire: str = Misfire.ONCE
    cap: int = DEFAULT_CAP
    grace: timedelta | None = None
    overlap: str = Overlap.ALLOW
    jitter: timedelta = timedelta()
    max_attempts: int | None = None
    one_off: bool = False

    @property
    def makes_up(self) -> bool:
        """Tell whether every missed due time is run; a one-off runs once."""
        return self.misfire == Misfire.ALL and not self.one_off


@dataclass(frozen=True, slots=True)
class Skipped:
    """Due times that are not run, told by one firing at the last of them."""

    reason: Reason
    due_at: datetime
    since: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about the due times that have come: run these, skip those before."""

    run: list[datetime]
    skipped: Skipped | None


def judge(plan: Plan, terms: Terms, *, after: datetime, until: datetime) -> Verdict:
    """Decide about the due times later than `after` and not later than `until`.

    Raises InvalidSchedule if the plan cannot be read.
    """
    most = terms.cap if terms.makes_up else 1
    times = newest(plan, most, after=after, until=until)
    run = [due for due in times if not _is_late(terms, until - due)]
    edge = run[0] - INSTANT if run else until
    first = next_after(plan, after)
    if first is None or first > edge:
        return Verdict(run, None)
    last = latest(plan, after=after, until=edge) or first
    count = tally(plan, MOST_COUNTED, after=after, until=last)
    return Verdict(run, Skipped(_reason(terms, last in times), last, first, count))


def spread(schedule_id: int, due_at: datetime, jitter: timedelta) -> timedelta:
    """Return by how much the job of a due time starts later: any beat says the same."""
    mark = f"{schedule_id} {due_at.timestamp():.6f}".encode()
    share = int.from_bytes(blake2b(mark, digest_size=8).digest()) / 2**64
    return timedelta(milliseconds=round(share * jitter.total_seconds() * 1000))


def _is_late(terms: Terms, delay: timedelta) -> bool:
    grace = terms.grace
    if grace is None and terms.misfire == Misfire.SKIP:
        grace = ON_TIME
    return grace is not None and delay > grace


def _reason(terms: Terms, is_late: bool) -> Reason:  # noqa: FBT001
    """Say why the newest skipped due time is not run; the ones before it are older."""
    if is_late and terms.grace is not None:
        return Reason.LATE
    return Reason.CAP if terms.makes_up else Reason.MISSED
