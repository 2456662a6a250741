"""Let settle find its attempts by their ids, however the planner sees the table.

Where nearly all attempts are over, the planner expected next to none in the partial
index over the open ones, and walked all of them for each attempt: with 500 in a batch
that tripled the time of a settle.
"""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("queues.migrations.0017_hot_sql").SETTLE.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
# Says the same as IS NULL, in words that no partial index knows.
AFTER = BEFORE.replace(
    "finished_at IS NULL FOR UPDATE",
    "coalesce(finished_at, 'infinity') = 'infinity' FOR UPDATE",
)


class Migration(migrations.Migration):
    """One function, as before but for one condition."""

    dependencies = [("queues", "0017_hot_sql")]

    operations = [migrations.RunSQL(AFTER, BEFORE)]
