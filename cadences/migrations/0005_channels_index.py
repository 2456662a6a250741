"""The indexes of what comes in, built beside running workers."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

ONCE = "CREATE UNIQUE INDEX CONCURRENTLY message_key_once ON messages (key) WHERE key IS NOT NULL"


class Migration(migrations.Migration):
    """No lock on the messages but the shortest."""

    atomic = False
    dependencies = [("cadences", "0004_channels")]

    operations = [
        migrations.RunSQL(
            ["DROP INDEX CONCURRENTLY IF EXISTS message_key_once", ONCE],
            "DROP INDEX CONCURRENTLY message_key_once",
            state_operations=[
                migrations.AddConstraint(
                    "message",
                    models.UniqueConstraint(condition=models.Q(key__isnull=False), fields=["key"], name="message_key_once"),
                )
            ],
        ),
        AddIndexConcurrently(
            "message",
            models.Index(condition=models.Q(lead__isnull=False), fields=["lead", "-created_at"], name="message_of_lead"),
        ),
        AddIndexConcurrently(
            "message",
            models.Index(condition=models.Q(match__in=["ambiguous", "none"]), fields=["-created_at"], name="message_without_owner"),
        ),
        AddIndexConcurrently(
            "contact",
            django.contrib.postgres.indexes.GinIndex(fields=["aliases"], name="contact_by_alias"),
        ),
        AddIndexConcurrently(
            "attempt",
            django.contrib.postgres.indexes.BrinIndex(fields=["started_at"], name="send_attempt_by_start"),
        ),
    ]
