"""A segment, a simulated SprintHub, and its jobs run here, in a few words."""

from typing import Any

from django.db.models.functions import Now

from cadences.models import Company, Contact, Lead
from queues import testing
from queues.models import Job
from queues.work import Pass
from syncs.models import (
    LeadEvent,
    SegmentControl,
    SegmentLog,
    SegmentMember,
    SegmentPass,
    Trigger,
)
from syncs.segments.start import start


def company(code: str = "acme") -> Company:
    """Return a company."""
    return Company.objects.get_or_create(code=code)[0]


def segment(number: int = 101, **facts: Any) -> SegmentControl:
    """Return a segment that is synced, never yet."""
    company()
    made = SegmentControl.objects.create(segment_id=number, **facts)
    made.refresh_from_db()
    return made


def sync(control: SegmentControl, trigger: str = Trigger.MANUAL) -> SegmentLog | None:
    """Sync a segment now; return its log row, or None if it waits."""
    start(control, trigger=trigger)
    return go_on(control)


def go_on(control: SegmentControl) -> SegmentLog | None:
    """Run what waits, as if its time had come; return the newest log row, if it ended."""
    run_jobs()
    if SegmentPass.objects.filter(control=control).exists():
        return None
    return SegmentLog.objects.filter(control=control).order_by("-pk").first()


def run_jobs() -> Pass:
    """Run every job that lives, whatever its time, in the transaction of the test."""
    Job.objects.filter(status="pending").update(run_at=Now())
    runner = testing._Runner(after=0)
    with testing._visible():
        runner.drain()
    return runner.done


def members(control: SegmentControl) -> set[str]:
    """Return the ids of who is in a segment."""
    rows = SegmentMember.objects.filter(control=control, removed_at=None)
    return set(rows.values_list("external_id", flat=True))


def events(kind: str, **facts: Any) -> list[LeadEvent]:
    """Return the events of a kind, in order."""
    return list(LeadEvent.objects.filter(kind=kind, **facts).order_by("pk"))


def lead(number: int) -> Lead:
    """Return the lead that has this id at SprintHub."""
    return Lead.objects.get(external_id=f"sprinthub:{number}")


def addresses(number: int) -> set[tuple[str, str]]:
    """Return how this lead can be reached."""
    rows = Contact.objects.filter(lead=lead(number))
    return set(rows.values_list("medium", "address"))
