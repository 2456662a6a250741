"""Who holds a limit, who waits for it, and since when; for people to look at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

MOST = 100
"""Rows and keys shown of one limit."""

HELD = """
SELECT limit_name, count(*) FROM jobs
WHERE status = 'processing' AND limit_name IS NOT NULL GROUP BY limit_name
"""
USED = """
SELECT limit_name, count(*) FROM limit_uses JOIN limits ON limits.name = limit_name
WHERE at > statement_timestamp() - period_seconds * interval '1 second'
GROUP BY limit_name
"""
WAITING = """
SELECT limit_name, count(*), min(run_at) FROM jobs
WHERE status = 'pending' AND limit_name IS NOT NULL AND run_at <= statement_timestamp()
GROUP BY limit_name
"""
HOLDERS = """
SELECT job.id, job.type, job.limit_key, attempt.claimed_at, worker.name
FROM jobs AS job
JOIN job_attempts AS attempt
    ON attempt.job_id = job.id AND attempt.finished_at IS NULL
LEFT JOIN workers AS worker ON worker.id = attempt.worker_id
WHERE job.status = 'processing' AND job.limit_name = %s
ORDER BY attempt.claimed_at, job.id LIMIT %s
"""
# In the order in which the keys of one priority are served.
KEYS = """
SELECT waiting.key, waiting.jobs, waiting.since, waiting.priority, served.served_at
FROM (
    SELECT limit_key AS key, count(*) AS jobs, min(run_at) AS since,
           min(priority) AS priority
    FROM jobs WHERE status = 'pending' AND limit_name = %s
      AND run_at <= statement_timestamp() GROUP BY limit_key
) AS waiting
LEFT JOIN limit_keys AS served ON served.limit_name = %s AND served.key = waiting.key
ORDER BY waiting.priority, served.served_at NULLS FIRST, waiting.since LIMIT %s
"""
QUEUES = "SELECT DISTINCT queue FROM jobs WHERE status = 'pending' AND limit_name = %s"


@dataclass(frozen=True, slots=True)
class Holding:
    """How a limit stands: what runs, what started in the period, what waits."""

    held: int = 0
    used: int = 0
    waiting: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A job that holds a place."""

    job_id: int
    type: str
    key: str
    since: datetime
    worker: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A key with due jobs; `served` is when one of its jobs started last."""

    key: str
    jobs: int
    since: datetime
    priority: int
    served: datetime | None


def holdings() -> Mapping[str, Holding]:
    """Return how each limit stands that is held, used or waited for."""
    found: dict[str, Holding] = {}
    with connection.cursor() as cursor:
        for statement, fields in (
            (HELD, ("held",)),
            (USED, ("used",)),
            (WAITING, ("waiting", "oldest")),
        ):
            cursor.execute(statement)
            for name, *values in cursor.fetchall():
                facts = dict(zip(fields, values, strict=True))
                found[name] = replace(found.get(name, Holding()), **facts)
    return found


def holders(name: str) -> list[Holder]:
    """Return the jobs that hold a place, the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, [name, MOST])
        return [Holder(*row) for row in cursor.fetchall()]


def waiting(name: str) -> list[Waiting]:
    """Return the keys with due jobs, the next to be served first."""
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [name, name, MOST])
        return [Waiting(*row) for row in cursor.fetchall()]


def queues_of(name: str) -> list[str]:
    """Return the queues in which jobs wait under a limit."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUES, [name])
        return [queue for (queue,) in cursor.fetchall()]
