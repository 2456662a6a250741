"""Since when the hours of a calendar are as they are, so that the past can be judged."""

from django.db import migrations, models
from django.db.models.functions import Now

KEEP = """
CREATE FUNCTION calendar_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE calendars SET hours_since = cadence_now() WHERE id IN (
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.calendar_id END,
        CASE WHEN TG_OP <> 'DELETE' THEN NEW.calendar_id END);
    RETURN NULL;
END $$;

CREATE TRIGGER slots_have_changed AFTER INSERT OR UPDATE OR DELETE ON calendar_slots
    FOR EACH ROW EXECUTE FUNCTION calendar_has_changed();
CREATE TRIGGER holidays_have_changed
    AFTER INSERT OR UPDATE OR DELETE ON calendar_holidays
    FOR EACH ROW EXECUTE FUNCTION calendar_has_changed();
"""
LET_GO = """
DROP TRIGGER holidays_have_changed ON calendar_holidays;
DROP TRIGGER slots_have_changed ON calendar_slots;
DROP FUNCTION calendar_has_changed();
"""


class Migration(migrations.Migration):

    dependencies = [("cadences", "0009_desk")]

    operations = [
        migrations.AddField(
            "calendar",
            "hours_since",
            models.DateTimeField(db_default=Now(), editable=False),
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
