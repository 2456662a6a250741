"""Many leads for a cadence at once, line by line."""

import cadences.models.keys
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True  # it only creates tables

    dependencies = [
        ('cadences', '0004_permissions'),
        ('cadences', '0005_pepper'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EnrollmentBatch',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('is_dry', models.BooleanField(db_default=False, verbose_name='dry run')),
                ('without_contact', models.BooleanField(db_default=False, verbose_name='also leads without an address')),
                ('created_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('cadence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='cadences.cadence')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'enrolment batch',
                'verbose_name_plural': 'enrolment batches',
                'db_table': 'enrollment_batches',
            },
        ),
        migrations.CreateModel(
            name='EnrollmentRow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line', models.PositiveIntegerField(verbose_name='line')),
                ('data', models.JSONField(db_default={}, default=dict, verbose_name='data')),
                ('result', models.CharField(blank=True, choices=[('enrolled', 'enrolled'), ('refused', 'refused by a rule'), ('duplicate', 'twice in the batch'), ('invalid', 'invalid'), ('error', 'error')], max_length=10, null=True, verbose_name='result')),
                ('detail', models.TextField(blank=True, db_default='', verbose_name='detail')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='cadences.enrollmentbatch')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cadences.run')),
            ],
            options={
                'verbose_name': 'enrolment row',
                'verbose_name_plural': 'enrolment rows',
                'db_table': 'enrollment_rows',
                'indexes': [models.Index(condition=models.Q(('result__isnull', True)), fields=['batch', 'line'], name='enrollment_row_to_do')],
                'constraints': [models.UniqueConstraint(fields=('batch', 'line'), name='enrollment_row_once')],
            },
        ),
    ]
