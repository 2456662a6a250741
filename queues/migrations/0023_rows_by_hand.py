"""Let a row that was written as running be found: nobody holds it, so it is lost.

Without an attempt no rescue saw it, and it stayed for ever. The attempt of nobody is
closed as lost by the next round of the pacemaker, and the job runs.
"""

from django.db import migrations

# The condition is checked before anything is queued: other rows pay nothing. At the end
# of the transaction, for a backup brings back the jobs first and then their attempts.
UNHELD = r"""
CREATE FUNCTION ritmo_jobs_unheld() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO job_attempts (job_id, number)
    SELECT id, failures + 1 FROM jobs WHERE id = NEW.id AND status = 'processing'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE CONSTRAINT TRIGGER jobs_unheld AFTER INSERT ON jobs
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.status = 'processing') EXECUTE FUNCTION ritmo_jobs_unheld();
"""


class Migration(migrations.Migration):
    """A trigger for rows that no worker writes."""

    dependencies = [("queues", "0022_last_error")]

    operations = [
        migrations.RunSQL(
            UNHELD, "DROP TRIGGER jobs_unheld ON jobs; DROP FUNCTION ritmo_jobs_unheld"
        ),
    ]
