"""Segments, their syncs and their members as the API shows them."""

from typing import Any

from queues.api.represent import iso
from queues.models import Job
from syncs.models import SegmentControl, SegmentLog, SegmentMember

FACTS = (
    "segment_id", "name", "status", "note", "cron", "time_zone", "jitter_seconds",
    "misfire", "enrich", "enrich_most", "guard_percent", "consecutive_errors",
    "members", "held_removals",
)  # fmt: skip
MOMENTS = ("next_execution", "last_execution", "last_success")


def segment_body(
    control: SegmentControl, *, with_progress: bool = False
) -> dict[str, Any]:
    """Return a segment, with the sync that waits or runs."""
    return {
        "id": control.pk,
        "company": control.company_id,
        "connection": control.connection_id and str(control.connection_id),
        **{name: getattr(control, name) for name in FACTS},
        **{name: iso(getattr(control, name)) for name in MOMENTS},
        "sync": _sync(control, with_progress=with_progress),
    }


def log_body(log: SegmentLog) -> dict[str, Any]:
    """Return a sync that ended."""
    return {
        "id": log.pk,
        "status": log.status,
        "trigger": log.trigger,
        "began_at": iso(log.execution_time),
        "scheduled_for": iso(log.scheduled_for),
        "message": log.message,
        "error_class": log.fault or None,
        "success_rate": _number(log.success_rate),
        "duration_seconds": _number(log.duration_seconds),
        "active_seconds": _number(log.active_seconds),
        "stats": log.stats or {},
        "job_id": log.job_id and str(log.job_id),
    }


def member_body(member: SegmentMember) -> dict[str, Any]:
    """Return a member: no name and no address, those are the lead's own."""
    return {
        "lead_id": str(member.lead_id),
        "external_id": member.external_id,
        "joined_at": iso(member.joined_at),
        "left_at": iso(member.removed_at),
    }


def _sync(control: SegmentControl, *, with_progress: bool) -> dict[str, Any] | None:
    sync = getattr(control, "live_pass", None)
    if sync is None:
        return None
    told = {
        "job_id": str(sync.job_id),
        "trigger": sync.trigger,
        "asked_at": iso(sync.created_at),
        "began_at": iso(sync.started_at),
    }
    if with_progress:
        jobs = Job.objects.filter(pk=sync.job_id)
        told["progress"] = jobs.values_list("progress", flat=True).first()
    return told


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
