"""What the database itself does for segments: pauses, changed lines, and the seed's door."""

from django.db import migrations

KEEP = r"""
-- Whoever reactivates a segment, by SQL or by a page: what fell into the pause is over.
-- Whoever changes its line: the due time is computed anew.
CREATE FUNCTION segment_control_keeps() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    IF NEW.status = 'active' AND OLD.status <> 'active' THEN
        NEW.resumed_at := clock_timestamp();
    END IF;
    IF (NEW.cron, NEW.time_zone) IS DISTINCT FROM (OLD.cron, OLD.time_zone)
            AND NEW.next_execution IS NOT DISTINCT FROM OLD.next_execution THEN
        NEW.next_execution := NULL;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER segment_control_keeps BEFORE UPDATE ON sync_segments_control
    FOR EACH ROW EXECUTE FUNCTION segment_control_keeps();

-- A log row that was written with the seed's columns finds its segment.
CREATE FUNCTION segment_log_finds() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.control_id := (SELECT min(id) FROM sync_segments_control
                       WHERE segment_id = NEW.segment_id);
    RETURN NEW;
END $$;

CREATE TRIGGER segment_log_finds BEFORE INSERT ON sync_segments_logs
    FOR EACH ROW WHEN (NEW.control_id IS NULL) EXECUTE FUNCTION segment_log_finds();

-- One job for each due segment, in the caller's transaction. The next due time is
-- computed by the next tick; a segment whose sync still waits or runs is left to it.
CREATE FUNCTION sync_segment_leads_via_edge_function() RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v record;
    v_job bigint;
    v_count int := 0;
BEGIN
    FOR v IN
        SELECT id, segment_id, next_execution FROM sync_segments_control AS control
        WHERE status = 'active' AND next_execution <= clock_timestamp()
          AND (resumed_at IS NULL OR next_execution >= resumed_at)
          AND NOT EXISTS (SELECT FROM sync_segment_passes WHERE control_id = control.id)
        ORDER BY next_execution, id FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        INSERT INTO jobs (type, payload)
        VALUES ('sync-segment-leads', jsonb_build_object(
            'segment_id', v.segment_id, 'control', v.id, 'trigger', 'sql'))
        RETURNING id INTO v_job;
        INSERT INTO sync_segment_passes (control_id, job_id, trigger, scheduled_for)
        VALUES (v.id, v_job, 'sql', v.next_execution);
        UPDATE sync_segments_control
        SET scheduled_for = v.next_execution, next_execution = NULL WHERE id = v.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN jsonb_build_object('success', true, 'segments', v_count);
END $$;
"""
LET_GO = """
DROP FUNCTION sync_segment_leads_via_edge_function();
DROP TRIGGER segment_log_finds ON sync_segments_logs;
DROP FUNCTION segment_log_finds();
DROP TRIGGER segment_control_keeps ON sync_segments_control;
DROP FUNCTION segment_control_keeps();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("syncs", "0004_segments"),
        ("queues", "0017_hot_sql"),
    ]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
