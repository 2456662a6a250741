"""Take the next due jobs: one statement, one winner a row."""

from collections.abc import Sequence

from django.db import connection

from queues.claims import Claim, as_claim

# Nine short index look-ups a queue: a plain ORDER BY priority would walk every
# future row of the urgent priorities first. The nested loop stops at the limit,
# so no row is locked that is not claimed.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT job.id, urgency.priority, job.run_at
    FROM generate_series(1, 9) AS urgency (priority)
    CROSS JOIN unnest(%(queues)s::text[]) AS line (queue)
    CROSS JOIN LATERAL (
        SELECT id, run_at FROM jobs
        WHERE status = 'pending' AND limit_name IS NULL AND queue = line.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS job
    LIMIT %(limit)s
), claimed AS (
    UPDATE jobs SET status = 'processing', started_at = statement_timestamp()
    FROM due WHERE jobs.id = due.id
    RETURNING jobs.*
), opened AS (
    INSERT INTO job_attempts (job_id, worker_id, number, claimed_at, started_at)
    SELECT id, %(worker)s, failures + 1, statement_timestamp(),
           CASE WHEN %(limit)s = 1 THEN statement_timestamp() END
    FROM claimed
    RETURNING id, job_id, number
), rest AS (
    SELECT CASE WHEN (SELECT count(*) FROM due) = %(limit)s THEN EXISTS (
        SELECT FROM generate_series(1, 9) AS urgency (priority)
        CROSS JOIN unnest(%(queues)s::text[]) AS line (queue)
        CROSS JOIN LATERAL (
            SELECT id FROM jobs
            WHERE status = 'pending' AND limit_name IS NULL AND queue = line.queue
              AND priority = urgency.priority AND run_at <= statement_timestamp()
              AND id NOT IN (SELECT id FROM due)
            ORDER BY run_at, id LIMIT 1
        ) AS job
    ) ELSE FALSE END AS has_more
)
SELECT opened.id, claimed.id, type, queue, payload::text, priority, number, failures,
       losses, max_attempts, source, unique_key, checkpoint::text, run_at,
       (SELECT has_more FROM rest)
FROM claimed JOIN opened ON opened.job_id = claimed.id
ORDER BY priority, run_at, claimed.id
"""


def claim(queues: Sequence[str], *, worker: int, limit: int) -> list[Claim]:
    """Open an attempt on each of the next `limit` due jobs; most urgent first.

    A job is claimed by exactly one caller, however many race for it. Jobs under a
    limit are left to `admit`. Each claim tells whether more were due behind it: only
    then is another process worth waking, or another look.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM, {"queues": list(queues), "worker": worker, "limit": limit}
        )
        rows = cursor.fetchall()
    claims = [as_claim(row[:-1], started=limit == 1) for row in rows]
    for each, row in zip(claims, rows, strict=True):
        each.has_more = row[-1]
    return claims
