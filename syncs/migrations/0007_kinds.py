"""Name one more kind of run; the column stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("syncs", "0006_backfills")]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(choices=[('report', 'report'), ('incremental', 'incremental'), ('backfill', 'history'), ('segment', 'segment'), ('webhook', 'webhook'), ('recompute', 'computed anew')], db_default='report', max_length=20, verbose_name='kind'),
        ),
    ]
