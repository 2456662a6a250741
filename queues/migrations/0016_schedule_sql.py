"""Schedules for SQL callers: what cron.schedule and cron.unschedule did."""

from django.db import migrations

# The numbers that one field of a cron line stands for; NULL if it cannot be read.
# The same rules as queues.cron, which a test compares with it.
FIELD = r"""
CREATE FUNCTION ritmo_cron_field(p_place int, p_text text) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
DECLARE
    c_lowest CONSTANT int[] := '{0,0,1,1,0}';
    c_highest CONSTANT int[] := '{59,23,31,12,7}';
    c_names CONSTANT text[] := CASE p_place
        WHEN 4 THEN '{january,february,march,april,may,june,july,august,september,october,november,december}'
        WHEN 5 THEN '{sunday,monday,tuesday,wednesday,thursday,friday,saturday}'
        ELSE '{}' END;
    v_low int := c_lowest[p_place];
    v_high int := c_highest[p_place];
    v_part text;
    v_words text[];
    v_ends int[];
    v_step int;
    v_all int[] := '{}';
BEGIN
    FOREACH v_part IN ARRAY string_to_array(lower(p_text), ',') LOOP
        v_words := regexp_match(
            v_part, '^(?:\*|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]+))?$');
        IF v_words IS NULL OR v_words[3] IS NOT NULL
                AND (v_words[1] IS NOT NULL AND v_words[2] IS NULL
                     OR char_length(v_words[3]) > 9
                     OR NOT v_words[3]::int BETWEEN 1 AND v_high) THEN
            RETURN NULL;
        END IF;
        v_step := coalesce(v_words[3]::int, 1);
        v_ends := ARRAY(
            SELECT CASE
                WHEN word ~ '^[0-9]{1,9}$' THEN word::int
                ELSE (SELECT place + v_low - 1
                      FROM unnest(c_names) WITH ORDINALITY AS known (name, place)
                      WHERE word IN (name, left(name, 3))) END
            FROM unnest(v_words[1:2]) WITH ORDINALITY AS said (word, nth)
            WHERE word IS NOT NULL ORDER BY nth);
        IF array_position(v_ends, NULL) IS NOT NULL
                OR NOT coalesce((SELECT bool_and(e BETWEEN v_low AND v_high)
                                 FROM unnest(v_ends) AS e), true) THEN
            RETURN NULL;
        END IF;
        -- Sunday is 0 or 7; a range such as FRI-MON goes round.
        v_ends := CASE coalesce(array_length(v_ends, 1), 0)
            WHEN 0 THEN ARRAY[v_low, v_high - (p_place = 5)::int]
            WHEN 1 THEN ARRAY[v_ends[1], v_ends[1]] ELSE v_ends END;
        v_all := v_all || ARRAY(
            SELECT number FROM (
                SELECT number, row_number() OVER (ORDER BY number < v_ends[1], number) AS nth
                FROM generate_series(v_low, v_high) AS number
                WHERE CASE WHEN v_ends[1] <= v_ends[2]
                    THEN number BETWEEN v_ends[1] AND v_ends[2]
                    ELSE number >= v_ends[1] OR number <= v_ends[2] END) AS range
            WHERE (nth - 1) % v_step = 0);
    END LOOP;
    RETURN CASE WHEN cardinality(v_all) > 0 THEN v_all END;
END;
$$;
"""

# Returns the five fields and no error, or what is wrong with the line.
LINE = r"""
CREATE FUNCTION ritmo_cron_line(p_cron text, OUT fields text[], OUT fault text)
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
DECLARE
    c_names CONSTANT text[] :=
        '{minute,hour,day of month,month of year,day of week}';
    c_longest CONSTANT int[] := '{240,96,124,64,64}';
    v_line text := btrim(coalesce(p_cron, ''), E' \t\n\r');
BEGIN
    v_line := CASE lower(v_line)
        WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *'
        WHEN '@monthly' THEN '0 0 1 * *' WHEN '@weekly' THEN '0 0 * * 0'
        WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *'
        WHEN '@hourly' THEN '0 * * * *' ELSE v_line END;
    fields := regexp_split_to_array(v_line, '\s+');
    IF cardinality(fields) <> 5 THEN
        fault := 'A cron line has five fields, minute hour day month weekday: '
            || quote_literal(left(v_line, 100));
        RETURN;
    END IF;
    FOR place IN 1..5 LOOP
        IF char_length(fields[place]) > c_longest[place]
                OR ritmo_cron_field(place, fields[place]) IS NULL THEN
            fault := format('The %s cannot be read: %L',
                            c_names[place], left(fields[place], 100));
            RETURN;
        END IF;
    END LOOP;
    IF NOT EXISTS (
        SELECT FROM unnest(ritmo_cron_field(3, fields[3])) AS day,
                    unnest(ritmo_cron_field(4, fields[4])) AS month
        WHERE day <= ('{31,29,31,30,31,30,31,31,30,31,30,31}'::int[])[month]
    ) THEN
        fault := 'That day never comes: ' || v_line;
    END IF;
END;
$$;
"""

