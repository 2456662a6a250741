"""What the end of a job sets off: the run asked for meanwhile, and who waits for it."""

from django.db import migrations

# Decides the fate of one job that waits, under its lock. Whichever of its parents
# ends last sees the others ended, because it waited for that lock.
RELEASE = r"""
CREATE FUNCTION ritmo_release(
    p_id bigint, OUT released text, OUT buried_others_wait boolean
)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_job record;
    v_dead text;
    v_open bigint;
BEGIN
    SELECT id, type, queue, needed INTO v_job FROM jobs
    WHERE id = p_id AND status = 'pending' AND held_run_at IS NOT NULL
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT string_agg(
               format('#%s %s', need.needs_id,
                      replace(coalesce(job.status, 'deleted'), 'failed', 'died')),
               ', ' ORDER BY need.needs_id)
               FILTER (WHERE job.id IS NULL OR job.status IN ('failed', 'cancelled')),
           count(*) FILTER (WHERE job.status IN ('pending', 'processing'))
    INTO v_dead, v_open
    FROM job_needs AS need LEFT JOIN jobs AS job ON job.id = need.needs_id
    WHERE need.job_id = p_id
      AND NOT (need.run_if_dead AND coalesce(job.status, '') <> ALL (
          ARRAY['pending', 'processing']));
    IF v_dead IS NOT NULL THEN
        UPDATE jobs SET status = 'failed', completed_at = clock_timestamp(),
            run_at = held_run_at, held_run_at = NULL,
            error = 'It waited for a job that did not complete: ' || v_dead
        WHERE id = p_id;
        INSERT INTO dead_letters (job_id, type, reason)
        VALUES (p_id, v_job.type,
                'It waited for a job that did not complete: ' || v_dead);
        buried_others_wait := v_job.needed;
    ELSIF v_open = 0 THEN
        UPDATE jobs SET run_at = greatest(held_run_at, clock_timestamp()),
            held_run_at = NULL
        WHERE id = p_id;
        released := v_job.queue;
    END IF;
END;
$$;
"""

# Called by whatever ended jobs, in its transaction, for the few that are watched.
# A job is younger than all it needs, so visiting the waiting in the order of their
# ids sees causes before effects, and locks in one order for everybody.
FOLLOW = r"""
CREATE FUNCTION ritmo_follow(p_ids bigint[]) RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_job record;
    v_queues text[] := '{}';
    v_queue text;
    v_more boolean;
    v_ended bigint[];
    v_id bigint;
    v_last bigint := 0;
BEGIN
    FOR v_job IN SELECT * FROM jobs
        WHERE id = ANY(p_ids) AND rerun IS NOT NULL ORDER BY id
    LOOP
        IF v_job.status = 'pending' THEN
            PERFORM ritmo_merge(
                v_job.id, v_job.rerun -> 'payload', (v_job.rerun ->> 'priority')::int,
                (v_job.rerun ->> 'run_at')::timestamptz,
                (v_job.rerun ->> 'max_attempts')::int,
                (v_job.rerun ->> 'replace')::boolean);
        ELSE
            UPDATE jobs SET rerun = NULL WHERE id = v_job.id;
            INSERT INTO jobs (type, queue, payload, priority, run_at, unique_key,
                              max_attempts, user_id, source)
            VALUES (v_job.type, v_job.queue, v_job.rerun -> 'payload',
                    (v_job.rerun ->> 'priority')::int,
                    (v_job.rerun ->> 'run_at')::timestamptz, v_job.unique_key,
                    (v_job.rerun ->> 'max_attempts')::int, v_job.user_id,
                    'coalesced');
        END IF;
        v_queues := v_queues || v_job.queue::text;
    END LOOP;

    v_ended := ARRAY(
        SELECT each FROM unnest(p_ids) AS each LEFT JOIN jobs AS job ON job.id = each
        WHERE job.status IS NULL OR job.status NOT IN ('pending', 'processing'));
    LOOP
        v_more := false;
        FOR v_id IN
            SELECT DISTINCT job_id FROM job_needs
            WHERE needs_id = ANY(v_ended) AND job_id > v_last ORDER BY job_id
        LOOP
            SELECT * INTO v_queue, v_more FROM ritmo_release(v_id);
            v_queues := v_queues || v_queue;
            v_last := v_id;
            -- Read anew: until its lock was ours, others could come to wait for it.
            EXIT WHEN v_more;
        END LOOP;
        EXIT WHEN v_more IS NOT TRUE;
        v_ended := v_ended || v_last;
    END LOOP;
    RETURN (SELECT array_agg(DISTINCT queue) FROM unnest(v_queues) AS queue
            WHERE queue IS NOT NULL);
END;
$$;
"""

DELETED = r"""
CREATE OR REPLACE FUNCTION ritmo_jobs_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM ritmo_follow(array_agg(id)) FROM gone
    WHERE needed AND status IN ('pending', 'processing') HAVING count(*) > 0;
    DELETE FROM job_attempts USING gone WHERE job_id = gone.id;
    DELETE FROM dead_letters USING gone WHERE job_id = gone.id;
    UPDATE cron_job_logs SET job_id = NULL FROM gone WHERE job_id = gone.id;
    DELETE FROM job_needs USING gone WHERE job_id = gone.id;
    DELETE FROM job_needs USING gone WHERE needs_id = gone.id;
    DELETE FROM unique_windows USING gone WHERE job_id = gone.id;
    RETURN NULL;
END;
$$;
"""
DELETED_BEFORE = r"""
CREATE OR REPLACE FUNCTION ritmo_jobs_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM job_attempts USING gone WHERE job_id = gone.id;
    DELETE FROM dead_letters USING gone WHERE job_id = gone.id;
    UPDATE cron_job_logs SET job_id = NULL FROM gone WHERE job_id = gone.id;
    RETURN NULL;
END;
$$;
"""


class Migration(migrations.Migration):
    """Functions; `ritmo_follow` also calls one of the migration before."""

    dependencies = [("queues", "0004_unique_sql")]

    operations = [
        migrations.RunSQL(RELEASE, "DROP FUNCTION ritmo_release"),
        migrations.RunSQL(FOLLOW, "DROP FUNCTION ritmo_follow"),
        migrations.RunSQL(DELETED, DELETED_BEFORE),
    ]
