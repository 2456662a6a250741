"""Start a sync: its job and its row in one transaction, one at a time a segment."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from queues import audit
from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import IllegalTransition
from syncs.models import SegmentControl, SegmentLog, SegmentPass
from syncs.segments.conclude import bury, is_alive
from syncs.segments.errors import UnknownSegment

JOB = "sync-segment-leads"
DONE = (SegmentLog.Status.SUCCESS, SegmentLog.Status.PARTIAL)


@dataclass(frozen=True, slots=True)
class Started:
    """The sync that waits or runs, and whether this call began it."""

    sync: SegmentPass
    is_new: bool


def data_of(control: SegmentControl, trigger: str) -> dict[str, object]:
    """Return the data of a segment's job."""
    return {
        "segment_id": control.segment_id, "control": control.pk, "trigger": trigger,
    }  # fmt: skip


@transaction.atomic
def start(
    control: SegmentControl, *, trigger: str, actor: str = "", priority: int = 5
) -> Started:
    """Sync a segment now, paused or not; who comes second joins the one that runs."""
    control = SegmentControl.objects.select_for_update(no_key=True).get(pk=control.pk)
    if (running := live_pass(control)) is not None:
        return Started(running, is_new=False)
    job = enqueue(JOB, data_of(control, trigger), priority=priority)
    sync = SegmentPass.objects.create(
        control=control, job_id=job.pk, trigger=trigger, actor=actor
    )
    audit.record("segment.run", control, after={"job": job.pk, "trigger": str(trigger)})
    return Started(sync, is_new=True)


def start_by_number(
    segment_id: int, *, trigger: str, actor: str = "", force: bool = False
) -> list[Started]:
    """Sync every segment of that number now: two accounts may share one.

    With force, a sync that runs is taken from its worker. Raises UnknownSegment.
    """
    act = take_over if force else start
    return [act(each, trigger=trigger, actor=actor) for each in controls_of(segment_id)]


@transaction.atomic
def take_over(control: SegmentControl, *, trigger: str, actor: str = "") -> Started:
    """Let another job go on with the sync that runs, from the page it has reached.

    Whoever is at it writes nothing more, and stops at its next look; then the new job
    has its turn, as one segment is synced by one job at a time. Without a sync, start.
    """
    control = SegmentControl.objects.select_for_update(no_key=True).get(pk=control.pk)
    if (running := live_pass(control)) is None:
        return start(control, trigger=trigger, actor=actor, priority=1)
    before = running.job_id
    job = enqueue(JOB, data_of(control, trigger), priority=1)
    SegmentPass.objects.filter(pk=running.pk).update(
        job_id=job.pk, fence=F("fence") + 1, trigger=trigger, actor=actor
    )
    running.refresh_from_db()
    with suppress(IllegalTransition):
        cancel(before, reason="taken over")
    after = {"job": job.pk, "trigger": str(trigger)}
    audit.record("segment.take_over", control, before={"job": before}, after=after)
    return Started(running, is_new=True)


def controls_of(segment_id: int) -> Sequence[SegmentControl]:
    """Return the segments of that number, or raise UnknownSegment."""
    found = list(SegmentControl.objects.filter(segment_id=segment_id).order_by("pk"))
    if not found:
        raise UnknownSegment(segment_id)
    return found


@transaction.atomic
def adopt(control_id: int, job_id: int, *, trigger: str) -> SegmentPass | None:
    """Return the sync that this job runs; None if another job is at it, or it is done.

    A job that was written by SQL has no sync of its own before it starts.
    """
    control = SegmentControl.objects.select_for_update(no_key=True).get(pk=control_id)
    running = live_pass(control)
    if running is None:
        logs = SegmentLog.objects.filter(control=control, job_id=job_id)
        if logs.filter(status__in=DONE).exists():
            return None
        return SegmentPass.objects.create(
            control=control, job_id=job_id, trigger=trigger
        )
    return running if running.job_id == job_id else None


def live_pass(control: SegmentControl) -> SegmentPass | None:
    """Return the sync that waits or runs; one whose job is over is ended first.

    The caller holds the segment's row.
    """
    found = SegmentPass.objects.filter(control=control).first()
    if found is None or is_alive(found):
        return found
    bury(found.pk)
    return None
