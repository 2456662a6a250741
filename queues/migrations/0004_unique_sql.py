"""How a request meets the live job that holds its key."""

from django.db import migrations

# A pending holder will start after this request commits, because its row is
# locked until then; a running one is told to be followed by another run. What is
# asked of a running one adds up as if a pending job of the key stood beside it.
MEET = r"""
CREATE FUNCTION ritmo_meet(
    p_type text, p_key text, p_payload jsonb, p_priority int, p_run_at timestamptz,
    p_max_attempts int, p_on_conflict text, p_wait boolean
) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_job record;
    v_replace boolean := p_on_conflict = 'replace';
BEGIN
    IF p_on_conflict = 'keep' THEN
        RETURN (SELECT id FROM jobs WHERE type = p_type AND unique_key = p_key
                  AND status IN ('pending', 'processing'));
    ELSIF p_wait THEN
        SELECT id, status, rerun INTO v_job FROM jobs
        WHERE type = p_type AND unique_key = p_key
          AND status IN ('pending', 'processing') FOR NO KEY UPDATE;
    ELSE
        SELECT id, status, rerun INTO v_job FROM jobs
        WHERE type = p_type AND unique_key = p_key
          AND status IN ('pending', 'processing') FOR NO KEY UPDATE NOWAIT;
    END IF;
    IF v_job.status = 'processing' THEN
        UPDATE jobs SET rerun = CASE WHEN v_replace OR v_job.rerun IS NULL
            THEN jsonb_build_object(
                'payload', p_payload, 'priority', p_priority, 'run_at', p_run_at,
                'max_attempts', p_max_attempts, 'replace', v_replace)
            ELSE v_job.rerun || jsonb_build_object(
                'priority', least((v_job.rerun ->> 'priority')::int, p_priority),
                'run_at', least((v_job.rerun ->> 'run_at')::timestamptz, p_run_at))
            END
        WHERE id = v_job.id;
    ELSIF v_job.id IS NOT NULL THEN
        PERFORM ritmo_merge(
            v_job.id, p_payload, p_priority, p_run_at, p_max_attempts, v_replace);
    END IF;
    RETURN v_job.id;
END;
$$;
"""

# The new data makes it a new job in all but its id: what the old data came to is
# no failure of the new.
MERGE = r"""
CREATE FUNCTION ritmo_merge(
    p_id bigint, p_payload jsonb, p_priority int, p_run_at timestamptz,
    p_max_attempts int, p_replace boolean
) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF p_replace THEN
        UPDATE jobs SET
            payload = p_payload, priority = p_priority,
            max_attempts = p_max_attempts, rerun = NULL,
            limit_name = NULL, limit_key = NULL, -- the new data may have another key
            run_at = CASE WHEN held_run_at IS NULL THEN p_run_at ELSE run_at END,
            held_run_at = CASE WHEN held_run_at IS NOT NULL THEN p_run_at END,
            failures = 0, losses = 0, crashes = 0,
            error = NULL, progress = NULL, checkpoint = NULL
        WHERE id = p_id;
    ELSE
        UPDATE jobs SET
            priority = least(priority, p_priority), rerun = NULL,
            run_at = CASE WHEN held_run_at IS NULL
                THEN least(run_at, p_run_at) ELSE run_at END,
            held_run_at = CASE WHEN held_run_at IS NOT NULL
                THEN least(held_run_at, p_run_at) END
        WHERE id = p_id;
    END IF;
END;
$$;
"""

