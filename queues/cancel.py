"""Cancel a job: at once while it waits, by asking while it runs."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from queues import firings
from queues.audit import record
from queues.errors import IllegalTransition, UnknownJob
from queues.models import Job
from queues.needs import follow
from queues.states import State

UNHELD = {"run_at": Coalesce(F("held_run_at"), F("run_at")), "held_run_at": None}
"""What becomes of the wait of a job that waited for others."""


def cancel(job_id: int, *, reason: str = "") -> Job:
    """Cancel a waiting job, or ask a running one to stop; return the job.

    A running handler learns it from `job.cancelled()`; 30 s later its process is
    ended. Raises UnknownJob, or IllegalTransition once the job has ended.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        match job and job.status:
            case None:
                raise UnknownJob(job_id)
            case State.PENDING:
                change = {"status": State.CANCELLED, "completed_at": Now(), **UNHELD}
            case State.PROCESSING:
                change = {"cancel_requested_at": Now()}
            case status:
                raise IllegalTransition("cancel", str(status))
        Job.objects.filter(pk=job_id).update(**change)
        firings.close([job_id])
        if job and job.needed:
            follow([job_id])
        told = {"status": job and job.status}
        record("job.cancel", job, reason=reason, before=told)
    return Job.objects.get(pk=job_id)
