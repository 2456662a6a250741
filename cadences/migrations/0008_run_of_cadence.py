"""The newest runs of a cadence, for its funnel."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('cadences', '0007_lists'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='run',
            index=models.Index(fields=['cadence', '-started_at'], name='run_of_cadence'),
        ),
    ]
