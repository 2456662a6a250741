"""What a schedule started that has not ended: whom its next job meets."""

from collections.abc import Iterable, Sequence

from django.db import connection

LIVE = """
SELECT log.schedule_id, job.id
FROM cron_job_logs AS log JOIN jobs AS job ON job.id = log.job_id
WHERE log.schedule_id = ANY(%s) AND log.status = 'running'
  AND job.status IN ('pending', 'processing')
ORDER BY job.id
"""
# Never waits: a beat that did would hold up the schedules that it has locked.
HOLD = """
SELECT id FROM jobs WHERE id = ANY(%s) AND status IN ('pending', 'processing')
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""


def live_jobs(schedule_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the live jobs of each of those schedules, the oldest first."""
    live: dict[int, list[int]] = {schedule_id: [] for schedule_id in schedule_ids}
    if live:
        with connection.cursor() as cursor:
            cursor.execute(LIVE, [list(schedule_ids)])
            for schedule_id, job_id in cursor.fetchall():
                live[schedule_id].append(job_id)
    return live


def hold_live(job_ids: Iterable[int]) -> set[int]:
    """Lock those jobs until the commit; return the ones that still live and are ours."""
    ids = list(job_ids)
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [ids])
        return {job_id for (job_id,) in cursor.fetchall()}
