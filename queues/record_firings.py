"""Write firings: the row of each due time, what became of it, and the count."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from queues.ask import ask
from queues.models import CronLog
from queues.payload import printable
from queues.schedule_rows import Row
from queues.schedule_terms import Skipped

Status = CronLog.Status

OPEN = """
INSERT INTO cron_job_logs (schedule_id, due_at, job_name, job_type, status)
SELECT *, 'running' FROM unnest(
    %s::int[], %s::timestamptz[], %s::text[], %s::text[])
ON CONFLICT (schedule_id, due_at) DO NOTHING
RETURNING schedule_id, due_at, id
"""
LINK = """
UPDATE cron_job_logs AS log SET job_id = fired.job, details = fired.details,
    status = fired.status,
    finished_at = CASE WHEN fired.job IS NULL THEN clock_timestamp() END
FROM unnest(%s::bigint[], %s::bigint[], %s::jsonb[], %s::text[])
    AS fired (id, job, details, status)
WHERE log.id = fired.id
"""
RECORD = """
UPDATE schedule_states SET counted_from = fired.due_at
FROM unnest(%s::int[], %s::timestamptz[]) AS fired (id, due_at)
WHERE schedule_id = fired.id
"""
# Written so, a stale form that saves the whole row later can spoil no due time.
COUNT = """
UPDATE django_celery_beat_periodictask AS task
SET last_run_at = clock_timestamp(), total_run_count = total_run_count + fired.runs,
    enabled = enabled AND NOT (one_off AND fired.accepted)
FROM (SELECT id, count(*) AS runs, bool_or(accepted) AS accepted
      FROM unnest(%s::int[], %s::bool[]) AS run (id, accepted) GROUP BY id) AS fired
WHERE task.id = fired.id
"""
# After the job is written, because only the database knows what time it is.
SPREAD = """
UPDATE jobs SET
    run_at = CASE WHEN held_run_at IS NULL THEN greatest(run_at, start_at) ELSE run_at END,
    held_run_at = CASE WHEN held_run_at IS NOT NULL
        THEN greatest(held_run_at, start_at) END
FROM unnest(%s::bigint[], %s::timestamptz[]) AS moved (job_id, start_at)
WHERE id = job_id
"""


@dataclass(slots=True)
class Firing:
    """One due time of one schedule on its way into the tables."""

    row: Row
    due_at: datetime
    skipped: Skipped | None = None
    start_at: datetime | None = None
    behind: int | None = None
    """The live job of the same schedule that it waits for, or gives way to."""
    log_id: int | None = None
    job_id: int | None = None
    error: str = ""

    @property
    def status(self) -> Status:
        """The word of the log row."""
        if self.skipped is not None:
            return Status.SKIPPED
        return Status.ERROR if self.job_id is None else Status.RUNNING

    @property
    def details(self) -> str:
        """The JSON of the log row."""
        facts: dict[str, Any] = {}
        if self.skipped is not None:
            facts["reason"] = self.skipped.reason
            facts["count"] = self.skipped.count
            facts["since"] = self.skipped.since.isoformat()
        elif self.job_id is None:
            facts["error"] = printable(self.error)
        else:
            facts["jobId"] = self.job_id
        if self.behind is not None:
            facts["behind"] = self.behind
        return json.dumps(facts)


def begin(firings: Sequence[Firing]) -> list[Firing]:
    """Write the log rows; return the firings that nobody else has written before."""
    found = ask(
        OPEN,
        [each.row.id for each in firings],
        [each.due_at for each in firings],
        [each.row.name for each in firings],
        [each.row.type for each in firings],
    )
    ids = {(schedule_id, due_at): log_id for schedule_id, due_at, log_id in found}
    for each in firings:
        each.log_id = ids.get((each.row.id, each.due_at))
    return [each for each in firings if each.log_id is not None]


def finish(firings: Sequence[Firing], begun: Sequence[Firing]) -> None:
    """Say on the log rows what became of them, and remember the due times."""
    _execute(
        LINK,
        [each.log_id for each in begun],
        [each.job_id for each in begun],
        [each.details for each in begun],
        [each.status.value for each in begun],
    )
    latest = {each.row.id: each.due_at for each in firings}
    _execute(RECORD, list(latest), list(latest.values()))
    tried = [each for each in begun if each.skipped is None]
    _execute(
        COUNT,
        [each.row.id for each in tried],
        [each.job_id is not None for each in tried],
    )
    later = [each for each in begun if each.job_id and each.start_at]
    if later:
        _execute(
            SPREAD, [each.job_id for each in later], [each.start_at for each in later]
        )


def _execute(statement: str, *columns: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, columns)
