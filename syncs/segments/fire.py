"""Fire what is due: each due time once, the next one computed in the same transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from queues.enqueue import enqueue, enqueue_many
from queues.errors import InvalidSchedule
from syncs.clock import now
from syncs.models import SegmentControl, SegmentPass, Trigger
from syncs.segments.conclude import bury, orphans, skip
from syncs.segments.start import JOB, data_of, live_pass
from syncs.segments.times import Occasion, coming, occasion

PAGE = 500
Due = tuple[SegmentControl, Occasion]


def fire(*, trigger: str = Trigger.CRON) -> int:
    """Write a job for each due segment; return how many. Any number may fire at once."""
    return len(fire_now(trigger=trigger))


def fire_now(*, trigger: str = Trigger.CRON) -> list[SegmentPass]:
    """Write a job for each due segment; return their syncs."""
    for sync_id in orphans():
        bury(sync_id)
    plan()
    fired: list[SegmentPass] = []
    while (page := _fire_page(trigger)) is not None:
        fired += page
    return fired


@transaction.atomic
def plan() -> None:
    """Give a due time to those who have none: new ones, and those whose line changed."""
    moment = now()
    rows = list(
        _locked(SegmentControl.objects.filter(status="active", next_execution=None))
    )
    for control in rows:
        try:
            control.next_execution = coming(control, after=moment)
        except InvalidSchedule as error:
            _halt(control, str(error))
    SegmentControl.objects.bulk_update(rows, ["next_execution", "status", "note"])


@transaction.atomic
def _fire_page(trigger: str) -> list[SegmentPass] | None:
    """Fire up to a page; None once nothing is due."""
    moment = now()
    due = SegmentControl.objects.filter(status="active", next_execution__lte=moment)
    rows = list(_locked(due))
    if not rows:
        return None
    ready = [pair for each in rows if (pair := _judge(each, moment)) is not None]
    started = _start(ready, trigger, moment)
    SegmentControl.objects.bulk_update(
        rows, ["next_execution", "scheduled_for", "status", "note"]
    )
    return started


def _locked(rows: QuerySet[SegmentControl]) -> QuerySet[SegmentControl]:
    ordered = rows.order_by("next_execution", "pk")
    return ordered.select_for_update(no_key=True, skip_locked=True)[:PAGE]


def _judge(control: SegmentControl, moment: datetime) -> Due | None:
    """Move the segment on; return its due time if that is to be run."""
    try:
        if _slept_through(control):
            control.next_execution = coming(control, after=moment)
            return None
        found = occasion(control, at=moment)
    except InvalidSchedule as error:
        _halt(control, str(error))
        return None
    control.next_execution, control.scheduled_for = found.next_at, found.due_at
    if found.is_missed:
        skip(control, due_at=found.due_at, message="It was missed")
    elif live_pass(control) is not None:
        skip(control, due_at=found.due_at, message="The sync before still runs")
    else:
        return control, found
    return None


def _slept_through(control: SegmentControl) -> bool:
    """Tell whether its due time fell into a pause: those are not made up."""
    resumed, due = control.resumed_at, control.next_execution
    return resumed is not None and due is not None and due < resumed


def _halt(control: SegmentControl, note: str) -> None:
    control.status, control.note = SegmentControl.Status.ERROR, note


def _start(ready: Sequence[Due], trigger: str, moment: datetime) -> list[SegmentPass]:
    """Write the jobs and the syncs: at once, or spread by jitter."""
    documents = [data_of(control, trigger) for control, _ in ready]
    if all(found.starts_at <= moment for _, found in ready):
        jobs = enqueue_many(JOB, documents)
    else:
        jobs = [
            enqueue(JOB, each, run_at=max(found.starts_at, moment))
            for each, (_, found) in zip(documents, ready, strict=True)
        ]
    return SegmentPass.objects.bulk_create(
        SegmentPass(
            control=control, job_id=job.pk, trigger=trigger,
            scheduled_for=found.due_at,
        )
        for job, (control, found) in zip(jobs, ready, strict=True)
    )  # fmt: skip
