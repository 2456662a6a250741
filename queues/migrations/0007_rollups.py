"""Roll-ups of tries, kept when their rows are pruned."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('queues', '0006_needs_sql'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobMinute',
            fields=[
                ('pk', models.CompositePrimaryKey('minute', 'type', 'outcome', blank=True, editable=False, primary_key=True, serialize=False)),
                ('minute', models.DateTimeField()),
                ('type', models.CharField(max_length=100)),
                ('outcome', models.CharField(max_length=10)),
                ('count', models.BigIntegerField()),
                ('wait_seconds', models.FloatField()),
                ('wait_max', models.FloatField()),
                ('wait_histogram', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('run_seconds', models.FloatField()),
                ('run_max', models.FloatField()),
                ('run_histogram', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
            ],
            options={
                'db_table': 'job_minutes',
            },
        ),
        migrations.CreateModel(
            name='RollUp',
            fields=[
                ('id', models.PositiveSmallIntegerField(db_default=1, primary_key=True, serialize=False)),
                ('done_until', models.DateTimeField()),
            ],
            options={
                'db_table': 'job_rollup',
            },
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['finished_at'], name='attempt_ended'),
        ),
        migrations.AddConstraint(
            model_name='rollup',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='rollup_single'),
        ),
    ]
