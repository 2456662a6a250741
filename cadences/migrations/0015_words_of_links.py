"""Name what people see of a row in their language; no column changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cadences', '0014_long_ids'),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='company',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='cadences.company', verbose_name='company'),
        ),
        migrations.AlterField(
            model_name='cadence',
            name='calendar',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar', verbose_name='calendar'),
        ),
        migrations.AlterField(
            model_name='cadence',
            name='company',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cadences', to='cadences.company', verbose_name='company'),
        ),
        migrations.AlterField(
            model_name='company',
            name='calendar',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar', verbose_name='calendar'),
        ),
        migrations.AlterField(
            model_name='enrollmentbatch',
            name='cadence',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='cadences.cadence', verbose_name='cadence'),
        ),
        migrations.AlterField(
            model_name='lead',
            name='company',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leads', to='cadences.company', verbose_name='company'),
        ),
        migrations.AlterField(
            model_name='step',
            name='calendar',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar', verbose_name='calendar'),
        ),
        migrations.AlterField(
            model_name='suppression',
            name='company',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='cadences.company', verbose_name='company'),
        ),
        migrations.AlterField(
            model_name='template',
            name='company',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='templates', to='cadences.company', verbose_name='company'),
        ),
    ]
