"""The lock on a job that waits: what staff change of it, no claim sees half done."""

from queues.errors import IllegalTransition, UnknownJob
from queues.models import Job
from queues.states import State


def lock_pending(job_id: int, *, verb: str) -> Job:
    """Lock a pending job in the caller's transaction and return it.

    Raises UnknownJob; IllegalTransition once it runs or has ended.
    """
    job = Job.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise UnknownJob(job_id)
    if job.status != State.PENDING:
        raise IllegalTransition(verb, job.status)
    return job
