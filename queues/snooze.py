"""Let a waiting job wait until later."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from queues.audit import record
from queues.enqueue import check_run_at
from queues.errors import InvalidRunAt
from queues.models import Job
from queues.pending import lock_pending


def snooze(job_id: int, until: datetime, *, reason: str = "") -> Job:
    """Make a waiting job due at that moment and not before; return the job.

    One that waits for others is then due at the earliest once they have ended. Raises
    InvalidRunAt, UnknownJob, or IllegalTransition once the job runs or has ended.
    """
    moment = check_run_at(until)
    if moment is None or moment <= timezone.now():
        raise InvalidRunAt("The due time lies in the past")
    with transaction.atomic():
        job = lock_pending(job_id, verb="snooze")
        column = "run_at" if job.held_run_at is None else "held_run_at"
        before = getattr(job, column)
        setattr(job, column, moment)
        job.save(update_fields=[column])
        record(
            "job.snooze",
            job,
            reason=reason,
            before={"run_at": before.isoformat()},
            after={"run_at": moment.isoformat()},
        )
    return job
