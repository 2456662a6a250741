"""The steps of a version, and when each is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects

from cadences.hours import Closed, Hours, Slot, add_business_days, add_days
from cadences.models import Calendar, Run, Step, Version
from cadences.numbers import AREAS

DEFAULT_ZONE = "America/Sao_Paulo"
BRAZIL = "+55"


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone, and what told it."""

    name: str
    told_by: str

    @property
    def info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.name)


@lru_cache(maxsize=256)
def _published(version_id: int) -> tuple[Step, ...]:
    rows = Step.objects.filter(version_id=version_id).prefetch_related("variants")
    return tuple(rows.order_by("position"))


def steps_of(version: Version) -> tuple[Step, ...]:
    """Return the steps in order; those of a published version never change."""
    if version.state != Version.State.DRAFT:
        return _published(version.pk)
    return _published.__wrapped__(version.pk)


def step_by_key(version: Version, key: UUID | None) -> Step | None:
    """Return the step of that key."""
    return next((step for step in steps_of(version) if step.key == key), None)


def step_after(version: Version, position: int) -> Step | None:
    """Return the first step behind a position."""
    later = (step for step in steps_of(version) if step.position > position)
    return next(later, None)


def zone_of(run: Run) -> Zone:
    """Return the zone of a run: the lead's, its area code's, the cadence's, or ours."""
    if name := run.lead.time_zone:
        return Zone(name, "lead")
    for contact in run.lead.contacts.all():
        if contact.address.startswith(BRAZIL):
            area = contact.address[len(BRAZIL) :][:2]
            if area in AREAS:
                return Zone(AREAS[area], f"ddd:{area}")
    if name := run.cadence.time_zone:
        return Zone(name, "cadence")
    if name := run.company.time_zone:
        return Zone(name, "company")
    return Zone(DEFAULT_ZONE, "default")


def calendar_of(run: Run, step: Step | None) -> Calendar | None:
    """Return the calendar that a step follows; None is always open."""
    if step is not None and step.calendar_id is not None:
        # Published steps are kept in memory, and calendars change: read it anew.
        return Calendar.objects.get(pk=step.calendar_id)
    return run.cadence.calendar or run.company.calendar


def hours_of(calendar: Calendar | None) -> Hours | None:
    """Return the open hours of a calendar."""
    if calendar is None:
        return None
    prefetch_related_objects([calendar], "slots", "holidays")
    return Hours(
        tuple(Slot(s.weekday, s.opens, s.closes) for s in calendar.slots.all()),
        {h.date: Closed(h.name, h.until) for h in calendar.holidays.all()},
    )


def due_at(step: Step, run: Run, *, previous: datetime) -> datetime:
    """Return when a step is due, `previous` being when the one before was done."""
    is_first = run.last_step == 0
    from_start = step.base == Step.Base.START or is_first
    base = run.anchor_at if from_start else previous
    due = _later(step, base, run)
    if step.base == Step.Base.START and not is_first:
        due = max(due, previous + timedelta(minutes=step.gap_minutes))
    return max(due, previous)


def _later(step: Step, base: datetime, run: Run) -> datetime:
    zone = zone_of(run).info
    match step.unit:
        case Step.Unit.DAYS:
            return add_days(base, step.delay, zone, local_time=step.local_time)
        case Step.Unit.BUSINESS_DAYS:
            hours = hours_of(calendar_of(run, step)) or Hours(())
            return add_business_days(
                base, step.delay, zone, hours, local_time=step.local_time
            )
        case Step.Unit.HOURS:
            due = base + timedelta(hours=step.delay)
        case _:
            due = base + timedelta(minutes=step.delay)
    return (
        due
        if step.local_time is None
        else add_days(due, 0, zone, local_time=step.local_time)
    )
