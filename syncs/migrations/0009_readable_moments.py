"""Refuse moments that no worker can read: one such row stopped who claimed it."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

READABLE = (datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))


class Migration(migrations.Migration):
    """For new rows: looking at all old ones would hold the table."""

    dependencies = [
        ("syncs", "0008_lead_events_by_time"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="segmentcontrol",
            constraint=models.CheckConstraint(
                name="segment_next_readable",
                condition=models.Q(next_execution__range=READABLE),
            ),
        ),
    ]
