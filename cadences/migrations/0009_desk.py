"""The indexes of the console's lists, built beside running workers."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

# Not among the model's own: Django cannot say it without an app of its own.
BY_NAME = "CREATE INDEX CONCURRENTLY lead_by_name ON leads (upper(name) text_pattern_ops)"


class Migration(migrations.Migration):
    """No lock but the shortest."""

    atomic = False
    dependencies = [("cadences", "0008_run_of_cadence")]

    operations = [
        migrations.AlterField(
            "message",
            "match",
            models.CharField(blank=True, choices=[("quoted", "answers a message of ours"), ("alias", "by the name at the provider"), ("address", "by the address"), ("person", "a person said so"), ("ambiguous", "several leads share the address"), ("none", "nobody known")], db_default="", max_length=10, verbose_name="whose it is"),
        ),
        AddIndexConcurrently("run", models.Index(condition=Q(exit_reason__isnull=False), fields=["exit_reason", "created_at", "id"], name="run_left")),
        AddIndexConcurrently("run", models.Index(condition=Q(status__in=["CONCLUIDA", "CANCELADA"]), fields=["updated_at"], name="run_ended")),
        AddIndexConcurrently("execution", models.Index(condition=Q(intended_at__isnull=False), fields=["intended_at"], name="execution_by_intent")),
        AddIndexConcurrently("task", models.Index(condition=Q(state="open"), fields=["created_at", "id"], name="task_open")),
        AddIndexConcurrently("task", models.Index(fields=["created_at", "id"], name="task_newest")),
        AddIndexConcurrently("lead", models.Index(fields=["created_at", "id"], name="lead_newest")),
        migrations.RunSQL(
            ["DROP INDEX CONCURRENTLY IF EXISTS lead_by_name", BY_NAME],
            "DROP INDEX CONCURRENTLY lead_by_name",
        ),
        AddIndexConcurrently("lead", models.Index(condition=Q(external_id__isnull=False), fields=["external_id"], name="lead_by_external_id")),
        AddIndexConcurrently("lead", models.Index(condition=Q(replied_at__isnull=False), fields=["replied_at"], name="lead_by_reply")),
    ]