# Creates or updates by name. What the arguments do not say, staff's pause and terms
# among it, stays as it is. The library's columns have no defaults in the database.
SCHEDULE = r"""
CREATE FUNCTION schedule_job(
    p_name text, p_cron text, p_job_type text, p_job_data jsonb,
    p_priority int DEFAULT 5
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    -- "10 seconds", and the sixth field by which the second system said the same.
    v_seconds int := coalesce(
        substring(p_cron FROM '(?i)^\s*([1-9][0-9]{0,4})\s+seconds?\s*$'),
        substring(p_cron FROM '^\s*\*/(2|3|4|5|6|10|12|15|20|30)(?:\s+\*){5}\s*$')
    )::int;
    v_line record;
    v_crontab int;
    v_interval int;
    v_before jsonb;
    v_after jsonb;
    v_id int;
    v_error text := CASE
        WHEN p_name IS NULL OR char_length(p_name) NOT BETWEEN 1 AND 200
            THEN 'Invalid schedule name'
        WHEN p_job_type IS NULL OR p_job_type !~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'
            THEN 'Invalid job type'
        WHEN NOT EXISTS (SELECT FROM job_types WHERE name = p_job_type)
            THEN 'Unknown job type: ' || p_job_type
        WHEN p_job_data IS NULL OR jsonb_typeof(p_job_data) <> 'object'
            THEN 'Invalid job data'
        WHEN octet_length(p_job_data::text) > 262144
            THEN 'Payload too large'
        WHEN p_priority IS NULL OR p_priority NOT BETWEEN 1 AND 9
            THEN 'Invalid priority'
        END;
BEGIN
    SELECT * INTO v_line FROM ritmo_cron_line(p_cron);
    IF v_seconds IS NULL THEN
        v_error := coalesce(v_error, v_line.fault);
    END IF;
    IF v_error IS NOT NULL THEN
        RETURN jsonb_build_object('success', false, 'error', v_error);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('schedule:' || p_name, 0));
    IF v_seconds IS NOT NULL THEN
        SELECT min(id) INTO v_interval FROM django_celery_beat_intervalschedule
        WHERE every = v_seconds AND period = 'seconds';
        IF v_interval IS NULL THEN
            INSERT INTO django_celery_beat_intervalschedule (every, period)
            VALUES (v_seconds, 'seconds') RETURNING id INTO v_interval;
        END IF;
    ELSE
        SELECT min(id) INTO v_crontab FROM django_celery_beat_crontabschedule
        WHERE timezone = 'UTC'
          AND ARRAY[minute, hour, day_of_month, month_of_year, day_of_week]::text[]
              = v_line.fields;
        IF v_crontab IS NULL THEN
            INSERT INTO django_celery_beat_crontabschedule
                (minute, hour, day_of_month, month_of_year, day_of_week, timezone)
            VALUES (v_line.fields[1], v_line.fields[2], v_line.fields[3],
                    v_line.fields[4], v_line.fields[5], 'UTC')
            RETURNING id INTO v_crontab;
        END IF;
    END IF;
    -- Without the data, which may hold secrets.
    v_after := jsonb_build_object(
        'cron', p_cron, 'type', p_job_type, 'priority', p_priority);
    SELECT id, jsonb_build_object('type', task, 'priority', priority)
    INTO v_id, v_before
    FROM django_celery_beat_periodictask WHERE name = p_name FOR NO KEY UPDATE;
    IF v_id IS NULL THEN
        INSERT INTO django_celery_beat_periodictask (
            name, task, args, kwargs, enabled, one_off, total_run_count,
            date_changed, description, headers, crontab_id, interval_id, priority)
        VALUES (p_name, p_job_type, '[]', p_job_data::text, true, false, 0,
                clock_timestamp(), '', '{}', v_crontab, v_interval, p_priority)
        RETURNING id INTO v_id;
    ELSE
        UPDATE django_celery_beat_periodictask SET
            task = p_job_type, args = '[]', kwargs = p_job_data::text,
            crontab_id = v_crontab, interval_id = v_interval, clocked_id = NULL,
            solar_id = NULL, priority = p_priority, date_changed = clock_timestamp(),
            one_off = one_off AND clocked_id IS NULL
        WHERE id = v_id;
    END IF;
    PERFORM ritmo_audit(
        CASE WHEN v_before IS NULL THEN 'schedule.create' ELSE 'schedule.change' END,
        'django_celery_beat.periodictask', v_id::text, p_name, v_before, v_after);
    RETURN jsonb_build_object(
        'success', true, 'scheduleId', v_id, 'created', v_before IS NULL);
END;
$$;
"""

# The firings stay, as they do when staff delete a schedule.
UNSCHEDULE = r"""
CREATE FUNCTION unschedule_job(p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    v_id int;
BEGIN
    DELETE FROM django_celery_beat_periodictask WHERE name = p_name
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM schedule_states WHERE schedule_id = v_id;
    UPDATE cron_job_logs SET schedule_id = NULL WHERE schedule_id = v_id;
    PERFORM ritmo_audit(
        'schedule.delete', 'django_celery_beat.periodictask', v_id::text, p_name);
    RETURN true;
END;
$$;
"""


class Migration(migrations.Migration):
    """Functions; they write the rows of django-celery-beat and the audit log."""

    dependencies = [("queues", "0015_firing_running")]

    operations = [
        migrations.RunSQL(FIELD, "DROP FUNCTION ritmo_cron_field"),
        migrations.RunSQL(LINE, "DROP FUNCTION ritmo_cron_line"),
        migrations.RunSQL(SCHEDULE, "DROP FUNCTION schedule_job"),
        migrations.RunSQL(UNSCHEDULE, "DROP FUNCTION unschedule_job"),
    ]
