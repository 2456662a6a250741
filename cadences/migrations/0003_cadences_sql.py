"""What the database itself keeps: published steps, wordings, and the one switch."""

from django.db import migrations

KEEP = """
CREATE FUNCTION cadence_steps_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    versions bigint[];
BEGIN
    IF TG_TABLE_NAME = 'step_variants' THEN
        SELECT array_agg(version_id) INTO versions FROM cadence_steps
        WHERE id IN (
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.step_id END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.step_id END);
    ELSE
        versions := ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.version_id END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.version_id END];
    END IF;
    IF EXISTS (SELECT FROM cadence_versions
               WHERE id = ANY (versions) AND state <> 'draft') THEN
        RAISE EXCEPTION 'The steps of a published version do not change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER cadence_steps_are_frozen
    BEFORE INSERT OR UPDATE OR DELETE ON cadence_steps
    FOR EACH ROW EXECUTE FUNCTION cadence_steps_are_frozen();
CREATE TRIGGER step_variants_are_frozen
    BEFORE INSERT OR UPDATE OR DELETE ON step_variants
    FOR EACH ROW EXECUTE FUNCTION cadence_steps_are_frozen();

CREATE FUNCTION template_words_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.body, OLD.subject, OLD.number, OLD.template_id)
        IS DISTINCT FROM (NEW.body, NEW.subject, NEW.number, NEW.template_id) THEN
        RAISE EXCEPTION 'The words of a revision do not change: write a new one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER template_words_are_frozen BEFORE UPDATE ON template_revisions
    FOR EACH ROW EXECUTE FUNCTION template_words_are_frozen();

CREATE FUNCTION delivery_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.delivery_rank < OLD.delivery_rank THEN
        RAISE EXCEPTION 'A message that was % is not % any more', OLD.delivery, NEW.delivery
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER delivery_only_grows BEFORE UPDATE OF delivery_rank
    ON lead_step_executions
    FOR EACH ROW EXECUTE FUNCTION delivery_only_grows();

-- Everything that the steps of a version say, in one hash.
CREATE FUNCTION cadence_checksum(version bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws('|',
        key, position, kind, medium, fallbacks, template_code, delay, unit, base,
        local_time, calendar_id, stop_on_reply, conditions, on_unknown, gap_minutes,
        title, is_blocking, (
            SELECT string_agg(concat_ws('|', code, variant.template_code, weight), ','
                              ORDER BY code)
            FROM step_variants AS variant WHERE step_id = step.id)
        ), E'\n' ORDER BY position), ''), 'UTF8')), 'hex')
    FROM cadence_steps AS step WHERE version_id = version
$$;

-- The moment that counts; a test may say another one.
CREATE FUNCTION cadence_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(nullif(current_setting('ritmo.now', true), '')::timestamptz,
                    clock_timestamp())
$$;

INSERT INTO cadence_control (id) VALUES (1) ON CONFLICT DO NOTHING;
"""
LET_GO = """
DROP FUNCTION cadence_now();
DROP FUNCTION cadence_checksum(bigint);
DROP TRIGGER delivery_only_grows ON lead_step_executions;
DROP FUNCTION delivery_only_grows();
DROP TRIGGER template_words_are_frozen ON template_revisions;
DROP FUNCTION template_words_are_frozen();
DROP TRIGGER step_variants_are_frozen ON step_variants;
DROP TRIGGER cadence_steps_are_frozen ON cadence_steps;
DROP FUNCTION cadence_steps_are_frozen();
"""


class Migration(migrations.Migration):

    dependencies = [("cadences", "0002_cadences")]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
