"""Indexes of lists and figures: runs newest first, paused ones by why."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("cadences", "0006_batches")]

    operations = [
        AddIndexConcurrently(
            "run", models.Index(fields=["-created_at", "-id"], name="run_newest")
        ),
        AddIndexConcurrently(
            "run",
            models.Index(fields=["pause_reason"], condition=Q(status="PAUSADA"), name="run_paused"),
        ),
    ]
