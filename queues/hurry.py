"""Let a job that waits for its time run now."""

from django.db import transaction
from django.db.models.functions import Now

from queues.audit import record
from queues.errors import IllegalTransition
from queues.models import Job
from queues.pending import lock_pending
from queues.wake import wake_on_commit


def hurry(job_id: int, *, reason: str = "") -> Job:
    """Make a scheduled, snoozed or retrying job due now; return the job.

    Raises UnknownJob; IllegalTransition if it is due already, once it runs or has
    ended, or if it waits for other jobs.
    """
    with transaction.atomic():
        job = lock_pending(job_id, verb="hurry")
        if job.held_run_at is not None:
            raise IllegalTransition("hurry", "held")
        later = Job.objects.filter(pk=job_id, run_at__gt=Now())
        if not later.update(run_at=Now()):
            raise IllegalTransition("hurry", "due")
        before = {"run_at": job.run_at.isoformat()}
        job.refresh_from_db(fields=["run_at"])
        after = {"run_at": job.run_at.isoformat()}
        record("job.hurry", job, reason=reason, before=before, after=after)
        wake_on_commit(job.queue)
    return job
