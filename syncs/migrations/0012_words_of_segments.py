"""Name what people see of a row in their language; no column changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('syncs', '0011_what_was_said'),
    ]

    operations = [
        migrations.AlterField(
            model_name='segmentlog',
            name='actor',
            field=models.CharField(blank=True, db_default='', max_length=150, verbose_name='by'),
        ),
        migrations.AlterField(
            model_name='segmentrefusal',
            name='control',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refusals', to='syncs.segmentcontrol', verbose_name='segment'),
        ),
    ]
