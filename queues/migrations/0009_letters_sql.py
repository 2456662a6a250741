"""Which letters tell of the same fault: a fingerprint, whoever writes them."""

from django.db import migrations

# What differs from one death of a fault to the next becomes a word in brackets:
# numbers, ids, quoted text, addresses. Lists of such words count as one.
PATTERN = r"""
CREATE FUNCTION ritmo_pattern(p_reason text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    v text := left(p_reason, 400);
BEGIN
    v := regexp_replace(v,
        '\m([a-z][a-z0-9+.-]*://[^\s/''"<>?#]+)[^\s''"<>]*', '\1/…', 'gi');
    v := regexp_replace(v,
        '[^\s@''"<>(),;:=]+@[[:alnum:]][^\s@''"<>(),;:=]*', '<address>', 'g');
    v := regexp_replace(v,
        '(^|[^[:alnum:]])[bru]?(''[^'']*''|"[^"]*"|`[^`]*`|“[^”]*”|«[^»]*»)',
        '\1<text>', 'g');
    v := regexp_replace(v,
        '\m(0x[0-9a-f]+|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}'
        '|(?=[a-f]*[0-9])[0-9a-f]{8,}|(?=[a-z_]*[0-9])[a-z0-9_]{16,})\M',
        '<id>', 'gi');
    v := regexp_replace(v,
        '\m[0-9]{1,3}([.][0-9]{1,3}){3}(:[0-9]+)?\M'
        '|(?=[0-9a-f:]*[0-9])([0-9a-f]{1,4})?(::?[0-9a-f]{1,4}){3,7}',
        '<address>', 'gi');
    v := regexp_replace(v, '[0-9]+([.,:_-][0-9]+)*', '<n>', 'g');
    v := regexp_replace(v,
        '(#?<[a-z]+>( [[:alpha:]]+)?)(\s*,\s*\1)+', '\1, …', 'g');
    RETURN btrim(regexp_replace(v, '\s+', ' ', 'g'));
END;
$$;
"""

# The same words from two places of the code are two faults, so the innermost
# frame counts: its file and function, not its line, which every edit moves.
FINGERPRINT = r"""
CREATE FUNCTION ritmo_fingerprint(p_reason text, p_traceback text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    v_frame text[] := regexp_match(
        reverse(split_part(
            reverse(right(p_traceback, 1000)), reverse('File "'), 1)),
        '^(?:[^"\n]*[/\\])?([^"/\\\n]+)", line [0-9]+, in ([^\n]+)');
BEGIN
    RETURN md5(concat_ws(
        E'\n', ritmo_pattern(p_reason), v_frame[1], v_frame[2]))::uuid;
END;
$$;
"""

TRIGGER = r"""
CREATE FUNCTION ritmo_letter_fingerprint() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.fingerprint := ritmo_fingerprint(NEW.reason, NEW.traceback);
    RETURN NEW;
END;
$$;
CREATE TRIGGER letters_fingerprint BEFORE INSERT ON dead_letters
FOR EACH ROW WHEN (NEW.fingerprint IS NULL) EXECUTE FUNCTION ritmo_letter_fingerprint();
"""
UNTRIGGER = """
DROP TRIGGER letters_fingerprint ON dead_letters;
DROP FUNCTION ritmo_letter_fingerprint;
"""

# The page of faults is answered by an index alone only where vacuum has been.
VACUUM = """
ALTER TABLE dead_letters SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);
"""
UNVACUUM = """
ALTER TABLE dead_letters RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_cost_delay);
"""


class Migration(migrations.Migration):
    """Functions and a trigger; the column is in the migration before."""

    dependencies = [("queues", "0008_letters")]

    operations = [
        migrations.RunSQL(PATTERN, "DROP FUNCTION ritmo_pattern"),
        migrations.RunSQL(FINGERPRINT, "DROP FUNCTION ritmo_fingerprint"),
        migrations.RunSQL(TRIGGER, UNTRIGGER),
        migrations.RunSQL(VACUUM, UNVACUUM),
    ]
