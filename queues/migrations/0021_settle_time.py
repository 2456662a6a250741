"""Date a verdict by when it came, not by when its statement got so far.

A run is told by how long ago it began and ended, as of the moment it was sent. The
moment a statement arrives is nearer to that than the one it has been planned, and has
waited for a lock, at; behind a long wait it must not lie, as minutes are rolled up.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("queues.migrations.0018_settle_by_id").AFTER
SENT = "greatest(statement_timestamp(), clock_timestamp() - interval '5 seconds')"
AFTER = BEFORE.replace(
    "clock_timestamp() - verdict.ended_ago", f"{SENT} - verdict.ended_ago"
).replace("clock_timestamp() - verdict.started_ago", f"{SENT} - verdict.started_ago")


class Migration(migrations.Migration):
    """One function, as before but for its clock."""

    dependencies = [("queues", "0020_readable_moments")]

    operations = [migrations.RunSQL(AFTER, BEFORE)]
