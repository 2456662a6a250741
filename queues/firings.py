"""Firings: rows of `cron_job_logs`, closed by the end of their job."""

from collections.abc import Sequence

from django.db import connection

SOURCES = frozenset({"schedule", "cron"})
"""Where jobs come from that have a firing to close."""

CLOSE = """
UPDATE cron_job_logs AS log SET
    status = CASE job.status WHEN 'completed' THEN 'success' ELSE 'error' END,
    finished_at = job.completed_at,
    details = coalesce(log.details, '{}') || jsonb_strip_nulls(jsonb_build_object(
        'jobId', job.id, 'status', job.status, 'result', job.result,
        'error', CASE job.status WHEN 'completed' THEN NULL ELSE job.error END))
FROM jobs AS job
WHERE log.job_id = job.id AND job.id = ANY(%s)
  AND job.status IN ('completed', 'failed', 'cancelled')
"""


def close(job_ids: Sequence[int]) -> None:
    """Close the firings of those jobs that have ended, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [list(job_ids)])
