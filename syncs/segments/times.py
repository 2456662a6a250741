"""When a segment is due: by its own line, in its own zone, from its last due time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from queues.due import Cron, latest, next_after, parse_cron
from queues.schedule_terms import spread
from syncs.models import SegmentControl

LATE = timedelta(minutes=10)
"""Whoever waits for the next time after a missed one calls this much later missed."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A due time that has come: whether it is run, from when on, and the next one."""

    due_at: datetime
    is_missed: bool
    starts_at: datetime
    next_at: datetime | None


def plan_of(control: SegmentControl) -> Cron:
    """Return when it is due, or raise InvalidSchedule."""
    return parse_cron(control.cron, control.time_zone)


def coming(control: SegmentControl, *, after: datetime) -> datetime | None:
    """Return the first due time after a moment, or raise InvalidSchedule."""
    return next_after(plan_of(control), after)


def occasion(control: SegmentControl, *, at: datetime) -> Occasion:
    """Return what is to be made of a due segment, or raise InvalidSchedule.

    Of several due times that were missed the last one counts; the next is computed
    from it, never from the moment at which somebody noticed.
    """
    first = control.next_execution
    if first is None:
        raise ValueError("It has no due time")
    plan = plan_of(control)
    due = latest(plan, after=first, until=at) or first
    later = spread(control.pk, due, timedelta(seconds=control.jitter_seconds))
    return Occasion(
        due_at=due,
        is_missed=control.misfire == SegmentControl.Misfire.SKIP and at - due > LATE,
        starts_at=due + later,
        next_at=next_after(plan, max(due, at)),
    )
