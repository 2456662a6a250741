"""A job as the API shows it."""

from datetime import UTC, datetime

from queues.handlers import MAX_ATTEMPTS, registry
from queues.models import Job
from queues.states import State

STARTED = (State.PROCESSING, State.COMPLETED)


def represent(job: Job) -> dict[str, object]:
    """Return the job's members under the names of the contract."""
    return {
        "id": job.pk,
        "type": job.type,
        "status": str(job.status),
        "priority": job.priority,
        "payload": job.payload,
        "result": job.result,
        "error": job.error,
        # Failures are counted, starts are not: this try has not failed.
        "attempts": job.failures + (job.status in STARTED),
        "maxAttempts": _max_attempts(job),
        "progress": job.progress,
        "createdAt": iso(job.created_at),
        "scheduledFor": iso(job.held_run_at or job.run_at),
        "startedAt": iso(job.started_at),
        "completedAt": iso(job.completed_at),
    }


def iso(moment: datetime | None) -> str | None:
    """Return a moment in UTC, as JavaScript writes it."""
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _max_attempts(job: Job) -> int:
    if job.max_attempts is not None:
        return job.max_attempts
    return registry.get(job.type).max_attempts if job.type in registry else MAX_ATTEMPTS
