"""Claim and settle as functions: planned once a connection, not once a job."""

from django.db import migrations

# Nine short index look-ups a queue: a plain ORDER BY priority would walk every
# future row of the urgent priorities first. The nested loop stops at the limit,
# so no row is locked that is not claimed.
CLAIM = r"""
CREATE FUNCTION ritmo_claim(
    p_queues text[], p_worker bigint, p_most int, p_heed_limits boolean
) RETURNS TABLE (
    attempt_id bigint, job_id bigint, type text, queue text, payload text, priority int,
    number int, failures int, losses int, max_attempts int, source text,
    unique_key text, checkpoint text, run_at timestamptz, has_more boolean
)
LANGUAGE plpgsql SET search_path FROM CURRENT
-- A plan that was made while the table was empty must still be good when it is not,
-- so it may only go from row to row through the indexes.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF p_heed_limits AND EXISTS (
        SELECT FROM jobs WHERE status = 'pending' AND limit_name IS NOT NULL
        AND queue = ANY (p_queues)
    ) THEN  -- a row without an attempt: whose turn it is must be looked at first
        has_more := true;
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT job.id, urgency.priority, job.run_at
        FROM generate_series(1, 9) AS urgency (priority)
        CROSS JOIN unnest(p_queues) AS line (queue)
        CROSS JOIN LATERAL (
            SELECT id, run_at FROM jobs
            WHERE status = 'pending' AND limit_name IS NULL AND queue = line.queue
              AND priority = urgency.priority AND run_at <= statement_timestamp()
            ORDER BY run_at, id LIMIT p_most
            FOR UPDATE SKIP LOCKED
        ) AS job
        LIMIT p_most
    ), claimed AS (
        UPDATE jobs SET status = 'processing', started_at = statement_timestamp()
        FROM due WHERE jobs.id = due.id
        RETURNING jobs.*
    ), opened AS (
        INSERT INTO job_attempts (job_id, worker_id, number, claimed_at, started_at)
        SELECT id, p_worker, failures + 1, statement_timestamp(),
               CASE WHEN p_most = 1 THEN statement_timestamp() END
        FROM claimed
        RETURNING id, job_id
    ), rest AS (
        SELECT CASE WHEN (SELECT count(*) FROM due) = p_most THEN EXISTS (
            SELECT FROM generate_series(1, 9) AS urgency (priority)
            CROSS JOIN unnest(p_queues) AS line (queue)
            CROSS JOIN LATERAL (
                SELECT id FROM jobs
                WHERE status = 'pending' AND limit_name IS NULL AND queue = line.queue
                  AND priority = urgency.priority AND run_at <= statement_timestamp()
                  AND id NOT IN (SELECT id FROM due)
                ORDER BY run_at, id LIMIT 1
            ) AS job
        ) ELSE FALSE END AS has_more
    )
    SELECT opened.id, claimed.id, claimed.type::text, claimed.queue::text,
           claimed.payload::text, claimed.priority::int, claimed.failures + 1,
           claimed.failures::int, claimed.losses::int, claimed.max_attempts::int,
           claimed.source::text, claimed.unique_key::text, claimed.checkpoint::text,
           claimed.run_at, (SELECT has_more FROM rest)
    FROM claimed JOIN opened ON opened.job_id = claimed.id
    ORDER BY claimed.priority, claimed.run_at, claimed.id;
END;
$$;
"""

# Everyone who closes attempts locks them by id first and the jobs after, so two
# verdicts on one job never deadlock: the second finds the attempt closed. The
# verdicts come sorted by attempt, and a nested loop takes them in that order. The
# state is decided under that lock: a cancel asked for meanwhile wins over a wait.
SETTLE = r"""
CREATE FUNCTION ritmo_settle(
    p_attempts bigint[], p_jobs bigint[], p_endings text[], p_statuses text[],
    p_failed int[], p_lost int[], p_run_at timestamptz[], p_delays float8[],
    p_priorities int[], p_results text[], p_errors text[], p_tracebacks text[],
    p_started_ago float8[], p_ended_ago float8[], p_logs text[], p_progress text[],
    p_types text[]
) RETURNS TABLE (attempt_id bigint, status text, queues text[])
LANGUAGE plpgsql SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH verdict AS MATERIALIZED (
        SELECT v.* FROM unnest(
            p_attempts, p_jobs, p_endings, p_statuses, p_failed, p_lost, p_run_at,
            p_delays, p_priorities, p_results, p_errors, p_tracebacks, p_started_ago,
            p_ended_ago, p_logs, p_progress, p_types
        ) AS v (attempt_id, job_id, ending, status, failed, lost, run_at, delay,
                priority, result, error, traceback, started_ago, ended_ago, log,
                progress, type)
        CROSS JOIN LATERAL (
            SELECT FROM job_attempts
            WHERE id = v.attempt_id AND finished_at IS NULL FOR UPDATE
        ) AS held
    ), closed AS (
        UPDATE job_attempts AS attempt SET
            outcome = verdict.ending,
            finished_at = clock_timestamp() - verdict.ended_ago * interval '1 second',
            started_at = coalesce(
                clock_timestamp() - verdict.started_ago * interval '1 second',
                attempt.started_at),
            error = verdict.error, traceback = verdict.traceback,
            log = verdict.log::jsonb
        FROM verdict WHERE attempt.id = verdict.attempt_id
        RETURNING verdict.*
    ), moved AS (
        UPDATE jobs AS job SET
            status = CASE WHEN closed.status = 'pending'
                AND job.cancel_requested_at IS NOT NULL
                THEN 'cancelled' ELSE closed.status END,
            completed_at = CASE WHEN closed.status <> 'pending'
                OR job.cancel_requested_at IS NOT NULL THEN clock_timestamp() END,
            run_at = coalesce(closed.run_at,
                clock_timestamp() + closed.delay * interval '1 second', job.run_at),
            priority = coalesce(closed.priority, job.priority),
            failures = job.failures + closed.failed,
            losses = job.losses + closed.lost,
            crashes = job.crashes + closed.lost * closed.failed,
            result = coalesce(closed.result::jsonb, job.result),
            error = coalesce(closed.error, job.error),
            progress = coalesce(closed.progress::jsonb, job.progress)
        FROM closed WHERE job.id = closed.job_id
        RETURNING job.id, job.status, closed.attempt_id, closed.type, closed.error,
                  closed.traceback, job.needed OR job.rerun IS NOT NULL AS watched
    ), letters AS (
        INSERT INTO dead_letters (job_id, type, reason, traceback)
        SELECT id, type, coalesce(error, ''), traceback FROM moved
        WHERE status = 'failed'
    ), followed AS (
        SELECT ritmo_follow(array_agg(id)) AS queues FROM moved
        WHERE watched HAVING count(*) > 0
    )
    SELECT moved.attempt_id, moved.status::text, (SELECT followed.queues FROM followed)
    FROM moved;
END;
$$;
"""


class Migration(migrations.Migration):
    """Two functions."""

    dependencies = [("queues", "0005_needs_sql")]

    operations = [
        migrations.RunSQL(CLAIM, "DROP FUNCTION ritmo_claim"),
        migrations.RunSQL(SETTLE, "DROP FUNCTION ritmo_settle"),
    ]
