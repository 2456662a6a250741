"""Give up jobs that are older than their type allows."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from queues import firings
from queues.handlers import registry
from queues.needs import follow

BATCH = 500
MAX_BATCHES = 20

# A replay begins a new life, and a new age with it.
IS_OLD = """
    job.created_at < clock_timestamp() - rule.seconds * interval '1 second'
    AND NOT EXISTS (
        SELECT FROM dead_letters AS letter
        WHERE letter.type = job.type AND letter.job_id = job.id
          AND letter.replayed_at
              > clock_timestamp() - rule.seconds * interval '1 second')
"""
IS_EXPIRED = f"""
SELECT FROM jobs AS job CROSS JOIN (VALUES (%s::float8)) AS rule (seconds)
WHERE job.id = %s AND {IS_OLD}
"""
# One walk a minute through the claim's partial index, and only for the types that
# ask: an index by age would cost every job that does not.
EXPIRE = f"""
WITH old AS MATERIALIZED (
    SELECT job.id, rule.reason
    FROM unnest(%s::text[], %s::float8[], %s::text[]) AS rule (type, seconds, reason)
    JOIN jobs AS job ON job.type = rule.type
    WHERE job.status = 'pending' AND {IS_OLD}
    LIMIT %s FOR UPDATE OF job SKIP LOCKED
), moved AS (
    UPDATE jobs AS job SET
        status = 'failed', completed_at = clock_timestamp(), error = old.reason
    FROM old WHERE job.id = old.id AND job.status = 'pending'
    RETURNING job.id, job.type, old.reason
), letters AS (
    INSERT INTO dead_letters (job_id, type, reason)
    SELECT id, type, reason FROM moved
)
SELECT id FROM moved
"""  # noqa: S608


def reason(max_age: timedelta) -> str:
    """Return what the letter of an expired job says."""
    return f"expired: not done within {max_age.total_seconds():g} s"


def is_expired(job_id: int, max_age: timedelta) -> bool:
    """Tell whether a job is older than that by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(IS_EXPIRED, [max_age.total_seconds(), job_id])
        return cursor.fetchone() is not None


def expire() -> int:
    """Bury the waiting jobs that are past their type's `max_age`; return how many."""
    rules = [(each.name, each.max_age) for each in registry if each.max_age is not None]
    if not rules:
        return 0
    columns: list[list[Any]] = [
        [name for name, _ in rules],
        [age.total_seconds() for _, age in rules],
        [reason(age) for _, age in rules],
    ]
    total = 0
    for _ in range(MAX_BATCHES):
        total += (count := _expire(columns))
        if count < BATCH:
            break
    return total


def _expire(columns: list[list[Any]]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(EXPIRE, [*columns, BATCH])
        buried = [job_id for (job_id,) in cursor.fetchall()]
        if buried:
            firings.close(buried)
            follow(buried)
    return len(buried)
