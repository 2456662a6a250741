"""When a schedule is due: patterns in their own zone, instants in UTC; pure.

Where the clock changes:

* Interval-like patterns, whose minute or hour holds `*`, `/` or `-`, follow the
  clock as it goes: no extra run in a skipped hour, runs in both passes of a
  repeated one.
* Fixed times run once a day whatever the clock does: a skipped wall time at the
  first valid minute after the gap, a repeated one in its first pass.
"""

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from queues.cron import (
    FIELDS,
    LIMITS,
    Cron,
    calendar_of,
    first_match,
    parse_cron,
    zone_of,
)
from queues.errors import InvalidSchedule

__all__ = [
    "FIELDS",
    "LIMITS",
    "Between",
    "Cron",
    "Every",
    "Once",
    "Plan",
    "clock_change",
    "latest",
    "newest",
    "next_after",
    "parse_cron",
    "tally",
    "upcoming",
]

MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
WEEK = timedelta(days=7)
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """Every so often, in phase with the anchor for ever; a second at least."""

    every: timedelta
    anchor: datetime

    def __post_init__(self) -> None:
        if self.every < SHORTEST:
            raise InvalidSchedule("An interval is at least one second long")


@dataclass(frozen=True, slots=True)
class Once:
    """One moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Between:
    """Another plan, from `start` on (inclusive) and before `end`; None is open."""

    plan: Cron | Every | Once
    start: datetime | None = None
    end: datetime | None = None


Plan = Cron | Every | Once | Between


def next_after(plan: Plan, moment: datetime) -> datetime | None:
    """Return the first due time later than the moment, in UTC, or None.

    Raises InvalidSchedule if a pattern or its zone cannot be read.
    """
    try:
        return _next_after(plan, moment.astimezone(UTC))
    except OverflowError:
        return None


def upcoming(plan: Plan, after: datetime, count: int) -> list[datetime]:
    """Return the next `count` due times, fewer if the plan ends."""
    times: list[datetime] = []
    while len(times) < count and (due := next_after(plan, after)) is not None:
        times.append(due)
        after = due
    return times


def clock_change(zone: str, *, after: datetime, until: datetime) -> datetime | None:
    """Return when the clock of that zone changes first in (after, until], or None."""
    after = after.astimezone(UTC).replace(microsecond=0)
    return _first_change(zone_of(zone), after, until.astimezone(UTC))


def newest(
    plan: Plan, count: int, *, after: datetime, until: datetime
) -> list[datetime]:
    """Return the last `count` due times later than `after`, not later than `until`.

    Looks back in spans that double, so a long outage costs no long walk.
    """
    if isinstance(plan, Between):
        after, until = _within(plan, after, until)
        return newest(plan.plan, count, after=after, until=until)
    if isinstance(plan, Every):
        with suppress(OverflowError):
            after = max(after, until - plan.every * count)
    span = timedelta(hours=1)
    while True:
        start = max(after, until - span)
        times = _walk(plan, start, until)
        if len(times) >= count or start <= after:
            return times[-count:]
        span *= 2


def latest(plan: Plan, *, after: datetime, until: datetime) -> datetime | None:
    """Return the last due time later than `after` and not later than `until`."""
    times = newest(plan, 1, after=after, until=until)
    return times[0] if times else None


def tally(plan: Plan, most: int, *, after: datetime, until: datetime) -> int:
    """Count the due times later than `after`, not later than `until`.

    Those of a cron line are counted up to `most`, because that takes a walk.
    """
    if isinstance(plan, Between):
        after, until = _within(plan, after, until)
        return tally(plan.plan, most, after=after, until=until)
    due = next_after(plan, after)
    if isinstance(plan, Every):
        return 0 if due is None else max(0, (until - due) // plan.every + 1)
    count = 0
    while due is not None and due <= until and count < most:
        count, due = count + 1, next_after(plan, due)
    return count


def _within(
    plan: Between, after: datetime, until: datetime
) -> tuple[datetime, datetime]:
    after = max(after, plan.start - INSTANT) if plan.start else after
    return after, min(until, plan.end - INSTANT) if plan.end else until


def _walk(plan: Plan, after: datetime, until: datetime) -> list[datetime]:
    times: list[datetime] = []
    while (due := next_after(plan, after)) is not None and due <= until:
        times.append(due)
        after = due
    return times


def _next_after(plan: Plan, moment: datetime) -> datetime | None:
    match plan:
        case Cron():
            return _next_cron(plan, moment)
        case Every(every, anchor):
            periods = (moment - anchor) // every + 1
            return (anchor + periods * every).astimezone(UTC)
        case Once(at):
            return at.astimezone(UTC) if at > moment else None
        case Between(inner, start, end):
            if start is not None and moment < start:
                moment = start.astimezone(UTC) - INSTANT
            due = _next_after(inner, moment)
            return due if due is None or end is None or due < end else None


def _next_cron(cron: Cron, moment: datetime) -> datetime | None:
    """Walk from one change of the clock to the next until a wall time matches."""
    calendar, zone = calendar_of(cron), zone_of(cron.zone)
    since = moment.replace(microsecond=0)
    wall_from = _wall(zone, since).replace(second=0, microsecond=0) + MINUTE
    while (wall := first_match(calendar, wall_from)) is not None:
        offset = _offset(zone, since)
        due = (wall - offset).replace(tzinfo=UTC)
        change = _first_change(zone, since, due)
        if change is None:
            if not calendar.fixed or not due.astimezone(zone).fold:
                return due
            wall_from = wall + MINUTE  # the second pass of a repeated hour
            continue
        before, after = change.replace(tzinfo=None) + offset, _wall(zone, change)
        if calendar.fixed and wall < after:
            return change  # its wall time is skipped
        wall_from = max(before, after) if calendar.fixed else after
        since = change
    return None


def _wall(zone: ZoneInfo, moment: datetime) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _first_change(zone: ZoneInfo, since: datetime, until: datetime) -> datetime | None:
    """Return when the clock changes first in (since, until]; None if it does not."""
    while since < until:
        probe = min(since + WEEK, until)
        if _offset(zone, probe) != (offset := _offset(zone, since)):
            seconds = range(int((probe - since).total_seconds()) + 1)
            found = bisect_left(
                seconds,
                1,
                key=lambda second: int(
                    _offset(zone, since + timedelta(seconds=second)) != offset
                ),
            )
            return since + timedelta(seconds=found)
        since = probe
    return None
