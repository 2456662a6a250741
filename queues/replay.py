"""Give a dead job another life, or dismiss its letter."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from queues.errors import IllegalTransition, UnknownJob
from queues.models import DeadLetter, Job
from queues.states import State
from queues.wake import wake_on_commit


def replay(job_id: int) -> Job:
    """Put a failed job back, its failures forgotten and its history kept.

    Raises UnknownJob; IllegalTransition if the job is not dead, or if a newer
    live job holds its unique key.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise UnknownJob(job_id)
        if job.status != State.FAILED:
            raise IllegalTransition("retry", job.status)
        try:
            with transaction.atomic():
                _revive(job_id)
        except IntegrityError:
            raise IllegalTransition("retry", "superseded") from None
        wake_on_commit(job.queue)
    return Job.objects.get(pk=job_id)


def _revive(job_id: int) -> None:
    Job.objects.filter(pk=job_id).update(
        status=State.PENDING,
        failures=0,
        losses=0,
        crashes=0,
        run_at=Now(),
        completed_at=None,
        cancel_requested_at=None,
        error=None,
        result=None,
    )
    standing = DeadLetter.objects.filter(job=job_id, replayed_at=None)
    standing.update(replayed_at=Now(), bulk=None)


def dismiss(letter_id: int) -> None:
    """Mark a letter as seen and needing nothing; the job stays dead."""
    DeadLetter.objects.filter(pk=letter_id, dismissed_at=None).update(
        dismissed_at=Now(), bulk=None
    )


def restore(letter_id: int) -> None:
    """Open a dismissed letter again; raises IllegalTransition if its job lives on."""
    found = DeadLetter.objects.filter(pk=letter_id, replayed_at=None)
    if not found.update(dismissed_at=None, bulk=None):
        raise IllegalTransition("take back", "replayed")
