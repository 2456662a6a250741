"""Limits as rows, and a line of their own for the jobs under one."""

import django.core.validators
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


# Rows that are updated in place at every claim: leave room beside them, and vacuum
# by the number of dead rows.
TUNE = """
ALTER TABLE limits SET (fillfactor = 50);
ALTER TABLE limit_keys SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 1);
ALTER TABLE limit_uses SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 1);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('queues', '0002_sql_doors'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitKey',
            fields=[
                ('pk', models.CompositePrimaryKey('limit_name', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('limit_name', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=200)),
                ('served_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'limit_keys',
            },
        ),
        migrations.CreateModel(
            name='LimitRow',
            fields=[
                ('name', models.CharField(max_length=100, primary_key=True, serialize=False, verbose_name='name')),
                ('running', models.PositiveIntegerField(blank=True, help_text='Empty: no such limit. 0: nothing starts.', null=True, verbose_name='running at once')),
                ('running_per_key', models.PositiveIntegerField(blank=True, null=True, verbose_name='running at once, per key')),
                ('rate', models.PositiveIntegerField(blank=True, help_text='In any stretch of time as long as the period, exactly.', null=True, verbose_name='starts in a period')),
                ('rate_per_key', models.PositiveIntegerField(blank=True, null=True, verbose_name='starts in a period, per key')),
                ('period_seconds', models.FloatField(db_default=60.0, validators=[django.core.validators.MinValueValidator(0.001)], verbose_name='period in seconds')),
                ('note', models.TextField(blank=True, db_default='', verbose_name='note')),
                ('cursor', models.CharField(db_default='', editable=False, max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created')),
            ],
            options={
                'verbose_name': 'limit',
                'verbose_name_plural': 'limits',
                'db_table': 'limits',
            },
        ),
        migrations.CreateModel(
            name='LimitUse',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('limit_name', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
            ],
            options={
                'db_table': 'limit_uses',
            },
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_due',
        ),
        migrations.AddField(
            model_name='job',
            name='limit_key',
            field=models.CharField(max_length=200, null=True, verbose_name='key of the limit'),
        ),
        migrations.AddField(
            model_name='job',
            name='limit_name',
            field=models.CharField(max_length=100, null=True, verbose_name='limit'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('limit_name__isnull', True), ('status', 'pending')), fields=['queue', 'priority', 'run_at', 'id'], name='job_due'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('limit_name__isnull', False), ('status', 'pending')), fields=['queue', 'limit_name', 'priority', 'run_at', 'id'], name='job_due_limited'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('limit_name__isnull', False), ('status', 'pending')), fields=['queue', 'limit_name', 'priority', 'limit_key', 'run_at', 'id'], name='job_due_by_key'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('limit_name__isnull', False), ('status', 'processing')), fields=['limit_name', 'limit_key'], name='job_limit_held'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('limit_key__isnull', True), ('limit_name__isnull', True)), models.Q(('limit_key__isnull', False), ('limit_name__isnull', False)), _connector='OR'), name='job_limit_has_key'),
        ),
        migrations.AddConstraint(
            model_name='limitrow',
            constraint=models.CheckConstraint(condition=models.Q(('period_seconds__gt', 0)), name='limit_period_positive'),
        ),
        migrations.AddIndex(
            model_name='limituse',
            index=models.Index(fields=['limit_name', 'at'], name='limit_use_recent'),
        ),
        migrations.AddIndex(
            model_name='limituse',
            index=models.Index(fields=['limit_name', 'key', 'at'], name='limit_use_of_key'),
        ),
        migrations.RunSQL(TUNE, migrations.RunSQL.noop),
    ]
