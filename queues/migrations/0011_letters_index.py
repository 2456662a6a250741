"""The indexes of faults and bulks, built beside running workers."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OPEN = models.Q(dismissed_at__isnull=True, replayed_at__isnull=True)


class Migration(migrations.Migration):
    """No lock on the letters but the shortest."""

    atomic = False
    dependencies = [("queues", "0010_letters_backfill")]

    operations = [
        AddIndexConcurrently(
            "deadletter",
            models.Index(
                condition=OPEN,
                fields=["fingerprint", "type", "created_at"],
                name="letter_open",
            ),
        ),
        AddIndexConcurrently(
            "deadletter",
            models.Index(fields=["fingerprint", "-id"], name="letter_of_fault"),
        ),
        AddIndexConcurrently(
            "deadletter",
            models.Index(
                condition=models.Q(bulk__isnull=False),
                fields=["bulk", "id"],
                name="letter_of_bulk",
            ),
        ),
    ]
