"""The index by which a beat finds what a schedule started that has not ended."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the writers: the log may be long."""

    atomic = False

    dependencies = [("queues", "0014_schedule_policies")]

    operations = [
        AddIndexConcurrently(
            model_name="cronlog",
            index=models.Index(
                name="cron_log_running",
                fields=["schedule"],
                condition=models.Q(("status", "running")),
            ),
        ),
    ]
