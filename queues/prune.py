"""Delete what nobody needs any more, in small batches."""

from django.conf import settings
from django.db import connection

BATCH = 1000
MAX_BATCHES = 50

# The block-range index on completed_at finds the old ranges; skip locked, so a
# replay or a reader with a lock is never waited for.
JOBS = """
WITH gone AS (
    DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs
        WHERE completed_at < clock_timestamp() - %(days)s * interval '1 day'
          AND status = ANY(%(statuses)s)
        LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    RETURNING type
), counted AS (
    INSERT INTO job_totals (type, pruned)
    SELECT type, count(*) FROM gone GROUP BY type ORDER BY type
    ON CONFLICT (type) DO UPDATE SET pruned = job_totals.pruned + excluded.pruned
)
SELECT FROM gone
"""
OTHERS = (
    """
    DELETE FROM cron_job_logs WHERE id IN (
        SELECT id FROM cron_job_logs
        WHERE created_at < clock_timestamp() - %(days)s * interval '1 day'
        LIMIT %(batch)s)
    """,
    """
    DELETE FROM limit_keys WHERE served_at < clock_timestamp() - interval '1 hour'
    """,
    """
    DELETE FROM limit_uses USING limits
    WHERE limits.name = limit_name AND at < clock_timestamp()
        - greatest(period_seconds, 60) * interval '1 second'
    """,
    """
    DELETE FROM idempotency_keys
    WHERE created_at < clock_timestamp() - interval '1 day'
    """,
    "DELETE FROM unique_windows WHERE until < clock_timestamp()",
    # A batch is kept as long as any job of it.
    """
    DELETE FROM job_batches AS batch
    WHERE completed_at < clock_timestamp() - %(days)s * interval '1 day'
      AND NOT EXISTS (SELECT FROM jobs WHERE batch_id = batch.id)
    """,
    # A process that fell silent with its machine says no goodbye.
    """
    DELETE FROM workers
    WHERE coalesce(gone_at, seen_at) < clock_timestamp() - interval '1 day'
    """,
)


def prune() -> int:
    """Delete ended jobs past their retention, with all they left; return how many.

    RETENTION_DAYS for completed and cancelled jobs, RETENTION_DAYS_FAILED for
    dead ones and for the firings of schedules.
    """
    kept, kept_dead = settings.RETENTION_DAYS, settings.RETENTION_DAYS_FAILED
    deleted = _in_batches(JOBS, days=kept, statuses=["completed", "cancelled"])
    deleted += _in_batches(JOBS, days=kept_dead, statuses=["failed"])
    for statement in OTHERS:
        _in_batches(statement, days=kept_dead)
    return deleted


def _in_batches(statement: str, **values: int | list[str]) -> int:
    total = 0
    with connection.cursor() as cursor:
        for _ in range(MAX_BATCHES):
            cursor.execute(statement, {**values, "batch": BATCH})
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return total
