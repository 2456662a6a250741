"""Let the error of a job be that of its last failure, and of none once it is completed.

A job that had failed once and then completed went on showing why it had failed. Its
attempts keep their errors.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("queues.migrations.0021_settle_time").AFTER
AFTER = BEFORE.replace(
    "error = coalesce(closed.error, job.error),",
    """error = CASE WHEN closed.status = 'completed' THEN NULL
                WHEN closed.ending = 'released' THEN job.error
                ELSE coalesce(closed.error, job.error) END,""",
)


class Migration(migrations.Migration):
    """One function, as before but for one column."""

    dependencies = [("queues", "0021_settle_time")]

    operations = [migrations.RunSQL(AFTER, BEFORE)]
