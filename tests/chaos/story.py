"""What became of one job, in order: for whoever has to explain a violation."""

from collections.abc import Iterator
from datetime import datetime

from queues.models import Attempt
from tests.shop.models import Entry


def story(job: int) -> list[str]:
    """Return a line for each claim, end and note of the handler, by time."""
    return [f"  #{job} {at:%H:%M:%S.%f} {what}" for at, what in sorted(_moments(job))]


def _moments(job: int) -> Iterator[tuple[datetime, str]]:
    for each in Attempt.objects.filter(job=job).select_related("worker"):
        holder = each.worker.pid if each.worker else "nobody"
        yield each.claimed_at, f"attempt {each.pk} claimed by {holder}"
        if each.started_at:
            yield each.started_at, f"attempt {each.pk} started"
        if each.finished_at:
            error = (each.error or "").strip()
            yield each.finished_at, f"attempt {each.pk} {each.outcome} {error}".rstrip()
    for event, pid, at in Entry.objects.filter(job_id=job).values_list(
        "event", "pid", "at"
    ):
        yield at, f"{event} noted by {pid}"
