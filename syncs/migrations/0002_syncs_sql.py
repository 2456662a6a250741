"""What the database itself keeps: keys, ends that stay, the job of a row, the seed's view."""

from django.db import migrations

KEEP = """
CREATE FUNCTION sync_key(
    p_store uuid, p_kind text, p_scope text, p_start date, p_end date, p_type text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('|', p_store, p_kind, p_scope,
        coalesce(to_char(p_start, 'YYYY-MM-DD'), ''),
        coalesce(to_char(p_end, 'YYYY-MM-DD'), ''), coalesce(p_type, ''))
$$;

-- Fills in what a statement of the seed's columns leaves out, whoever wrote it.
CREATE FUNCTION sync_queue_keeps() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.status IN ('completed', 'failed') AND
            (OLD.status, OLD.outcome, OLD.started_at, OLD.completed_at, OLD.error_message,
             OLD.store_id, OLD.period_start, OLD.period_end, OLD.data_type) IS DISTINCT FROM
            (NEW.status, NEW.outcome, NEW.started_at, NEW.completed_at, NEW.error_message,
             NEW.store_id, NEW.period_start, NEW.period_end, NEW.data_type) THEN
            RAISE EXCEPTION 'A sync that has ended does not change: ask for a new one'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        NEW.progress_seq := OLD.progress_seq + 1;
    ELSE
        NEW.deadline_at := coalesce(NEW.deadline_at, NEW.queued_at + interval '24 hours');
        IF NEW.data_types IS NULL AND NEW.data_type IS NOT NULL THEN
            NEW.data_types := ARRAY[NEW.data_type];
        END IF;
    END IF;
    NEW.updated_at := clock_timestamp();
    NEW.dedupe_key := sync_key(NEW.store_id, NEW.kind, NEW.scope, NEW.period_start,
                               NEW.period_end, NEW.data_type);
    IF NEW.status = 'processing' THEN
        NEW.started_at := coalesce(NEW.started_at, clock_timestamp());
    ELSIF NEW.status IN ('completed', 'failed') THEN
        NEW.completed_at := coalesce(NEW.completed_at, clock_timestamp());
        NEW.outcome := coalesce(NEW.outcome, CASE NEW.status
            WHEN 'completed' THEN 'succeeded' ELSE 'failed' END);
        NEW.waiting_for := NULL;
        NEW.not_before := NULL;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER sync_queue_keeps BEFORE INSERT OR UPDATE ON sync_queue
    FOR EACH ROW EXECUTE FUNCTION sync_queue_keeps();

-- A queued row has a job, in the same transaction: one a key, told of every request.
-- A request that comes while the job runs makes it run once more.
CREATE FUNCTION sync_queue_enqueues() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_job record;
BEGIN
    SELECT * INTO v_job FROM ritmo_enqueue_unique(
        'sync-store',
        coalesce((SELECT queue FROM job_types WHERE name = 'sync-store'), 'default'),
        jsonb_build_object('store', NEW.store_id, 'key', NEW.dedupe_key),
        least(NEW.priority, 9), NEW.not_before, NEW.dedupe_key, NULL, NULL, 'sync',
        'coalesce', NULL, true);
    RETURN NULL;
END $$;

CREATE TRIGGER sync_queue_enqueues
    AFTER INSERT OR UPDATE OF priority ON sync_queue
    FOR EACH ROW WHEN (NEW.status = 'queued' AND NEW.kind <> 'segment')
    EXECUTE FUNCTION sync_queue_enqueues();

CREATE FUNCTION sync_events_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What happened to a sync is only ever added'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER sync_events_only_grow BEFORE UPDATE ON sync_events
    FOR EACH ROW EXECUTE FUNCTION sync_events_only_grow();

CREATE VIEW v_sync_queue_stats AS
SELECT status,
       count(*) AS job_count,
       avg(extract(epoch FROM (completed_at - started_at))) AS avg_duration_seconds,
       max(extract(epoch FROM (completed_at - started_at))) AS max_duration_seconds,
       min(queued_at) AS oldest_queued_at
FROM sync_queue
WHERE created_at > now() - interval '24 hours'
GROUP BY status;

ALTER TABLE sync_queue SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
ALTER TABLE sync_streams SET (fillfactor = 70);
ALTER TABLE sync_stream_runs SET (fillfactor = 70);
"""
LET_GO = """
DROP VIEW v_sync_queue_stats;
DROP TRIGGER sync_events_only_grow ON sync_events;
DROP FUNCTION sync_events_only_grow();
DROP TRIGGER sync_queue_enqueues ON sync_queue;
DROP FUNCTION sync_queue_enqueues();
DROP TRIGGER sync_queue_keeps ON sync_queue;
DROP FUNCTION sync_queue_keeps();
DROP FUNCTION sync_key(uuid, text, text, date, date, text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ("syncs", "0001_initial"),
        ("queues", "0017_hot_sql"),
    ]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
