"""Give a dead job another life, or dismiss its letter."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from queues.audit import record
from queues.errors import CannotRestore, IllegalTransition, UnknownJob
from queues.models import DeadLetter, Job
from queues.states import State
from queues.wake import wake_on_commit


def replay(job_id: int, *, reason: str = "") -> Job:
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
        told = {"status": job.status, "error": job.error}
        record("job.retry", job, reason=reason, before=told)
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
    with transaction.atomic():
        standing = DeadLetter.objects.select_for_update().filter(
            pk=letter_id, dismissed_at=None
        )
        if (letter := standing.first()) is not None:
            standing.update(dismissed_at=Now(), bulk=None)
            record("letter.dismiss", letter, after={"dismissed": True})


def restore(letter_id: int) -> None:
    """Open a dismissed letter again; raises CannotRestore once it was replayed."""
    with transaction.atomic():
        found = DeadLetter.objects.select_for_update().filter(pk=letter_id)
        letter = found.first()
        if letter is None or letter.replayed_at is not None:
            raise CannotRestore("Its job was replayed")
        if letter.dismissed_at is not None:
            found.update(dismissed_at=None, bulk=None)
            record("letter.restore", letter, after={"dismissed": False})
