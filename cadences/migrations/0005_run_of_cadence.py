"""The newest runs of a cadence, for its funnel."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('cadences', '0004_permissions'),
        ('cadences', '0005_channels_index'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='run',
            index=models.Index(fields=['cadence', '-started_at'], name='run_of_cadence'),
        ),
    ]
