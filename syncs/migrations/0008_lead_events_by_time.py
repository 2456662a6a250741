"""Let old events of leads be found without looking at the young ones."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("syncs", "0007_kinds")]

    operations = [
        AddIndexConcurrently(
            model_name="leadevent",
            index=models.Index(fields=["at"], name="lead_event_by_time"),
        ),
    ]