# Meets before it writes: then a call that must not wait (p_wait false, for many
# keys at once) never waits for a verdict while it holds a job that verdict needs.
UNIQUE = r"""
CREATE FUNCTION ritmo_enqueue_unique(
    p_type text, p_queue text, p_payload jsonb, p_priority int, p_run_at timestamptz,
    p_key text, p_max_attempts int, p_user_id bigint, p_source text,
    p_on_conflict text, p_unique_for interval, p_wait boolean,
    OUT job_id bigint, OUT written boolean
)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_run_at timestamptz := coalesce(p_run_at, statement_timestamp());
    v_mine boolean := p_unique_for IS NULL;
BEGIN
    written := false;
    LOOP
        job_id := ritmo_meet(p_type, p_key, p_payload, p_priority, v_run_at,
                             p_max_attempts, p_on_conflict, p_wait);
        EXIT WHEN job_id IS NOT NULL;
        IF NOT v_mine THEN
            -- Whoever opens the window may write; the constraint decides who.
            INSERT INTO unique_windows AS w (type, key, until)
            VALUES (p_type, p_key, clock_timestamp() + p_unique_for)
            ON CONFLICT (type, key) DO UPDATE SET until = excluded.until, job_id = NULL
                WHERE w.until <= clock_timestamp();
            v_mine := FOUND;
            SELECT w.job_id INTO job_id FROM unique_windows AS w
            WHERE w.type = p_type AND w.key = p_key AND NOT v_mine;
            EXIT WHEN job_id IS NOT NULL;
            CONTINUE WHEN NOT v_mine;
        END IF;
        INSERT INTO jobs (type, queue, payload, priority, run_at, unique_key,
                          max_attempts, user_id, source)
        VALUES (p_type, p_queue, p_payload, p_priority, v_run_at, p_key,
                p_max_attempts, p_user_id, p_source)
        ON CONFLICT (type, unique_key)
            WHERE status IN ('pending', 'processing') AND unique_key IS NOT NULL
            DO NOTHING
        RETURNING id INTO job_id;
        written := job_id IS NOT NULL;
        EXIT WHEN written;
    END LOOP;
    IF p_unique_for IS NOT NULL AND v_mine THEN
        UPDATE unique_windows AS w SET job_id = ritmo_enqueue_unique.job_id
        WHERE w.type = p_type AND w.key = p_key;
    END IF;
END;
$$;
"""

DOOR = r"""
CREATE FUNCTION enqueue_unique_job(
    p_job_type text, p_job_data jsonb, p_unique_key text,
    p_on_conflict text DEFAULT 'keep', p_priority int DEFAULT 5,
    p_unique_for interval DEFAULT NULL
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_job record;
    v_error text := CASE
        WHEN p_job_type IS NULL OR p_job_type !~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'
            THEN 'Invalid job type'
        WHEN p_job_data IS NULL OR jsonb_typeof(p_job_data) <> 'object'
            THEN 'Invalid job data'
        WHEN octet_length(p_job_data::text) > 262144
            THEN 'Payload too large'
        WHEN p_unique_key IS NULL OR char_length(p_unique_key) NOT BETWEEN 1 AND 200
            THEN 'Invalid unique key'
        WHEN p_on_conflict IS NULL
            OR p_on_conflict NOT IN ('keep', 'replace', 'coalesce')
            THEN 'Invalid on_conflict'
        WHEN p_unique_for IS NOT NULL
            AND (p_on_conflict <> 'keep' OR p_unique_for <= interval '0')
            THEN 'Invalid unique_for'
        WHEN p_priority IS NULL OR p_priority NOT BETWEEN 1 AND 9
            THEN 'Invalid priority'
        END;
BEGIN
    IF v_error IS NOT NULL THEN
        RETURN jsonb_build_object('success', false, 'error', v_error);
    END IF;
    SELECT * INTO v_job FROM ritmo_enqueue_unique(
        p_job_type,
        coalesce((SELECT queue FROM job_types WHERE name = p_job_type), 'default'),
        p_job_data, p_priority, NULL, p_unique_key, NULL, NULL, 'sql',
        p_on_conflict, p_unique_for, true);
    RETURN jsonb_build_object(
        'success', true, 'jobId', v_job.job_id, 'created', v_job.written);
END;
$$;
"""

class Migration(migrations.Migration):
    """Functions; the columns and tables are in the migration before."""

    dependencies = [("queues", "0003_limits_sql")]

    operations = [
        migrations.RunSQL(MERGE, "DROP FUNCTION ritmo_merge"),
        migrations.RunSQL(MEET, "DROP FUNCTION ritmo_meet"),
        migrations.RunSQL(UNIQUE, "DROP FUNCTION ritmo_enqueue_unique"),
        migrations.RunSQL(DOOR, "DROP FUNCTION enqueue_unique_job"),
    ]
