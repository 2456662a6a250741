"""End a sync: its log row, what it means for the segment, and its row gone; once."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from queues.models import Job
from queues.states import LIVE, State
from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog, SegmentPass

Status = SegmentLog.Status
MAX_MESSAGE = 2000
NO_WORD = "Its job ended without a word"


@dataclass(frozen=True, slots=True)
class End:
    """How a sync ended. `fault` names a kind of error, `is_fatal` calls for a person."""

    status: str
    message: str = ""
    fault: str = ""
    is_fatal: bool = False
    rate: Decimal | None = None
    stats: dict[str, Any] = field(default_factory=dict)


def conclude(sync: SegmentPass, end: End) -> SegmentLog:
    """Write the log row and the segment's standing in the caller's transaction.

    The caller holds the segment's row.
    """
    control = sync.control
    moment = now()
    began = sync.started_at or sync.created_at
    log = SegmentLog.objects.create(
        control=control, segment_id=control.segment_id, execution_time=began,
        scheduled_for=_due(sync), trigger=sync.trigger, actor=sync.actor,
        job_id=sync.job_id, status=end.status, fault=end.fault,
        message=end.message[:MAX_MESSAGE] or None,
        stats={**sync.stats, **end.stats},
        duration_seconds=_seconds(moment - began), success_rate=end.rate,
        active_seconds=Decimal(str(round(sync.stats.get("active", 0.0), 3))),
    )  # fmt: skip
    _stand(control, end, began=began, ended=moment)
    sync.delete()
    return log


def skip(control: SegmentControl, *, due_at: Any, message: str) -> None:
    """Write down that a due time was let pass, once."""
    SegmentLog.objects.bulk_create(
        [
            SegmentLog(
                control=control, segment_id=control.segment_id, scheduled_for=due_at,
                status=Status.SKIPPED, message=message, stats={},
                duration_seconds=Decimal(0),
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


@transaction.atomic
def bury(sync_id: int) -> bool:
    """End a sync whose job has ended without ending it; tell whether that was so."""
    found = SegmentPass.objects.filter(pk=sync_id).first()
    if found is None:
        return False
    control = SegmentControl.objects.select_for_update(no_key=True).get(
        pk=found.control_id
    )
    sync = SegmentPass.objects.filter(pk=sync_id).first()
    if sync is None or is_alive(sync):
        return False
    sync.control = control
    conclude(sync, _fate(sync))
    return True


def orphans() -> list[int]:
    """Return the syncs whose job has ended, or is gone."""
    alive = Job.objects.filter(status__in=LIVE).values("pk")
    return list(
        SegmentPass.objects.exclude(job_id__in=alive).values_list("pk", flat=True)
    )


def is_alive(sync: SegmentPass) -> bool:
    """Tell whether the job of a sync waits or runs."""
    return Job.objects.filter(pk=sync.job_id, status__in=LIVE).exists()


def _fate(sync: SegmentPass) -> End:
    job = Job.objects.filter(pk=sync.job_id).first()
    if job is not None and job.status == State.CANCELLED:
        return End(Status.CANCELLED, "Its job was cancelled", "cancelled")
    said = " ".join((job.error or "").split()) if job else ""
    return End(Status.ERROR, f"{NO_WORD}: {said}".rstrip(": "), "internal")


def _due(sync: SegmentPass) -> Any:
    """Return the due time that this log row is for; a time set back has one already."""
    taken = SegmentLog.objects.filter(
        control=sync.control_id, scheduled_for=sync.scheduled_for
    )
    return None if sync.scheduled_for and taken.exists() else sync.scheduled_for


def _stand(control: SegmentControl, end: End, *, began: Any, ended: Any) -> None:
    control.last_execution = began
    fields = ["last_execution", "updated_at"]
    control.updated_at = ended
    match end.status:
        case Status.SUCCESS:
            control.last_success, control.consecutive_errors = ended, 0
            fields += ["last_success", "consecutive_errors", "status", "note"]
            if control.status == SegmentControl.Status.ERROR:
                control.status = SegmentControl.Status.ACTIVE
            control.note = ""
        case Status.ERROR:
            control.consecutive_errors += 1
            fields += ["consecutive_errors"]
            if end.is_fatal and control.status == SegmentControl.Status.ACTIVE:
                control.status = SegmentControl.Status.ERROR
                control.note = end.message[:MAX_MESSAGE]
                fields += ["status", "note"]
        case _:
            pass
    control.save(update_fields=fields)


def _seconds(span: timedelta) -> Decimal:
    return Decimal(str(round(max(span.total_seconds(), 0.0), 3)))
