"""Roll the tries of each minute up into rows that outlive them.

A minute is counted as soon as it is over, and again until no verdict can be dated
into it any more; then it is done. So the newest figures are a minute old, and each
try is counted exactly once however many pacemakers there are.
"""

import time

from django.db import connection, transaction

from queues.histogram import EDGES, counts, sums

DONE_AFTER = 60.0
"""Seconds after the end of a minute when it is done: a verdict is dated ten seconds
back at the most (MOST_LATE of `settle`), and no statement of it takes the rest."""
SPAN = 60
"""Seconds of history in one statement, for the time after an outage."""
LONGEST_SPAN = 86_400
"""The same while nothing is found there."""
TURN = 2.0
"""Seconds of rolling up at a time; the next turn goes on."""
DAYS = 400
"""How long rolled up rows stay."""
MINUTE_DAYS = 2
"""How long minutes stay minutes; older ones are merged to hours."""

BEGIN = """
INSERT INTO job_rollup (id, done_until)
SELECT 1, date_trunc('minute', coalesce(
    (SELECT claimed_at FROM job_attempts ORDER BY id LIMIT 1), clock_timestamp()))
ON CONFLICT (id) DO NOTHING
"""
# Another pacemaker at it is as good as we: nobody waits here.
TAKE = """
SELECT done_until,
       least(done_until + %(span)s * interval '1 second',
             date_trunc('minute', clock_timestamp())),
       date_trunc('minute', clock_timestamp() - %(done_after)s * interval '1 second')
FROM job_rollup FOR UPDATE SKIP LOCKED
"""
# The block-range index on finished_at finds the tries. What a count once reached is
# kept, should someone have deleted jobs since.
COUNT = f"""
INSERT INTO job_minutes AS kept (
    minute, type, outcome, count, wait_seconds, wait_max, wait_histogram,
    run_seconds, run_max, run_histogram)
SELECT minute, type, outcome, count(*),
       coalesce(sum(wait), 0), coalesce(max(wait), 0), {counts("wait_bucket")},
       coalesce(sum(run), 0), coalesce(max(run), 0), {counts("run_bucket")}
FROM (
    SELECT date_trunc('minute', attempt.finished_at) AS minute, job.type,
           attempt.outcome, wait, width_bucket(wait, %(edges)s) AS wait_bucket,
           run, width_bucket(run, %(edges)s) AS run_bucket
    FROM job_attempts AS attempt
    JOIN jobs AS job ON job.id = attempt.job_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN job.run_at <= attempt.claimed_at THEN extract(epoch FROM
                   coalesce(attempt.started_at, attempt.claimed_at) - job.run_at
               )::float8 END,
               greatest(extract(epoch FROM
                   attempt.finished_at - attempt.started_at), 0)::float8
    ) AS seconds (wait, run)
    WHERE attempt.finished_at >= %(since)s AND attempt.finished_at < %(until)s
) AS tries
GROUP BY minute, type, outcome
ON CONFLICT (minute, type, outcome) DO UPDATE SET
    count = excluded.count,
    wait_seconds = excluded.wait_seconds, wait_max = excluded.wait_max,
    wait_histogram = excluded.wait_histogram,
    run_seconds = excluded.run_seconds, run_max = excluded.run_max,
    run_histogram = excluded.run_histogram
    WHERE excluded.count >= kept.count
"""  # noqa: S608 - built of constants
NOTE = "UPDATE job_rollup SET done_until = %s WHERE done_until < %s"


MERGE = f"""
WITH hours AS (
    SELECT DISTINCT date_trunc('hour', minute, 'UTC') AS hour FROM job_minutes
    WHERE minute >= clock_timestamp() - %(days)s * 2 * interval '1 day'
      AND minute < date_trunc(
          'hour', clock_timestamp() - %(days)s * interval '1 day', 'UTC')
      AND minute <> date_trunc('hour', minute, 'UTC')
), old AS (
    DELETE FROM job_minutes USING hours
    WHERE minute >= hour AND minute < hour + interval '1 hour'
    RETURNING hours.hour, job_minutes.*
)
INSERT INTO job_minutes (
    minute, type, outcome, count, wait_seconds, wait_max, wait_histogram,
    run_seconds, run_max, run_histogram)
SELECT hour, type, outcome, sum(count),
       sum(wait_seconds), max(wait_max), {sums("wait_histogram")},
       sum(run_seconds), max(run_max), {sums("run_histogram")}
FROM old GROUP BY hour, type, outcome
"""  # noqa: S608


def roll_up() -> int:
    """Count the minutes that are over; return how many rows were written.

    Idempotent; after an outage it catches up, TURN seconds at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEGIN)
    written, give_up_at = 0, time.monotonic() + TURN
    span, is_behind = SPAN, True
    while is_behind and time.monotonic() < give_up_at:
        rows, is_behind = _roll_span(span)
        written += rows
        span = SPAN if rows else min(span * 2, LONGEST_SPAN)
    return written


def merge() -> int:
    """Merge minutes older than MINUTE_DAYS to hours; return how many rows remain."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM job_rollup FOR UPDATE SKIP LOCKED")
        if not cursor.rowcount:
            return 0
        cursor.execute(MERGE, {"days": MINUTE_DAYS})
        return int(cursor.rowcount)


def _roll_span(span: int) -> tuple[int, bool]:
    """Count one span of minutes; return the rows, and whether there is more to do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, {"span": span, "done_after": DONE_AFTER})
        row = cursor.fetchone()
        if row is None or row[0] >= row[1]:
            return 0, False
        since, until, done = row
        values = {"since": since, "until": until, "edges": list(EDGES)}
        cursor.execute(COUNT, values)
        rows, done = cursor.rowcount, min(until, done)
        cursor.execute(NOTE, [done, done])
        return rows, until == done and done > since
