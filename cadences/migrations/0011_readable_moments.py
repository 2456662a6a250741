"""Refuse moments that no worker can read: one such row stopped who claimed it."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

READABLE = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


class Migration(migrations.Migration):
    """For new rows: looking at all old ones would hold the table."""

    dependencies = [
        ("cadences", "0010_open_hours"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="run",
            constraint=models.CheckConstraint(
                name="run_moments_readable",
                condition=models.Q(next_run_at__range=READABLE)
                & models.Q(resume_at__range=READABLE),
            ),
        ),
    ]
