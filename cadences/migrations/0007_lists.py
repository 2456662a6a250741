"""Indexes of lists and figures: runs newest first, paused ones by why, calls by time."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("cadences", "0006_batches")]

    operations = [
        AddIndexConcurrently(
            "attempt",
            BrinIndex(fields=["started_at"], name="send_attempt_by_time", pages_per_range=32),
        ),
        AddIndexConcurrently(
            "run", models.Index(fields=["-created_at", "-id"], name="run_newest")
        ),
        AddIndexConcurrently(
            "run",
            models.Index(fields=["pause_reason"], condition=Q(status="PAUSADA"), name="run_paused"),
        ),
    ]
