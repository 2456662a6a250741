"""Policies of a schedule: misfire, overlap, jitter, tries, and its pause."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_celery_beat', '0019_alter_periodictasks_options'),
        ('queues', '0013_job_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='cronlog',
            options={'verbose_name': 'firing', 'verbose_name_plural': 'firings'},
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='grace_seconds',
            field=models.PositiveIntegerField(blank=True, help_text='A run that is later than this is skipped. Empty: see the policy.', null=True, verbose_name='grace time in seconds'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='jitter_seconds',
            field=models.PositiveIntegerField(db_default=0, help_text='Each job starts up to so much later than it is due.', verbose_name='jitter in seconds'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='max_attempts',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Empty: as the job type says.', null=True, verbose_name='tries'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='misfire',
            field=models.CharField(choices=[('once', 'run the latest missed one'), ('skip', 'run none of the missed ones'), ('all', 'run every missed one')], db_default='once', max_length=10, verbose_name='missed runs'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='misfire_cap',
            field=models.PositiveIntegerField(db_default=100, help_text='Of many missed runs, the newest so many are made up for.', verbose_name='most missed runs'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='overlap',
            field=models.CharField(choices=[('allow', 'run beside it'), ('skip', 'skip the run'), ('queue', 'let one run wait for its end')], db_default='allow', max_length=10, verbose_name='while the run before has not ended'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='pause_note',
            field=models.TextField(blank=True, db_default='', verbose_name='why it is paused'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='paused_at',
            field=models.DateTimeField(null=True, verbose_name='paused'),
        ),
        migrations.AddField(
            model_name='schedulestate',
            name='paused_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='paused by'),
        ),
        migrations.AlterField(
            model_name='cronlog',
            name='status',
            field=models.TextField(choices=[('running', 'running'), ('success', 'success'), ('error', 'error'), ('skipped', 'skipped')], verbose_name='status'),
        ),
        migrations.AddConstraint(
            model_name='schedulestate',
            constraint=models.CheckConstraint(condition=models.Q(('misfire__in', ['once', 'skip', 'all'])), name='schedule_misfire_known'),
        ),
        migrations.AddConstraint(
            model_name='schedulestate',
            constraint=models.CheckConstraint(condition=models.Q(('overlap__in', ['allow', 'skip', 'queue'])), name='schedule_overlap_known'),
        ),
        migrations.AddConstraint(
            model_name='schedulestate',
            constraint=models.CheckConstraint(condition=models.Q(('misfire_cap__range', (1, 1000))), name='schedule_misfire_cap_bounded'),
        ),
        migrations.AddConstraint(
            model_name='schedulestate',
            constraint=models.CheckConstraint(condition=models.Q(('max_attempts__isnull', True), ('max_attempts__gt', 0), _connector='OR'), name='schedule_max_attempts_positive'),
        ),
    ]
