"""Segments of leads: control, logs, syncs, members, events, rules and hints."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('cadences', '0003_cadences_sql'),
        ('syncs', '0003_providers'),
    ]

    operations = [
        migrations.CreateModel(
            name='SegmentControl',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('segment_id', models.BigIntegerField(help_text='The number of the segment at SprintHub.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='segment')),
                ('last_execution', models.DateTimeField(blank=True, null=True, verbose_name='last sync')),
                ('next_execution', models.DateTimeField(blank=True, null=True, verbose_name='next sync')),
                ('status', models.CharField(choices=[('active', 'active'), ('paused', 'paused'), ('error', 'needs a person')], db_default='active', max_length=10, verbose_name='status')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='updated')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('cron', models.CharField(db_default='0 6 * * *', help_text='Five fields: minute, hour, day of month, month, day of week.', max_length=200, verbose_name='schedule')),
                ('time_zone', models.CharField(db_default='America/Sao_Paulo', max_length=64, verbose_name='time zone')),
                ('jitter_seconds', models.PositiveIntegerField(db_default=0, help_text='Seconds by which a sync may start later, so that not all start at once.', validators=[django.core.validators.MaxValueValidator(86400)], verbose_name='spread')),
                ('misfire', models.CharField(choices=[('once', 'run once, late'), ('skip', 'wait for the next time')], db_default='once', max_length=10, verbose_name='if a time was missed')),
                ('enrich', models.CharField(choices=[('changed', 'new and changed leads'), ('never', 'never')], db_default='changed', help_text='Whose page at SprintHub is read beside the list: one call a lead.', max_length=10, verbose_name='details')),
                ('enrich_most', models.PositiveIntegerField(db_default=500, validators=[django.core.validators.MaxValueValidator(100000)], verbose_name='details a sync')),
                ('guard_percent', models.PositiveSmallIntegerField(db_default=20, help_text='If more of the members than this would leave at once, a person is asked.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='removal guard')),
                ('scheduled_for', models.DateTimeField(blank=True, null=True, verbose_name='last due')),
                ('resumed_at', models.DateTimeField(blank=True, null=True, verbose_name='reactivated')),
                ('last_success', models.DateTimeField(blank=True, null=True, verbose_name='last success')),
                ('last_full', models.DateTimeField(blank=True, null=True, verbose_name='last full reading')),
                ('changed_until', models.DateTimeField(blank=True, null=True)),
                ('order_is_kept', models.BooleanField(db_default=True)),
                ('page_base', models.SmallIntegerField(blank=True, null=True)),
                ('consecutive_errors', models.PositiveIntegerField(db_default=0, verbose_name='errors in a row')),
                ('members', models.PositiveIntegerField(db_default=0, verbose_name='members')),
                ('held_removals', models.PositiveIntegerField(db_default=0, verbose_name='removals held back')),
                ('accept_removals', models.BooleanField(db_default=False, verbose_name='accept removals once')),
                ('note', models.TextField(blank=True, db_default='', verbose_name='note')),
                ('company', models.ForeignKey(blank=True, help_text='Whose leads they become. Empty is fine where there is but one.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.company', verbose_name='company')),
                ('connection', models.ForeignKey(blank=True, help_text='Empty is the account that the environment names.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='segments', to='syncs.connection', verbose_name='connection')),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
                'db_table': 'sync_segments_control',
                'permissions': [('run_segment', 'Can run, pause and reactivate segments')],
            },
        ),
        migrations.CreateModel(
            name='LeadEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('joined', 'joined the segment'), ('left', 'left the segment'), ('changed', 'changed'), ('event', 'told by a webhook')], max_length=10, verbose_name='event')),
                ('occasion', models.CharField(max_length=100)),
                ('is_baseline', models.BooleanField(db_default=False)),
                ('details', models.JSONField(db_default={}, default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='at')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cadences.lead')),
                ('control', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='syncs.segmentcontrol')),
            ],
            options={
                'verbose_name': 'event of a lead',
                'verbose_name_plural': 'events of leads',
                'db_table': 'lead_events',
            },
        ),
        migrations.CreateModel(
            name='EnrolmentRule',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('on', models.CharField(choices=[('joined', 'a lead joins the segment'), ('changed', 'a lead changes'), ('event', 'a webhook tells an event')], max_length=10, verbose_name='when')),
                ('event', models.CharField(blank=True, db_default='', help_text='The word that the webhook says.', max_length=100, verbose_name='event')),
                ('facts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, db_default=[], default=list, help_text='Only if one of these changed, such as stage; separated by commas.', size=None, verbose_name='facts')),
                ('is_active', models.BooleanField(db_default=True, verbose_name='active')),
                ('with_baseline', models.BooleanField(db_default=False, help_text='Without it, leads found by the first sync of a segment stay out.', verbose_name='also those already there')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('cadence', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cadences.cadence', verbose_name='cadence')),
                ('control', models.ForeignKey(blank=True, help_text='Empty is any segment of the company.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='syncs.segmentcontrol', verbose_name='segment')),
            ],
            options={
                'verbose_name': 'enrolment rule',
                'verbose_name_plural': 'enrolment rules',
                'db_table': 'enrolment_rules',
            },
        ),
        migrations.CreateModel(
            name='SegmentLog',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('segment_id', models.BigIntegerField(verbose_name='segment')),
                ('execution_time', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='began')),
                ('status', models.CharField(choices=[('success', 'success'), ('partial', 'partial'), ('error', 'error'), ('skipped', 'skipped'), ('cancelled', 'cancelled')], max_length=10, verbose_name='status')),
                ('message', models.TextField(blank=True, null=True, verbose_name='message')),
                ('stats', models.JSONField(blank=True, null=True, verbose_name='figures')),
                ('duration_seconds', models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True, verbose_name='seconds')),
                ('success_rate', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True, verbose_name='success rate')),
                ('scheduled_for', models.DateTimeField(blank=True, null=True, verbose_name='was due')),
                ('trigger', models.CharField(choices=[('cron', 'its schedule'), ('manual', 'a person'), ('command', 'a command'), ('api', 'a caller of the API'), ('sql', 'a statement of SQL')], db_default='cron', max_length=10, verbose_name='asked for by')),
                ('actor', models.CharField(blank=True, db_default='', max_length=150)),
                ('fault', models.CharField(blank=True, db_default='', max_length=30, verbose_name='kind of error')),
                ('job_id', models.BigIntegerField(blank=True, null=True, verbose_name='job')),
                ('active_seconds', models.DecimalField(db_default=Decimal('0'), decimal_places=3, max_digits=12, verbose_name='seconds without waits')),
                ('control', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='logs', to='syncs.segmentcontrol')),
            ],
            options={
                'verbose_name': 'sync of a segment',
                'verbose_name_plural': 'syncs of segments',
                'db_table': 'sync_segments_logs',
            },
        ),
        migrations.CreateModel(
            name='SegmentMember',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=64, verbose_name='id there')),
                ('joined_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='joined')),
                ('removed_at', models.DateTimeField(blank=True, null=True, verbose_name='left')),
                ('control', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='syncs.segmentcontrol')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cadences.lead', verbose_name='lead')),
            ],
            options={
                'verbose_name': 'member of a segment',
                'verbose_name_plural': 'members of segments',
                'db_table': 'segment_members',
            },
        ),
        migrations.CreateModel(
            name='SegmentPass',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('job_id', models.BigIntegerField(unique=True, verbose_name='job')),
                ('trigger', models.CharField(choices=[('cron', 'its schedule'), ('manual', 'a person'), ('command', 'a command'), ('api', 'a caller of the API'), ('sql', 'a statement of SQL')], db_default='cron', max_length=10, verbose_name='asked for by')),
                ('actor', models.CharField(blank=True, db_default='', max_length=150)),
                ('scheduled_for', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('fence', models.PositiveIntegerField(db_default=0)),
                ('mode', models.CharField(choices=[('full', 'every row'), ('quick', 'ids, and rows that changed')], db_default='full', max_length=10)),
                ('sweep', models.PositiveSmallIntegerField(db_default=1)),
                ('page_base', models.SmallIntegerField(blank=True, null=True)),
                ('stats', models.JSONField(db_default={}, default=dict)),
                ('control', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='live_pass', to='syncs.segmentcontrol')),
            ],
            options={
                'verbose_name': 'running sync',
                'verbose_name_plural': 'running syncs',
                'db_table': 'sync_segment_passes',
            },
        ),
        migrations.CreateModel(
            name='SegmentPage',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('sweep', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(choices=[('rows', 'rows'), ('ids', 'ids')], max_length=5)),
                ('number', models.PositiveIntegerField()),
                ('total', models.PositiveIntegerField()),
                ('ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                ('gone', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None)),
                ('counts', models.JSONField(db_default={}, default=dict)),
                ('oldest', models.DateTimeField(blank=True, null=True)),
                ('newest', models.DateTimeField(blank=True, null=True)),
                ('sync', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='syncs.segmentpass')),
            ],
            options={
                'db_table': 'sync_segment_pages',
            },
        ),
        migrations.CreateModel(
            name='SegmentRefusal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=64, verbose_name='id there')),
                ('reason', models.TextField(verbose_name='reason')),
                ('sample', models.JSONField(db_default={}, default=dict, verbose_name='its form')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='since')),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='last seen')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('control', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refusals', to='syncs.segmentcontrol')),
            ],
            options={
                'verbose_name': 'row kept aside',
                'verbose_name_plural': 'rows kept aside',
                'db_table': 'segment_refusals',
                'permissions': [('replay_segmentrefusal', 'Can read rows kept aside again')],
            },
        ),
        migrations.CreateModel(
            name='SyncedLead',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=64, verbose_name='id there')),
                ('is_forgotten', models.BooleanField(db_default=False)),
                ('provider_updated_at', models.DateTimeField(blank=True, null=True)),
                ('row_hash', models.CharField(blank=True, db_default='', max_length=64)),
                ('enriched_at', models.DateTimeField(blank=True, null=True)),
                ('enriched_for', models.DateTimeField(blank=True, null=True)),
                ('gone_at', models.DateTimeField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.company')),
                ('connection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='syncs.connection')),
                ('lead', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cadences.lead')),
            ],
            options={
                'verbose_name': 'synced lead',
                'verbose_name_plural': 'synced leads',
                'db_table': 'synced_leads',
            },
        ),
        migrations.CreateModel(
            name='Enrolment',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('motive', models.CharField(blank=True, db_default='', max_length=30, verbose_name='why not')),
                ('detail', models.CharField(blank=True, db_default='', max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='at')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='cadences.lead', verbose_name='lead')),
                ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cadences.run')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='syncs.enrolmentrule', verbose_name='enrolment rule')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='syncs.leadevent')),
            ],
            options={
                'verbose_name': 'enrolment by a rule',
                'verbose_name_plural': 'enrolments by rules',
                'db_table': 'lead_enrolments',
                'indexes': [models.Index(fields=['rule', '-at'], name='enrolment_by_rule')],
                'constraints': [models.UniqueConstraint(fields=('rule', 'event'), name='enrolment_once')],
            },
        ),
        migrations.CreateModel(
            name='LeadHint',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=64, verbose_name='id there')),
                ('segment_id', models.BigIntegerField(blank=True, null=True, verbose_name='segment')),
                ('event', models.CharField(blank=True, db_default='', max_length=100, verbose_name='event')),
                ('digest', models.CharField(max_length=64)),
                ('window', models.BigIntegerField()),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='received')),
                ('applied_at', models.DateTimeField(blank=True, null=True, verbose_name='applied')),
                ('result', models.CharField(blank=True, db_default='', max_length=200, verbose_name='result')),
                ('connection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='syncs.connection')),
            ],
            options={
                'verbose_name': 'hint of a webhook',
                'verbose_name_plural': 'hints of webhooks',
                'db_table': 'lead_hints',
                'indexes': [models.Index(fields=['received_at'], name='lead_hint_by_time')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'digest', 'window'), name='lead_hint_once', nulls_distinct=False)],
            },
        ),
        migrations.AddIndex(
            model_name='segmentcontrol',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['next_execution'], name='segment_due'),
        ),
        migrations.AddConstraint(
            model_name='segmentcontrol',
            constraint=models.UniqueConstraint(fields=('connection', 'segment_id'), name='segment_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='segmentcontrol',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'paused', 'error'])), name='segment_status'),
        ),
        migrations.AddConstraint(
            model_name='segmentcontrol',
            constraint=models.CheckConstraint(condition=models.Q(('misfire__in', ['once', 'skip'])), name='segment_misfire'),
        ),
        migrations.AddConstraint(
            model_name='segmentcontrol',
            constraint=models.CheckConstraint(condition=models.Q(('guard_percent__gte', 1), ('guard_percent__lte', 100)), name='segment_guard'),
        ),
        migrations.AddIndex(
            model_name='leadevent',
            index=models.Index(fields=['control', '-at'], name='lead_event_by_control'),
        ),
        migrations.AddConstraint(
            model_name='leadevent',
            constraint=models.UniqueConstraint(fields=('lead', 'kind', 'occasion', 'control'), name='lead_event_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='leadevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['joined', 'left', 'changed', 'event'])), name='lead_event_kind'),
        ),
        migrations.AddConstraint(
            model_name='enrolmentrule',
            constraint=models.CheckConstraint(condition=models.Q(('on__in', ['joined', 'changed', 'event'])), name='rule_on'),
        ),
        migrations.AddConstraint(
            model_name='enrolmentrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('on', 'event'), _negated=True), models.Q(('event', ''), _negated=True), _connector='OR'), name='rule_names_its_event'),
        ),
        migrations.AddIndex(
            model_name='segmentlog',
            index=models.Index(fields=['control', '-execution_time'], name='segment_log_by_segment'),
        ),
        migrations.AddIndex(
            model_name='segmentlog',
            index=models.Index(fields=['-execution_time'], name='segment_log_by_time'),
        ),
        migrations.AddConstraint(
            model_name='segmentlog',
            constraint=models.UniqueConstraint(condition=models.Q(('scheduled_for__isnull', False)), fields=('control', 'scheduled_for'), name='segment_log_once_per_time'),
        ),
        migrations.AddConstraint(
            model_name='segmentlog',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['success', 'partial', 'error', 'skipped', 'cancelled'])), name='segment_log_status'),
        ),
        migrations.AddConstraint(
            model_name='segmentmember',
            constraint=models.UniqueConstraint(fields=('control', 'lead'), name='member_once'),
        ),
        migrations.AddConstraint(
            model_name='segmentmember',
            constraint=models.UniqueConstraint(fields=('control', 'external_id'), name='member_once_by_id'),
        ),
        migrations.AddConstraint(
            model_name='segmentpage',
            constraint=models.UniqueConstraint(fields=('sync', 'sweep', 'kind', 'number'), name='segment_page_once'),
        ),
        migrations.AddConstraint(
            model_name='segmentrefusal',
            constraint=models.UniqueConstraint(condition=models.Q(('resolved_at__isnull', True)), fields=('control', 'external_id'), name='refusal_once'),
        ),
        migrations.AddConstraint(
            model_name='syncedlead',
            constraint=models.UniqueConstraint(fields=('connection', 'company', 'external_id'), name='synced_lead_once', nulls_distinct=False),
        ),
    ]
