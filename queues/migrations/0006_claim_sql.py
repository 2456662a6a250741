"""The claim as a function: its plan is made once a connection, not once a claim."""

from django.db import migrations

# Nine short index look-ups a queue: a plain ORDER BY priority would walk every
# future row of the urgent priorities first. The nested loop stops at the limit,
# so no row is locked that is not claimed.
CLAIM = r"""
CREATE FUNCTION ritmo_claim(p_queues text[], p_worker bigint, p_most int)
RETURNS TABLE (
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


class Migration(migrations.Migration):
    """One function."""

    dependencies = [("queues", "0005_needs_sql")]

    operations = [migrations.RunSQL(CLAIM, "DROP FUNCTION ritmo_claim")]
