"""The doors for SQL callers, and what a deleted job takes with it."""

from django.db import migrations

ENQUEUE = r"""
CREATE FUNCTION enqueue_job(
    p_job_type text, p_job_data jsonb, p_priority int DEFAULT 5
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_id bigint;
    v_error text := CASE
        WHEN p_job_type IS NULL OR p_job_type !~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'
            THEN 'Invalid job type'
        WHEN p_job_data IS NULL OR jsonb_typeof(p_job_data) <> 'object'
            THEN 'Invalid job data'
        WHEN octet_length(p_job_data::text) > 262144
            THEN 'Payload too large'
        WHEN p_priority IS NULL OR p_priority NOT BETWEEN 1 AND 9
            THEN 'Invalid priority'
        END;
BEGIN
    IF v_error IS NOT NULL THEN
        RETURN jsonb_build_object('success', false, 'error', v_error);
    END IF;
    INSERT INTO jobs (type, payload, priority)
    VALUES (p_job_type, p_job_data, p_priority) RETURNING id INTO v_id;
    RETURN jsonb_build_object('success', true, 'jobId', v_id);
END;
$$;
"""

ENQUEUE_WITH_LOG = r"""
CREATE FUNCTION enqueue_job_with_log(
    p_job_name text, p_job_type text, p_job_data jsonb, p_priority int DEFAULT 5
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_result jsonb := enqueue_job(p_job_type, p_job_data, p_priority);
    v_id bigint := (v_result ->> 'jobId')::bigint;
BEGIN
    -- As the first system did: "success" means enqueued. Should the job die later,
    -- its end turns the row into an "error".
    INSERT INTO cron_job_logs (job_name, job_type, status, details, job_id)
    VALUES (
        coalesce(p_job_name, ''), coalesce(p_job_type, ''),
        CASE WHEN (v_result ->> 'success')::boolean THEN 'success' ELSE 'error' END,
        v_result, v_id);
    UPDATE jobs SET source = 'cron' WHERE id = v_id;
    RETURN v_result;
END;
$$;
"""

# A column default cannot look into another table. The condition is checked before
# the function is called, so callers that name a queue pay nothing.
QUEUE_OF_TYPE = r"""
CREATE FUNCTION ritmo_queue_of_type() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.queue := coalesce(
        (SELECT queue FROM job_types WHERE name = NEW.type), 'default');
    RETURN NEW;
END;
$$;
CREATE TRIGGER jobs_queue_of_type BEFORE INSERT ON jobs
FOR EACH ROW WHEN (NEW.queue IS NULL) EXECUTE FUNCTION ritmo_queue_of_type();
"""

# Instead of foreign keys with ON DELETE: those would lock the job row once more
# at every claim. Attempts and letters are only ever written under the job's lock.
DELETED = r"""
CREATE FUNCTION ritmo_jobs_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM job_attempts USING gone WHERE job_id = gone.id;
    DELETE FROM dead_letters USING gone WHERE job_id = gone.id;
    UPDATE cron_job_logs SET job_id = NULL FROM gone WHERE job_id = gone.id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER jobs_deleted AFTER DELETE ON jobs
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION ritmo_jobs_deleted();
"""

# Hot tables: vacuum by the number of dead rows, not by a share of a long history.
VACUUM = """
ALTER TABLE jobs SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 1);
ALTER TABLE job_attempts SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 1);
ALTER TABLE workers SET (fillfactor = 50);
ALTER TABLE pacemaker SET (fillfactor = 10);
"""
UNVACUUM = """
ALTER TABLE jobs RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_cost_delay);
ALTER TABLE job_attempts RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_cost_delay);
ALTER TABLE workers RESET (fillfactor);
ALTER TABLE pacemaker RESET (fillfactor);
"""


class Migration(migrations.Migration):
    """Functions and triggers; schema of rows is in the migration before."""

    dependencies = [("queues", "0001_initial")]

    operations = [
        migrations.RunSQL(
            QUEUE_OF_TYPE,
            "DROP TRIGGER jobs_queue_of_type ON jobs; DROP FUNCTION ritmo_queue_of_type",
        ),
        migrations.RunSQL(
            DELETED, "DROP TRIGGER jobs_deleted ON jobs; DROP FUNCTION ritmo_jobs_deleted"
        ),
        migrations.RunSQL(ENQUEUE, "DROP FUNCTION enqueue_job"),
        migrations.RunSQL(ENQUEUE_WITH_LOG, "DROP FUNCTION enqueue_job_with_log"),
        migrations.RunSQL(VACUUM, UNVACUUM),
    ]
