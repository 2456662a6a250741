"""Look after the queue of syncs: free what is stuck first, then count."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from syncs import backfill, turn
from syncs.models import Run
from syncs.states import Kind, Outcome, RunStatus, Waiting
from syncs.tell import tell

STALLS_AFTER = timedelta(minutes=10)
"""Without a page for so long a run is taken for stuck, as in the seed."""
AGES = timedelta(minutes=5)
"""After each of these, a waiting run is one step more urgent."""
MOST = 500

# One tick at a time; a transaction's lock, so it works behind a pooler.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('sync-worker', 0))"

# Open rows that no live job will take up: the job died, was cancelled or was pruned.
FORGOTTEN = """
SELECT run.id, job.status, job.error
FROM sync_queue AS run
LEFT JOIN LATERAL (
    SELECT status, error FROM jobs
    WHERE type = 'sync-store' AND unique_key = run.dedupe_key
    ORDER BY id DESC LIMIT 1) AS job ON true
WHERE run.status IN ('queued', 'processing') AND run.kind <> 'segment'
  AND NOT EXISTS (
    SELECT FROM jobs WHERE type = 'sync-store' AND unique_key = run.dedupe_key
    AND status IN ('pending', 'processing'))
ORDER BY run.queued_at LIMIT %s
"""
# Telling the job of the row again does nothing where it is there already.
REQUEUE = (
    "UPDATE sync_queue SET priority = priority WHERE id = %s AND status = 'queued'"
)
REOPEN = """
SELECT ritmo_enqueue_unique('sync-store', coalesce(
        (SELECT queue FROM job_types WHERE name = 'sync-store'), 'default'),
    jsonb_build_object('store', store_id, 'key', dedupe_key), least(priority, 9), NULL,
    dedupe_key, NULL, NULL, 'sync', 'coalesce', NULL, true)
FROM sync_queue WHERE id = %s AND status = 'processing'
"""
AGE = """
SELECT count(ritmo_enqueue_unique(
    'sync-store', job.queue, job.payload, urgency.priority, job.run_at,
    job.unique_key, NULL, NULL, 'sync', 'coalesce', NULL, true))
FROM (
    SELECT dedupe_key, greatest(1, least(priority, 9) - floor(extract(
        epoch FROM clock_timestamp() - queued_at) / %s)::int) AS priority
    -- History has time: it is never more urgent than what people look at.
    FROM sync_queue WHERE status = 'queued' AND kind NOT IN ('segment', 'backfill')
    AND queued_at < clock_timestamp() - %s * interval '1 second'
) AS urgency
JOIN jobs AS job ON job.type = 'sync-store' AND job.unique_key = urgency.dedupe_key
    AND job.status = 'pending' AND job.priority > urgency.priority
"""
ROOM = """
SELECT (SELECT running FROM limits WHERE name = 'sync'),
       count(*) FILTER (WHERE status = 'processing' AND limit_name = 'sync'),
       count(DISTINCT payload ->> 'store') FILTER (
           WHERE status = 'pending' AND run_at <= clock_timestamp())
FROM jobs WHERE type = 'sync-store' AND status IN ('pending', 'processing')
"""


@dataclass(frozen=True, slots=True)
class Ticked:
    """How many entries may start now, how many run, and how many were freed."""

    claimed: int
    processing: int
    reset: int


@transaction.atomic
def tick() -> Ticked:
    """Free what is stuck, ease what waits long, and say how the queue stands.

    In this order: who counts first never frees anything once all slots are stuck.
    """
    reset = _reset() if _alone() else 0
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        most, running, due = cursor.fetchone()
    free = due if most is None else max(most - running, 0)
    return Ticked(claimed=min(free, due), processing=running, reset=reset)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        return bool(cursor.fetchone()[0])


def _reset() -> int:
    freed = _stalled() + _forgotten() + _late() + backfill.look_after()
    seconds = AGES.total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(AGE, [seconds, seconds])
    return freed


def _stalled() -> int:
    """Take a run away from a worker that lives but gets nowhere."""
    rows = _held().filter(
        status=RunStatus.PROCESSING, progress_at__lt=Now() - STALLS_AFTER
    )
    found = list(rows[:MOST])
    for run in found:
        Run.objects.filter(pk=run.pk).update(
            status=RunStatus.QUEUED,
            waiting_for=Waiting.STALLED,
            retry_count=run.retry_count + 1,
            no_progress=run.no_progress + 1,
        )
        tell(run, "stalled", "no page for ten minutes", level="warning")
        if not turn.tries_left(run):
            turn.conclude(
                run, Outcome.FAILED, text="It made no progress", code="stalled"
            )
    return len(found)


def _forgotten() -> int:
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN, [MOST])
        rows = cursor.fetchall()
    return sum(_mend(*row) for row in rows)


def _mend(run_id: UUID, job_status: str | None, error: str | None) -> int:
    """End the run of a dead job, give a new job to one that lost its own."""
    run = _held().filter(pk=run_id).first()
    if run is None:
        return 0
    begun = run.started_at is not None
    if job_status == "failed" and begun:
        text = error or "Its job died"
        turn.conclude(run, Outcome.FAILED, text=text, code="job_died")
    elif job_status == "cancelled":
        turn.conclude(run, Outcome.CANCELLED, text="Its job was cancelled",
                      code="job_cancelled")  # fmt: skip
    else:
        with connection.cursor() as cursor:
            cursor.execute(REQUEUE, [run_id])
            cursor.execute(REOPEN, [run_id])
        tell(run, "requeued", level="warning")
    return 1


def _late() -> int:
    """End what has waited for a day; a worker that runs one notices it itself."""
    rows = _held().filter(status=RunStatus.QUEUED, deadline_at__lt=Now())
    # History waits for as long as there is anything else to do.
    rows = rows.exclude(kind=Kind.BACKFILL, started_at=None)
    found = list(rows[:MOST])
    for run in found:
        text = run.error_message or "It was not done within a day"
        turn.conclude(run, Outcome.FAILED, text=text, code="deadline")
    return len(found)


def _held() -> QuerySet[Run]:
    return Run.objects.select_for_update(skip_locked=True, no_key=True).order_by(
        "queued_at"
    )
