"""Let a run that is written by SQL begin as an enrolled one does, or refuse it aloud.

Such a row named no step, so the next pass ended it without a word sent.
"""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.lookups import Exact

READABLE = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))

# What the row leaves out its cadence knows. What it says must fit: a run of another
# version, or of a step that is not there, would end at its first turn.
FITS = """
CREATE FUNCTION cadence_run_fits() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    home record;
    step record;
BEGIN
    SELECT company_id, published_id INTO home FROM cadences WHERE id = NEW.cadence_id;
    NEW.company_id := coalesce(NEW.company_id, home.company_id);
    NEW.version_id := coalesce(NEW.version_id, home.published_id);
    IF NOT FOUND THEN
        RETURN NEW;  -- the foreign key says so
    ELSIF NEW.version_id IS NULL THEN
        RAISE EXCEPTION 'No version of the cadence % is published', NEW.cadence_id
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NOT EXISTS (SELECT FROM cadence_versions WHERE id = NEW.version_id
            AND cadence_id = NEW.cadence_id AND state <> 'draft') THEN
        RAISE EXCEPTION 'Version % is no published one of the cadence %',
            NEW.version_id, NEW.cadence_id
            USING ERRCODE = 'integrity_constraint_violation';
    ELSIF NEW.company_id <> home.company_id OR EXISTS (SELECT FROM leads
            WHERE id = NEW.lead_id AND company_id <> home.company_id) THEN
        RAISE EXCEPTION 'The lead %, the cadence % and the run are of one company',
            NEW.lead_id, NEW.cadence_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.status NOT IN ('ATIVA', 'PAUSADA') THEN
        RETURN NEW;
    END IF;
    SELECT position, key INTO step FROM cadence_steps
    WHERE version_id = NEW.version_id
      AND CASE WHEN NEW.next_step_key IS NOT NULL THEN key = NEW.next_step_key
          WHEN NEW.next_step IS NOT NULL THEN position = NEW.next_step
          ELSE position > NEW.last_step END
    ORDER BY position LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Version % has no such next step', NEW.version_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.next_step := step.position;
    NEW.next_step_key := step.key;
    IF NEW.status = 'ATIVA' THEN
        NEW.next_run_at := coalesce(NEW.next_run_at, cadence_now());
        NEW.planned_run_at := coalesce(NEW.planned_run_at, NEW.next_run_at);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER cadence_run_fits BEFORE INSERT ON lead_cadence_runs
    FOR EACH ROW EXECUTE FUNCTION cadence_run_fits();
"""
LET_GO = """
DROP TRIGGER cadence_run_fits ON lead_cadence_runs;
DROP FUNCTION cadence_run_fits();
"""


def is_object(column: str) -> Exact:
    """Return that a document is an object, as all that read it expect."""
    kind = models.Func(
        models.F(column), function="jsonb_typeof", output_field=models.TextField()
    )
    return Exact(kind, models.Value("object"))


def readable(*columns: str) -> models.Q:
    """Return that Python can read those moments."""
    return models.Q(**{f"{column}__range": READABLE for column in columns})


class Migration(migrations.Migration):
    """For new rows: looking at all old ones would hold the tables."""

    dependencies = [("cadences", "0012_lead_words")]

    operations = [
        migrations.RunSQL(FITS, LET_GO),
        AddConstraintNotValid(
            model_name="run",
            constraint=models.CheckConstraint(
                name="run_past_readable",
                condition=readable(
                    "started_at", "anchor_at", "planned_run_at", "paused_at",
                    "heard_at", "created_at", "updated_at",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="event",
            constraint=models.CheckConstraint(
                name="event_readable",
                condition=readable("created_at"),
            ),
        ),
        AddConstraintNotValid(
            model_name="event",
            constraint=models.CheckConstraint(
                name="event_details_object", condition=is_object("details")
            ),
        ),
        AddConstraintNotValid(
            model_name="run",
            constraint=models.CheckConstraint(
                name="run_notes_object",
                condition=models.Q(is_object("context"), is_object("sticky")),
            ),
        ),
    ]
