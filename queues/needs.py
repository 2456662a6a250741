"""Jobs that wait for other jobs: held back, and released or buried by their end."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.db import connection
from django.db.models import F

from queues.errors import InvalidOption
from queues.models import Job, JobNeed
from queues.patience import patiently
from queues.states import LIVE
from queues.wake import wake_on_commit

IF_DEAD = ("bury", "run")
FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""The due time of a job that waits for others: never, for every claim and count."""
MOST = 1000
"""Jobs that one job may wait for."""

# Every verb releases what it must in its own transaction; an UPDATE by hand that
# ends a job does not.
STRANDED = """
SELECT ritmo_release(id) FROM (
    SELECT id FROM jobs AS job
    WHERE held_run_at IS NOT NULL AND status = 'pending' AND NOT EXISTS (
        SELECT FROM job_needs AS need JOIN jobs AS other ON other.id = need.needs_id
        WHERE need.job_id = job.id AND other.status IN ('pending', 'processing'))
    ORDER BY id LIMIT 1000) AS stranded
"""


def lock_parents(after: Iterable[Job | int], *, if_dead: str) -> list[int]:
    """Lock the jobs named and return their ids; their ends wait for our commit.

    Many are locked all or none, so a verdict on several of them is never waited
    for by someone who holds one. Raises InvalidOption for jobs that do not exist.
    """
    if if_dead not in IF_DEAD:
        raise InvalidOption(f"Unknown if_dead: {if_dead}")
    ids = sorted({each.pk if isinstance(each, Job) else each for each in after})
    if len(ids) > MOST:
        raise InvalidOption(f"A job can wait for {MOST} others at most")
    found = Job.objects.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
    locked = patiently(lambda: list(found.select_for_update(nowait=True, no_key=True)))
    if unknown := set(ids) - set(locked):
        raise InvalidOption(f"after names unknown jobs: {sorted(unknown)}")
    return ids


def hold(job: Job, parents: Sequence[int], *, if_dead: str) -> Job:
    """Let a job just written wait for its locked parents; return it as it then is.

    Parents that have ended count at once.
    """
    Job.objects.filter(pk=job.pk).update(held_run_at=F("run_at"), run_at=FAR)
    JobNeed.objects.bulk_create(
        JobNeed(job_id=job.pk, needs_id=parent, run_if_dead=if_dead == "run")
        for parent in parents
    )
    Job.objects.filter(pk__in=parents, status__in=LIVE).update(needed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ritmo_release(%s)", [job.pk])
    return Job.objects.get(pk=job.pk)


def follow(job_ids: Sequence[int]) -> None:
    """Release or bury what waits for those jobs, which the caller has just ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ritmo_follow(%s)", [list(job_ids)])
        (queues,) = cursor.fetchone()
    for queue in queues or ():
        wake_on_commit(queue)


def release_stranded() -> int:
    """Decide about the jobs that wait for nothing any more; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(STRANDED)
        return int(cursor.rowcount)
