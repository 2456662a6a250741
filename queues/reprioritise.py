"""Let a waiting job go before others, or after them."""

from django.db import transaction

from queues.audit import record
from queues.models import Job
from queues.pending import lock_pending
from queues.priority import check_priority
from queues.wake import wake_on_commit


def reprioritise(job_id: int, priority: int, *, reason: str = "") -> Job:
    """Give a waiting job another priority, from 1 to 9; return the job.

    Raises InvalidPriority, UnknownJob, or IllegalTransition once it runs or has ended.
    """
    priority = check_priority(priority)
    with transaction.atomic():
        job = lock_pending(job_id, verb="reprioritise")
        before, job.priority = job.priority, priority
        if before != priority:
            job.save(update_fields=["priority"])
            record(
                "job.reprioritise",
                job,
                reason=reason,
                before={"priority": before},
                after={"priority": priority},
            )
            wake_on_commit(job.queue)
    return job
