"""The claim under a limit, one round trip, and how its rows are vacuumed."""

from django.db import migrations


# Rows that are updated in place at every claim: leave room beside them, and vacuum
# by the number of dead rows.
TUNE = """
ALTER TABLE limits SET (fillfactor = 50);
ALTER TABLE limit_keys SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 1);
ALTER TABLE limit_uses SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 1);
"""


# The claim under a limit. One call, but every statement in it sees what was committed
# before it began: lock the limit's row, THEN count, then claim. All claims under one
# limit pass through its row, so what was counted cannot grow until the commit. Counting
# and claiming in one statement would read a snapshot from before the lock.
# Starts are timed under the lock and after the counting: never before an end that
# was counted as free, nor before a start that left the window.
#
# The claiming statement takes three steps. Which keys wait: a walk from key to key
# through the index, and the oldest due jobs, so that keys with nothing due yet never
# hide them. What room each key has. Then their jobs in order, locked one by one until
# there are enough: spares stand behind, should somebody else hold a row.
ADMIT = r"""
CREATE FUNCTION ritmo_admit(
    p_limit text, p_queues text[], p_worker bigint, p_most int, p_window int
) RETURNS TABLE (
    attempt_id bigint, job_id bigint, type text, queue text, payload text, priority int,
    number int, failures int, losses int, max_attempts int, source text,
    unique_key text, checkpoint text, run_at timestamptz, has_more boolean
)
LANGUAGE plpgsql SET search_path FROM CURRENT
-- A plan that was made while the tables were small must still be good when they are not.
-- Bitmap scans never mark dead index entries, of which each job leaves one behind.
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v limits%ROWTYPE;
    v_now timestamptz;
    v_left int := p_most + 1;
    v_room int;
BEGIN
    SELECT * INTO v FROM limits WHERE name = p_limit FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN  -- a row without an attempt: someone else is claiming
        has_more := true;
        RETURN NEXT;
        RETURN;
    END IF;
    v_now := clock_timestamp();
    IF v.running IS NOT NULL THEN
        v_left := least(v_left, v.running - (
            SELECT count(*) FROM jobs
            WHERE status = 'processing' AND limit_name = p_limit));
    END IF;
    IF v.rate IS NOT NULL OR v.rate_per_key IS NOT NULL THEN
        DELETE FROM limit_uses WHERE limit_name = p_limit
            AND at <= v_now - v.period_seconds * interval '1 second';
    END IF;
    IF v.rate IS NOT NULL THEN
        v_left := least(v_left, v.rate - (
            SELECT count(*) FROM limit_uses WHERE limit_name = p_limit));
    END IF;
    v_room := least(v_left, p_most);
    IF v_room <= 0 THEN
        RETURN;
    END IF;
    FOR v_look IN 1..5 LOOP
        RETURN QUERY
        WITH waiting AS MATERIALIZED (
            SELECT line.queue, urgency.priority, found.limit_key, found.place
            FROM generate_series(1, 9) AS urgency (priority)
            CROSS JOIN unnest(p_queues) AS line (queue)
            CROSS JOIN LATERAL (
                WITH RECURSIVE step (limit_key, place) AS (
                    (SELECT limit_key, 1 FROM jobs
                     WHERE status = 'pending' AND limit_name = p_limit AND queue = line.queue
                       AND priority = urgency.priority AND limit_key >= v.cursor
                     ORDER BY limit_key LIMIT 1)
                    UNION ALL
                    SELECT (SELECT limit_key FROM jobs
                            WHERE status = 'pending' AND limit_name = p_limit
                              AND queue = line.queue AND priority = urgency.priority
                              AND limit_key > step.limit_key
                            ORDER BY limit_key LIMIT 1), place + 1
                    FROM step WHERE step.limit_key IS NOT NULL AND place < p_window
                )
                SELECT limit_key, place FROM step WHERE limit_key IS NOT NULL
                UNION ALL
                (SELECT limit_key, 0 FROM jobs
                 WHERE status = 'pending' AND limit_name = p_limit AND queue = line.queue
                   AND priority = urgency.priority AND run_at <= v_now
                 ORDER BY run_at, id LIMIT 20)
            ) AS found
        ), turned AS (
            UPDATE limits SET cursor = next.cursor FROM (
                SELECT coalesce(min(last), '') AS cursor FROM (
                    SELECT max(limit_key) AS last FROM waiting WHERE place > 0
                    GROUP BY queue, priority HAVING max(place) = p_window) AS walk
            ) AS next
            WHERE name = p_limit AND limits.cursor <> next.cursor
        ), allowed AS MATERIALIZED (
            SELECT each.limit_key, key.served_at, least(
                v_room,
                v.running_per_key - (
                    SELECT count(*) FROM jobs WHERE status = 'processing'
                    AND limit_name = p_limit AND jobs.limit_key = each.limit_key),
                v.rate_per_key - (
                    SELECT count(*) FROM limit_uses AS used
                    WHERE limit_name = p_limit AND used.key = each.limit_key
                      AND at > v_now - v.period_seconds * interval '1 second')
                ) AS room
            FROM (SELECT DISTINCT limit_key FROM waiting) AS each
            LEFT JOIN limit_keys AS key
                ON key.limit_name = p_limit AND key.key = each.limit_key
        ), seen AS (
            SELECT job.id, line.priority, line.limit_key, allowed.served_at, job.run_at,
                   allowed.room, row_number() OVER (
                       PARTITION BY line.limit_key ORDER BY line.priority, job.run_at, job.id
                   ) AS nth
            FROM (SELECT DISTINCT queue, priority, limit_key FROM waiting) AS line
            JOIN allowed ON allowed.limit_key = line.limit_key AND allowed.room > 0
            CROSS JOIN LATERAL (
                SELECT id, run_at FROM jobs
                WHERE status = 'pending' AND limit_name = p_limit AND queue = line.queue
                  AND priority = line.priority AND limit_key = line.limit_key
                  AND run_at <= v_now
                ORDER BY run_at, id LIMIT v_room + 2
            ) AS job
        ), locked AS MATERIALIZED (
            SELECT seen.id, seen.limit_key, seen.room, seen.nth
            FROM (
                SELECT * FROM seen
                ORDER BY nth > room, priority, nth, served_at NULLS FIRST, run_at, id
            ) AS seen
            CROSS JOIN LATERAL (
                SELECT id FROM jobs WHERE jobs.id = seen.id AND status = 'pending'
                FOR UPDATE SKIP LOCKED
            ) AS job
            LIMIT v_room
        ), chosen AS (
            SELECT id FROM (
                SELECT id, room, row_number() OVER (PARTITION BY limit_key ORDER BY nth) AS taken
                FROM locked) AS each
            WHERE taken <= room
        ), claimed AS (
            UPDATE jobs SET status = 'processing', started_at = clock_timestamp()
            FROM chosen WHERE jobs.id = chosen.id
            RETURNING jobs.*
        ), opened AS (
            INSERT INTO job_attempts (job_id, worker_id, number, claimed_at, started_at)
            SELECT id, p_worker, failures + 1, started_at,
                   CASE WHEN v_room = 1 THEN started_at END
            FROM claimed
            RETURNING id, job_id
        ), served AS (
            INSERT INTO limit_keys (limit_name, key, served_at)
            SELECT DISTINCT p_limit, limit_key, v_now FROM claimed
            ON CONFLICT (limit_name, key) DO UPDATE SET served_at = excluded.served_at
        ), used AS (
            INSERT INTO limit_uses (limit_name, key, at)
            SELECT p_limit, limit_key, started_at FROM claimed
            WHERE (v.rate IS NOT NULL OR v.rate_per_key IS NOT NULL)
        )
        SELECT opened.id, claimed.id, claimed.type::text, claimed.queue::text,
               claimed.payload::text, claimed.priority::int, claimed.failures + 1,
               claimed.failures::int, claimed.losses::int, claimed.max_attempts::int,
               claimed.source::text, claimed.unique_key::text, claimed.checkpoint::text,
               claimed.run_at, v_left > v_room
        FROM claimed JOIN opened ON opened.job_id = claimed.id
        ORDER BY claimed.priority, claimed.run_at, claimed.id;
        EXIT WHEN FOUND;
        SELECT * INTO v FROM limits WHERE name = p_limit;
        EXIT WHEN v.cursor = '';
    END LOOP;
END;
$$;
"""


class Migration(migrations.Migration):
    """Functions and settings; the tables are in the first migration."""

    dependencies = [("queues", "0002_sql_doors")]

    operations = [
        migrations.RunSQL(TUNE, migrations.RunSQL.noop),
        migrations.RunSQL(ADMIT, "DROP FUNCTION ritmo_admit"),
    ]
