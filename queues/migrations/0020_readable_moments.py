"""Refuse moments that no worker can read: one such row stopped who claimed it."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

READABLE = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


class Migration(migrations.Migration):
    """For new rows: looking at all old ones would hold the table."""

    dependencies = [
        ("queues", "0019_alerts"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="job",
            constraint=models.CheckConstraint(
                name="job_run_at_readable",
                condition=models.Q(run_at__range=READABLE),
            ),
        ),
    ]
