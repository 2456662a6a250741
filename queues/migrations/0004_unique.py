"""Columns and tables of unique jobs, chains and batches."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('queues', '0003_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='JobNeed',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('run_if_dead', models.BooleanField(db_default=False)),
            ],
            options={
                'db_table': 'job_needs',
            },
        ),
        migrations.CreateModel(
            name='UniqueWindow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=200)),
                ('until', models.DateTimeField()),
            ],
            options={
                'db_table': 'unique_windows',
            },
        ),
        migrations.AddField(
            model_name='job',
            name='crashes',
            field=models.PositiveSmallIntegerField(db_default=0, verbose_name='processes killed'),
        ),
        migrations.AddField(
            model_name='job',
            name='held_run_at',
            field=models.DateTimeField(null=True, verbose_name='due after the others'),
        ),
        migrations.AddField(
            model_name='job',
            name='needed',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='job',
            name='rerun',
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name='JobBatch',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('total', models.PositiveIntegerField(null=True, verbose_name='jobs')),
                ('on_complete_type', models.CharField(max_length=100, null=True, verbose_name='job when complete')),
                ('on_complete_data', models.JSONField(db_default=models.Value({}, models.JSONField()), verbose_name='its data')),
                ('priority', models.PositiveSmallIntegerField(db_default=5, verbose_name='its priority')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('sealed_at', models.DateTimeField(null=True, verbose_name='sealed')),
                ('completed_at', models.DateTimeField(null=True, verbose_name='completed')),
            ],
            options={
                'verbose_name': 'batch',
                'verbose_name_plural': 'batches',
                'db_table': 'job_batches',
                'indexes': [models.Index(condition=models.Q(('completed_at__isnull', True)), fields=['id'], name='batch_open')],
            },
        ),
        migrations.AddField(
            model_name='job',
            name='batch',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='queues.jobbatch', verbose_name='batch'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('batch__isnull', False)), fields=['batch', 'status'], name='job_of_batch'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('held_run_at__isnull', False)), fields=['id'], name='job_held'),
        ),
        migrations.AddField(
            model_name='jobneed',
            name='job',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='needs', to='queues.job'),
        ),
        migrations.AddField(
            model_name='jobneed',
            name='needs',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='needed_by', to='queues.job'),
        ),
        migrations.AddField(
            model_name='uniquewindow',
            name='job',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='windows', to='queues.job'),
        ),
        migrations.AddIndex(
            model_name='jobneed',
            index=models.Index(fields=['needs', 'job'], name='need_of'),
        ),
        migrations.AddConstraint(
            model_name='jobneed',
            constraint=models.UniqueConstraint(fields=('job', 'needs'), name='need_once'),
        ),
        migrations.AddConstraint(
            model_name='jobneed',
            constraint=models.CheckConstraint(condition=models.Q(('needs__lt', models.F('job'))), name='need_is_older'),
        ),
        migrations.AddIndex(
            model_name='uniquewindow',
            index=models.Index(fields=['until'], name='window_closed'),
        ),
        migrations.AddConstraint(
            model_name='uniquewindow',
            constraint=models.UniqueConstraint(fields=('type', 'key'), name='window_one_per_key'),
        ),
    ]
