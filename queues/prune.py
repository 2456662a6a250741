"""Delete what nobody needs any more, in small batches."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from queues.handlers import registry
from queues.rollup import DAYS, merge, roll_up
from queues.states import State

BATCH = 1000
MAX_BATCHES = 50
LOOK_BACK = timedelta(hours=2)
"""Where a quick prune stops looking for types that are kept shorter than others."""

# The block-range index on completed_at finds the old ranges; skip locked, so a
# replay or a reader with a lock is never waited for. What is not yet rolled up stays.
JOBS = """
WITH gone AS (
    DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs
        WHERE completed_at < clock_timestamp() - %(keep)s
          AND completed_at < (SELECT done_until FROM job_rollup)
          AND completed_at >= clock_timestamp() - %(keep)s - %(look_back)s
          AND status = ANY(%(statuses)s) AND (type = ANY(%(types)s)) = %(named)s
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
    # A bulk is kept as long as the dead jobs that it dealt with, and while it runs.
    """
    WITH gone AS (
        DELETE FROM letter_bulks AS bulk
        WHERE created_at < clock_timestamp() - %(days)s * interval '1 day'
          AND NOT EXISTS (SELECT FROM jobs WHERE id = bulk.job_id
                          AND status IN ('pending', 'processing'))
        RETURNING id
    )
    DELETE FROM letter_refusals USING gone WHERE bulk_id = gone.id
    """,
    """
    WITH gone AS (
        DELETE FROM alert_messages
        WHERE created_at < clock_timestamp() - %(days)s * interval '1 day'
        RETURNING id
    )
    DELETE FROM alert_deliveries USING gone WHERE message_id = gone.id
    """,
    # A process that fell silent with its machine says no goodbye.
    """
    DELETE FROM workers
    WHERE coalesce(gone_at, seen_at) < clock_timestamp() - interval '1 day'
    """,
    """
    DELETE FROM audit_log WHERE id IN (
        SELECT id FROM audit_log
        WHERE at < clock_timestamp() - %(audit_days)s * interval '1 day'
        LIMIT %(batch)s)
    """,
    """
    DELETE FROM job_minutes WHERE (minute, type, outcome) IN (
        SELECT minute, type, outcome FROM job_minutes
        WHERE minute < clock_timestamp() - %(rolled_days)s * interval '1 day'
        LIMIT %(batch)s)
    """,
)
ENDED, DEAD = [State.COMPLETED, State.CANCELLED], [State.FAILED]
AGES = timedelta(days=36_500)


def prune(*, quick: bool = False) -> int:
    """Delete ended jobs past their retention, with all they left; return how many.

    A type says `keep` for completed and cancelled jobs and `keep_failed` for dead
    ones; else RETENTION_DAYS and RETENTION_DAYS_FAILED hold, the latter for the
    firings of schedules, too. A job stays until its tries are rolled up. A `quick`
    prune leaves to others what should have gone hours ago.
    """
    roll_up()
    look_back = LOOK_BACK if quick else AGES
    deleted = sum(
        _in_batches(JOBS, look_back=look_back if rule["named"] else AGES, **rule)
        for rule in _rules()
    )
    for statement in OTHERS:
        _in_batches(
            statement,
            days=settings.RETENTION_DAYS_FAILED,
            audit_days=settings.RETENTION_DAYS_AUDIT,
            rolled_days=DAYS,
        )
    merge()
    return deleted


def _rules() -> Iterator[dict[str, Any]]:
    """Yield what goes when: each retention that types ask for, then that of the rest."""
    for statuses, days, asked in (
        (ENDED, settings.RETENTION_DAYS, {each.name: each.keep for each in registry}),
        (
            DEAD,
            settings.RETENTION_DAYS_FAILED,
            {each.name: each.keep_failed for each in registry},
        ),
    ):
        named = {name: keep for name, keep in asked.items() if keep is not None}
        for keep in sorted(set(named.values())):
            types = [name for name in named if named[name] == keep]
            yield {"statuses": statuses, "keep": keep, "types": types, "named": True}
        yield {
            "statuses": statuses,
            "keep": timedelta(days=days),
            "types": list(named),
            "named": False,
        }


def _in_batches(statement: str, **values: Any) -> int:
    total = 0
    with connection.cursor() as cursor:
        for _ in range(MAX_BATCHES):
            cursor.execute(statement, {**values, "batch": BATCH})
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return total
