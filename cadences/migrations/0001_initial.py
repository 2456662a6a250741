"""Messages, people, cadences, runs and what the senders did."""

import cadences.models.keys
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


# In the database, so that a DELETE in SQL takes the messages along as one through the
# models does. Checked at once, not at the commit: from its INSERT on, a message holds
# its conversation, and a clean-up at the same time leaves both alone.
FOREIGN_KEY = """
ALTER TABLE messages ADD CONSTRAINT message_of_conversation
    FOREIGN KEY (conversation_id) REFERENCES conversations (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Calendar',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('country', models.CharField(db_default='BR', max_length=2, verbose_name='country')),
                ('region', models.CharField(blank=True, db_default='', max_length=6, verbose_name='state')),
                ('with_optional', models.BooleanField(db_default=False, verbose_name='optional holidays too')),
            ],
            options={
                'verbose_name': 'calendar',
                'verbose_name_plural': 'calendars',
                'db_table': 'calendars',
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('medium', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, verbose_name='channel')),
                ('address', models.CharField(max_length=254, verbose_name='address')),
                ('identity', models.CharField(db_default='', max_length=254, verbose_name='identity')),
                ('aliases', models.JSONField(blank=True, db_default=[], default=list, verbose_name='names at providers')),
                ('is_preferred', models.BooleanField(db_default=False, verbose_name='preferred')),
                ('standing', models.CharField(choices=[('unknown', 'not checked'), ('valid', 'valid'), ('invalid', 'invalid'), ('placeholder', 'placeholder')], db_default='unknown', max_length=12, verbose_name='standing')),
                ('checked_at', models.DateTimeField(blank=True, null=True, verbose_name='checked')),
            ],
            options={
                'verbose_name': 'contact',
                'verbose_name_plural': 'contacts',
                'db_table': 'lead_contacts',
            },
        ),
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('number', models.IntegerField(verbose_name='number')),
                ('subject', models.CharField(blank=True, db_default='', max_length=255, verbose_name='subject')),
                ('body', models.TextField(verbose_name='text')),
                ('provider_name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name at the provider')),
                ('language', models.CharField(db_default='pt_BR', max_length=10, verbose_name='language')),
                ('approval', models.CharField(choices=[('local', 'needs none'), ('pending', 'pending'), ('approved', 'approved'), ('rejected', 'rejected')], db_default='local', max_length=10, verbose_name='approval')),
                ('parameters', models.JSONField(blank=True, db_default=[], default=list, verbose_name='parameters')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('created_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
            ],
            options={
                'verbose_name': 'template revision',
                'verbose_name_plural': 'template revisions',
                'db_table': 'template_revisions',
            },
        ),
        migrations.CreateModel(
            name='Company',
            fields=[
                ('code', models.CharField(max_length=50, primary_key=True, serialize=False, verbose_name='code')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('time_zone', models.CharField(db_default='America/Sao_Paulo', max_length=64, verbose_name='time zone')),
                ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar')),
            ],
            options={
                'verbose_name': 'company',
                'verbose_name_plural': 'companies',
                'db_table': 'companies',
            },
        ),
        migrations.CreateModel(
            name='Cadence',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=100, verbose_name='code')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('description', models.TextField(blank=True, db_default='', verbose_name='description')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('active', 'active'), ('closed', 'no new leads'), ('paused', 'paused'), ('archived', 'archived')], db_default='draft', max_length=10, verbose_name='state')),
                ('is_exclusive', models.BooleanField(db_default=True, verbose_name='only one such run a lead in the company')),
                ('reentry', models.CharField(choices=[('never', 'never'), ('after_end', 'after its end'), ('after_days', 'some days after its end')], db_default='after_end', max_length=10, verbose_name='may enter again')),
                ('reentry_days', models.PositiveIntegerField(db_default=0, verbose_name='days until then')),
                ('on_reply', models.CharField(choices=[('finish', 'end the run'), ('pause', 'pause the run'), ('continue', 'go on')], db_default='finish', max_length=10, verbose_name='on a reply')),
                ('time_zone', models.CharField(blank=True, db_default='', max_length=64, verbose_name='time zone')),
                ('late_hours', models.PositiveIntegerField(db_default=72, verbose_name='too late after hours')),
                ('on_late', models.CharField(choices=[('pause', 'pause the run'), ('skip', 'skip the step'), ('send', 'send all the same')], db_default='pause', max_length=10, verbose_name='when too late')),
                ('max_days', models.PositiveIntegerField(blank=True, null=True, verbose_name='ends after days at most')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cadences', to='cadences.company')),
            ],
            options={
                'verbose_name': 'cadence',
                'verbose_name_plural': 'cadences',
                'db_table': 'cadences',
            },
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), default=uuid.uuid4, primary_key=True, serialize=False)),
                ('medium', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, verbose_name='channel')),
                ('adapter', models.CharField(max_length=50, verbose_name='adapter')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('identifier', models.CharField(blank=True, db_default='', max_length=254, verbose_name='number or address')),
                ('config', models.JSONField(blank=True, db_default={}, default=dict, verbose_name='settings')),
                ('state', models.CharField(choices=[('active', 'active'), ('paused', 'paused'), ('disconnected', 'disconnected')], db_default='active', max_length=15, verbose_name='state')),
                ('per_day', models.PositiveIntegerField(blank=True, null=True, verbose_name='messages a day')),
                ('per_hour', models.PositiveIntegerField(blank=True, null=True, verbose_name='messages an hour')),
                ('new_per_day', models.PositiveIntegerField(blank=True, null=True, verbose_name='new people a day')),
                ('gap_seconds', models.PositiveIntegerField(db_default=0, verbose_name='seconds between messages')),
                ('ramp_from', models.DateField(blank=True, null=True, verbose_name='ramp from')),
                ('ramp_start', models.PositiveIntegerField(db_default=10, verbose_name='messages on day one')),
                ('ramp_step', models.PositiveIntegerField(db_default=5, verbose_name='more each day')),
                ('next_slot_at', models.DateTimeField(blank=True, null=True, verbose_name='next slot')),
                ('last_intended_at', models.DateTimeField(blank=True, null=True, verbose_name='last message')),
                ('failures', models.PositiveIntegerField(db_default=0, verbose_name='failures in a row')),
                ('broken_until', models.DateTimeField(blank=True, null=True, verbose_name='rests until')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='cadences.company')),
            ],
            options={
                'verbose_name': 'account',
                'verbose_name_plural': 'accounts',
                'db_table': 'channel_accounts',
            },
        ),
        migrations.CreateModel(
            name='Control',
            fields=[
                ('id', models.SmallIntegerField(db_default=1, default=1, primary_key=True, serialize=False)),
                ('is_on', models.BooleanField(db_default=True, verbose_name='sends')),
                ('reason', models.TextField(blank=True, db_default='', verbose_name='reason')),
                ('changed_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='changed')),
                ('redirects', models.JSONField(blank=True, db_default={}, default=dict, verbose_name='send elsewhere')),
                ('epoch', models.BigIntegerField(db_default=0)),
            ],
            options={
                'verbose_name': 'control',
                'verbose_name_plural': 'control',
                'db_table': 'cadence_control',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='control_is_one')],
            },
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(blank=True, max_length=200, null=True, verbose_name='id at the provider')),
                ('phone', models.CharField(blank=True, db_default='', max_length=32, verbose_name='phone')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='updated')),
            ],
            options={
                'verbose_name': 'conversation',
                'verbose_name_plural': 'conversations',
                'db_table': 'conversations',
                'indexes': [models.Index(fields=['created_at'], name='conversation_by_age')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('external_id__isnull', False)), fields=('external_id',), name='conversation_external_id_once')],
            },
        ),
        migrations.CreateModel(
            name='Execution',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), default=uuid.uuid4, primary_key=True, serialize=False)),
                ('round', models.PositiveIntegerField(verbose_name='round')),
                ('step_key', models.UUIDField()),
                ('position', models.PositiveIntegerField(verbose_name='step')),
                ('state', models.CharField(choices=[('pending', 'pending'), ('sending', 'being sent'), ('sent', 'sent'), ('refused', 'not sent'), ('unknown', 'unknown'), ('assumed', 'assumed sent'), ('skipped', 'skipped'), ('cancelled', 'cancelled')], db_default='pending', max_length=10, verbose_name='state')),
                ('medium', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, verbose_name='channel')),
                ('address', models.CharField(blank=True, db_default='', max_length=254, verbose_name='address')),
                ('address_hash', models.CharField(blank=True, db_default='', max_length=64)),
                ('template_code', models.CharField(blank=True, db_default='', max_length=100, verbose_name='template')),
                ('variant', models.CharField(blank=True, db_default='', max_length=50, verbose_name='variant')),
                ('subject', models.CharField(blank=True, db_default='', max_length=255, verbose_name='subject')),
                ('body', models.TextField(blank=True, db_default='', verbose_name='text')),
                ('attempt_token', models.UUIDField(blank=True, null=True)),
                ('attempts', models.PositiveIntegerField(db_default=0, verbose_name='attempts')),
                ('reason', models.TextField(blank=True, db_default='', verbose_name='reason')),
                ('planned_for', models.DateTimeField(blank=True, null=True, verbose_name='planned for')),
                ('intended_at', models.DateTimeField(blank=True, null=True, verbose_name='intended')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('zone', models.CharField(blank=True, db_default='', max_length=64, verbose_name='time zone')),
                ('is_forced', models.BooleanField(db_default=False, verbose_name='by hand, at once')),
                ('provider_message_id', models.CharField(blank=True, max_length=200, null=True, verbose_name='id at the provider')),
                ('delivery', models.CharField(choices=[('none', 'nothing heard'), ('sent', 'sent'), ('delivered', 'delivered'), ('read', 'read'), ('failed', 'failed')], db_default='none', max_length=10, verbose_name='delivery')),
                ('delivery_rank', models.PositiveSmallIntegerField(db_default=0)),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='delivered')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='read')),
                ('lookups', models.PositiveSmallIntegerField(db_default=0)),
                ('look_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='cadences.account')),
                ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='cadences.calendar')),
                ('revision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='cadences.revision')),
            ],
            options={
                'verbose_name': 'execution',
                'verbose_name_plural': 'executions',
                'db_table': 'lead_step_executions',
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(verbose_name='number')),
                ('correlation', models.CharField(max_length=100, unique=True, verbose_name='correlation')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('outcome', models.CharField(blank=True, choices=[('accepted', 'accepted'), ('refused', 'refused'), ('unknown', 'unknown')], max_length=10, null=True, verbose_name='outcome')),
                ('why', models.CharField(blank=True, db_default='', max_length=20, verbose_name='why')),
                ('code', models.CharField(blank=True, db_default='', max_length=50, verbose_name='code')),
                ('detail', models.TextField(blank=True, db_default='', verbose_name='detail')),
                ('duration_ms', models.PositiveIntegerField(blank=True, null=True, verbose_name='duration, ms')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='resolved')),
                ('resolved_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='cadences.account')),
                ('execution', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempt_rows', to='cadences.execution')),
            ],
            options={
                'verbose_name': 'send attempt',
                'verbose_name_plural': 'send attempts',
                'db_table': 'send_attempts',
            },
        ),
        migrations.CreateModel(
            name='Holiday',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('date', models.DateField(verbose_name='date')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('until', models.TimeField(blank=True, null=True, verbose_name='closed until')),
                ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holidays', to='cadences.calendar')),
            ],
            options={
                'verbose_name': 'holiday',
                'verbose_name_plural': 'holidays',
                'db_table': 'calendar_holidays',
            },
        ),
        migrations.CreateModel(
            name='Lead',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(blank=True, max_length=200, null=True, verbose_name='id elsewhere')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('first_name', models.CharField(blank=True, db_default='', max_length=100, verbose_name='first name')),
                ('time_zone', models.CharField(blank=True, db_default='', max_length=64, verbose_name='time zone')),
                ('stage', models.CharField(blank=True, db_default='', max_length=100, verbose_name='stage')),
                ('data', models.JSONField(blank=True, db_default={}, default=dict, verbose_name='more facts')),
                ('mode', models.CharField(choices=[('auto', 'automatic'), ('manual', 'a person talks to them')], db_default='auto', max_length=10, verbose_name='mode')),
                ('do_not_contact', models.BooleanField(db_default=False, verbose_name='do not contact')),
                ('replied_at', models.DateTimeField(blank=True, null=True, verbose_name='replied')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leads', to='cadences.company')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'lead',
                'verbose_name_plural': 'leads',
                'db_table': 'leads',
            },
        ),
        migrations.CreateModel(
            name='ContactIssue',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('SEM_CANAL_CONTATO', 'no address'), ('EMAIL_PLACEHOLDER', 'placeholder e-mail'), ('EMAIL_INVALIDO', 'invalid e-mail'), ('TELEFONE_LIXO', 'not a number'), ('TELEFONE_SEM_WHATSAPP', 'not on WhatsApp'), ('DADO_SUSPEITO', 'suspicious')], max_length=30, verbose_name='kind')),
                ('detail', models.TextField(blank=True, db_default='', verbose_name='detail')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='resolved')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='cadences.contact')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='issues', to='cadences.lead')),
            ],
            options={
                'verbose_name': 'contact issue',
                'verbose_name_plural': 'contact issues',
                'db_table': 'lead_contact_issues',
            },
        ),
        migrations.AddField(
            model_name='contact',
            name='lead',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contacts', to='cadences.lead'),
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('medium', models.CharField(blank=True, choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, null=True, verbose_name='channel')),
                ('standing', models.CharField(choices=[('granted', 'granted'), ('revoked', 'revoked'), ('objected', 'objected')], max_length=10, verbose_name='standing')),
                ('legal_basis', models.CharField(blank=True, db_default='', max_length=100, verbose_name='legal basis')),
                ('source', models.CharField(blank=True, db_default='', max_length=100, verbose_name='source')),
                ('evidence', models.JSONField(blank=True, db_default={}, default=dict, verbose_name='evidence')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='at')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='cadences.lead')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
                'db_table': 'consents',
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('direction', models.CharField(choices=[('in', 'received'), ('out', 'sent')], db_default='in', max_length=3, verbose_name='direction')),
                ('channel', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('webhook', 'webhook delivery')], db_default='whatsapp', max_length=20, verbose_name='channel')),
                ('body', models.TextField(blank=True, db_default='', verbose_name='body')),
                ('status', models.CharField(choices=[('pending', 'pending'), ('processed', 'processed'), ('failed', 'failed')], db_default='pending', max_length=10, verbose_name='status')),
                ('error', models.TextField(blank=True, null=True, verbose_name='error')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('processed_at', models.DateTimeField(blank=True, null=True, verbose_name='processed')),
                ('conversation', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='cadences.conversation')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'db_table': 'messages',
            },
        ),
        migrations.CreateModel(
            name='Quota',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('day', 'day'), ('hour', 'hour'), ('new', 'new people a day')], max_length=5, verbose_name='kind')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('used', models.PositiveIntegerField(db_default=0, verbose_name='used')),
                ('allowed', models.PositiveIntegerField(verbose_name='allowed')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quotas', to='cadences.account')),
            ],
            options={
                'verbose_name': 'quota',
                'verbose_name_plural': 'quotas',
                'db_table': 'quota_buckets',
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), default=uuid.uuid4, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('ATIVA', 'active'), ('PAUSADA', 'paused'), ('CONCLUIDA', 'concluded'), ('CANCELADA', 'cancelled')], db_default='ATIVA', max_length=10, verbose_name='status')),
                ('round', models.PositiveIntegerField(db_default=1, verbose_name='round')),
                ('is_exclusive', models.BooleanField(db_default=True)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='started')),
                ('anchor_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='counted from')),
                ('last_step', models.PositiveIntegerField(db_default=0, verbose_name='last step')),
                ('next_step', models.PositiveIntegerField(blank=True, null=True, verbose_name='next step')),
                ('next_step_key', models.UUIDField(blank=True, null=True)),
                ('next_run_at', models.DateTimeField(blank=True, null=True, verbose_name='next run')),
                ('planned_run_at', models.DateTimeField(blank=True, null=True, verbose_name='planned for')),
                ('claim_token', models.UUIDField(blank=True, null=True)),
                ('pause_reason', models.CharField(blank=True, choices=[('manual', 'by hand'), ('taken_over', 'a person talks to the lead'), ('errors', 'three errors in a row'), ('missing_data', 'data is missing'), ('absence', 'the lead is out of office'), ('reply', 'the lead replied'), ('cadence', 'the cadence is paused'), ('unknown_send', 'nobody knows whether it was sent'), ('task', 'waits for a task'), ('late', 'far too late'), ('maybe_opt_out', 'may be an opt-out'), ('ambiguous', 'a reply that may be from another lead'), ('no_opening', 'no open hours within 60 days')], max_length=20, null=True, verbose_name='paused because')),
                ('exit_reason', models.CharField(blank=True, choices=[('no_more_steps', 'all steps are done'), ('replied', 'the lead replied'), ('opt_out', 'the lead opted out'), ('bounce', 'the address bounced'), ('invalid_number', 'no valid address is left'), ('complaint', 'the lead complained'), ('meeting', 'a meeting is booked'), ('stage', 'the stage of the lead says so'), ('lead_removed', 'the lead was removed'), ('cadence', 'the cadence was archived'), ('replaced', 'started anew'), ('expired', 'too old'), ('manual', 'by hand')], max_length=20, null=True, verbose_name='ended because')),
                ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused')),
                ('resume_at', models.DateTimeField(blank=True, null=True, verbose_name='resumes')),
                ('remaining', models.DurationField(blank=True, null=True, verbose_name='wait left')),
                ('errors_in_a_row', models.PositiveIntegerField(db_default=0, verbose_name='errors in a row')),
                ('heard_at', models.DateTimeField(blank=True, null=True)),
                ('is_forced', models.BooleanField(db_default=False, verbose_name='at once, by hand')),
                ('sticky', models.JSONField(db_default={}, default=dict, verbose_name='senders')),
                ('context', models.JSONField(blank=True, db_default={}, default=dict, verbose_name='context')),
                ('source', models.CharField(blank=True, db_default='', max_length=100, verbose_name='source')),
                ('enrolled_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('row_version', models.PositiveIntegerField(db_default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='updated')),
                ('cadence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='cadences.cadence')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.company')),
                ('lead', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='cadences.lead')),
            ],
            options={
                'verbose_name': 'run',
                'verbose_name_plural': 'runs',
                'db_table': 'lead_cadence_runs',
            },
        ),
        migrations.AddField(
            model_name='execution',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='executions', to='cadences.run'),
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('type', models.CharField(choices=[('AGENDADO', 'scheduled'), ('DISPARADO', 'sent'), ('ERRO', 'error'), ('RESPOSTA_DETECTADA', 'reply'), ('INSCRITO', 'enrolled'), ('PAUSADA', 'paused'), ('RETOMADA', 'resumed'), ('CANCELADA', 'cancelled'), ('CONCLUIDA', 'concluded'), ('PASSO_PULADO', 'step skipped'), ('INCERTO', 'unknown outcome'), ('RECONCILIADO', 'outcome found out'), ('ASSUMIDO', 'assumed sent'), ('ENTREGUE', 'delivered'), ('LIDO', 'read'), ('FALHA_ENTREGA', 'not delivered'), ('BOUNCE', 'bounced'), ('OPT_OUT', 'opted out'), ('RESPOSTA_AUTOMATICA', 'automatic reply'), ('TAREFA_CRIADA', 'task created'), ('TAREFA_CONCLUIDA', 'task done'), ('VERSAO_MIGRADA', 'moved to another version'), ('REINICIADA', 'started anew')], max_length=20, verbose_name='event')),
                ('round', models.PositiveIntegerField(db_default=1, verbose_name='round')),
                ('position', models.PositiveIntegerField(blank=True, null=True, verbose_name='step')),
                ('step_key', models.UUIDField(blank=True, null=True)),
                ('template_code', models.CharField(blank=True, db_default='', max_length=100, verbose_name='template')),
                ('details', models.JSONField(db_default={}, default=dict, verbose_name='details')),
                ('actor', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='at')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='cadences.run')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
                'db_table': 'lead_cadence_events',
            },
        ),
        migrations.CreateModel(
            name='RunnerLog',
            fields=[
                ('id', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), editable=False, primary_key=True, serialize=False)),
                ('executed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='executed')),
                ('steps_executed', models.IntegerField(db_default=0, verbose_name='steps executed')),
                ('errors', models.IntegerField(db_default=0, verbose_name='errors')),
                ('runs_touched', models.IntegerField(db_default=0, verbose_name='runs touched')),
                ('duration_ms', models.IntegerField(blank=True, null=True, verbose_name='duration, ms')),
                ('details', models.JSONField(blank=True, null=True, verbose_name='details')),
                ('trigger_source', models.TextField(choices=[('CRON', 'schedule'), ('MANUAL', 'by hand'), ('TEST', 'test')], db_default='CRON', null=True, verbose_name='started by')),
                ('status', models.CharField(choices=[('running', 'running'), ('ok', 'ok'), ('error', 'error'), ('abandoned', 'abandoned')], db_default='ok', max_length=10, verbose_name='status')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('skipped', models.IntegerField(db_default=0, verbose_name='skipped')),
                ('deferred', models.IntegerField(db_default=0, verbose_name='deferred')),
                ('uncertain', models.IntegerField(db_default=0, verbose_name='unknown outcomes')),
                ('concluded', models.IntegerField(db_default=0, verbose_name='concluded')),
                ('is_dry', models.BooleanField(db_default=False, verbose_name='dry run')),
                ('batch_id', models.BigIntegerField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'runner log',
                'verbose_name_plural': 'runner logs',
                'db_table': 'cadence_runner_logs',
                'indexes': [models.Index(fields=['-executed_at'], name='runner_log_by_age')],
            },
        ),
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('weekday', models.SmallIntegerField(choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], verbose_name='weekday')),
                ('opens', models.TimeField(verbose_name='opens')),
                ('closes', models.TimeField(verbose_name='closes')),
                ('calendar', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='cadences.calendar')),
            ],
            options={
                'verbose_name': 'open hours',
                'verbose_name_plural': 'open hours',
                'db_table': 'calendar_slots',
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.UUIDField(db_default=cadences.models.keys.RandomUUID(), default=uuid.uuid4, verbose_name='key')),
                ('position', models.PositiveIntegerField(verbose_name='position')),
                ('kind', models.CharField(choices=[('message', 'message'), ('task', 'task')], db_default='message', max_length=10, verbose_name='kind')),
                ('medium', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], db_default='whatsapp', max_length=10, verbose_name='channel')),
                ('fallbacks', models.JSONField(blank=True, db_default=[], default=list, verbose_name='other channels')),
                ('template_code', models.CharField(blank=True, db_default='', max_length=100, verbose_name='template')),
                ('delay', models.PositiveIntegerField(db_default=0, verbose_name='delay')),
                ('unit', models.CharField(choices=[('minutes', 'minutes'), ('hours', 'hours'), ('days', 'days'), ('business_days', 'business days')], db_default='minutes', max_length=15, verbose_name='unit')),
                ('base', models.CharField(choices=[('previous', 'after the step before'), ('start', 'after the start')], db_default='previous', max_length=10, verbose_name='counted')),
                ('local_time', models.TimeField(blank=True, null=True, verbose_name='at local time')),
                ('stop_on_reply', models.BooleanField(db_default=True, verbose_name='a reply ends the run')),
                ('conditions', models.JSONField(blank=True, db_default=[], default=list, verbose_name='conditions')),
                ('on_unknown', models.CharField(choices=[('assume', 'assume it was sent'), ('review', 'pause the run for a person')], db_default='assume', max_length=10, verbose_name='if nobody knows')),
                ('gap_minutes', models.PositiveIntegerField(db_default=60, verbose_name='minutes since the last message')),
                ('title', models.CharField(blank=True, db_default='', max_length=200, verbose_name='title')),
                ('is_blocking', models.BooleanField(db_default=True, verbose_name='the run waits for it')),
                ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.calendar')),
            ],
            options={
                'verbose_name': 'step',
                'verbose_name_plural': 'steps',
                'db_table': 'cadence_steps',
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('medium', models.CharField(blank=True, choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, null=True, verbose_name='channel')),
                ('address_hash', models.CharField(max_length=64, verbose_name='hash of the address')),
                ('reason', models.CharField(choices=[('opt_out', 'opted out'), ('bounce', 'bounced'), ('complaint', 'complained'), ('invalid', 'invalid'), ('manual', 'by hand'), ('erasure', 'erased by request')], max_length=10, verbose_name='reason')),
                ('source', models.CharField(blank=True, db_default='', max_length=100, verbose_name='source')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('company', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='cadences.company')),
            ],
            options={
                'verbose_name': 'suppression',
                'verbose_name_plural': 'suppressions',
                'db_table': 'suppressions',
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('state', models.CharField(choices=[('open', 'open'), ('done', 'done'), ('skipped', 'skipped'), ('cancelled', 'cancelled')], db_default='open', max_length=10, verbose_name='state')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='created')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('ended_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('execution', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='task', to='cadences.execution')),
            ],
            options={
                'verbose_name': 'task',
                'verbose_name_plural': 'tasks',
                'db_table': 'cadence_tasks',
            },
        ),
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('medium', models.CharField(choices=[('whatsapp', 'WhatsApp'), ('email', 'e-mail'), ('sms', 'SMS')], max_length=10, verbose_name='channel')),
                ('code', models.CharField(max_length=100, verbose_name='code')),
                ('name', models.CharField(blank=True, db_default='', max_length=200, verbose_name='name')),
                ('is_active', models.BooleanField(db_default=True, verbose_name='active')),
                ('company', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='templates', to='cadences.company')),
                ('revision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.revision')),
            ],
            options={
                'verbose_name': 'template',
                'verbose_name_plural': 'templates',
                'db_table': 'message_templates',
            },
        ),
        migrations.AddField(
            model_name='revision',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='cadences.template'),
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=50, verbose_name='code')),
                ('template_code', models.CharField(max_length=100, verbose_name='template')),
                ('weight', models.PositiveIntegerField(db_default=1, verbose_name='weight')),
                ('step', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='cadences.step')),
            ],
            options={
                'verbose_name': 'variant',
                'verbose_name_plural': 'variants',
                'db_table': 'step_variants',
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('number', models.IntegerField(verbose_name='number')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('published', 'published'), ('retired', 'retired')], db_default='draft', max_length=10, verbose_name='state')),
                ('checksum', models.CharField(blank=True, db_default='', max_length=64, verbose_name='checksum')),
                ('notes', models.TextField(blank=True, db_default='', verbose_name='notes')),
                ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='published')),
                ('published_by', models.CharField(blank=True, db_default='', max_length=150, verbose_name='by')),
                ('cadence', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='cadences.cadence')),
            ],
            options={
                'verbose_name': 'version',
                'verbose_name_plural': 'versions',
                'db_table': 'cadence_versions',
            },
        ),
        migrations.AddField(
            model_name='step',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='cadences.version'),
        ),
        migrations.AddField(
            model_name='run',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='cadences.version'),
        ),
        migrations.AddField(
            model_name='cadence',
            name='published',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cadences.version'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(fields=('company', 'name'), name='account_once'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(fields=('execution', 'number'), name='send_attempt_once'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('outcome__in', ['accepted', 'unknown']), ('outcome', None), _connector='OR'), ('resolved_at', None)), fields=('execution',), name='send_attempt_one_may_have_arrived'),
        ),
        migrations.AddConstraint(
            model_name='holiday',
            constraint=models.UniqueConstraint(fields=('calendar', 'date'), name='holiday_once'),
        ),
        migrations.AddConstraint(
            model_name='lead',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id__isnull', False)), fields=('company', 'external_id'), name='lead_external_id_once'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['identity'], name='contact_by_identity'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(fields=('lead', 'medium', 'address'), name='contact_once'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(condition=models.Q(('is_preferred', True)), fields=('lead', 'medium'), name='contact_one_preferred'),
        ),
        migrations.AddIndex(
            model_name='consent',
            index=models.Index(fields=['lead', '-at'], name='consent_by_lead'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['created_at', 'id'], name='message_pending'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['created_at'], name='message_by_age'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'processed', 'failed'])), name='message_status_known'),
        ),
        migrations.AddConstraint(
            model_name='quota',
            constraint=models.UniqueConstraint(fields=('account', 'kind', 'starts_at'), name='quota_once'),
        ),
        migrations.AddConstraint(
            model_name='quota',
            constraint=models.CheckConstraint(condition=models.Q(('used__lte', models.F('allowed'))), name='quota_is_kept'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('state', 'sending')), fields=['intended_at'], name='execution_sending'),
        ),
        migrations.AddIndex(
            model_name='execution',
            index=models.Index(condition=models.Q(('state', 'unknown')), fields=['look_at'], name='execution_unknown'),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.UniqueConstraint(fields=('run', 'round', 'step_key'), name='execution_once'),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_message_id__isnull', False)), fields=('account', 'provider_message_id'), name='execution_provider_id_once'),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['sending', 'sent', 'unknown', 'assumed']), _negated=True), models.Q(('account__isnull', False), ('attempts__gte', 1), ('intended_at__isnull', False), ('revision__isnull', False)), _connector='OR'), name='execution_sent_is_whole'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['run', 'id'], name='event_of_run'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(fields=('calendar', 'weekday', 'opens'), name='slot_once'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.CheckConstraint(condition=models.Q(('weekday__range', (0, 6))), name='slot_weekday_known'),
        ),
        migrations.AddConstraint(
            model_name='suppression',
            constraint=models.UniqueConstraint(fields=('address_hash', 'company', 'medium'), name='suppression_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='template',
            constraint=models.UniqueConstraint(fields=('company', 'medium', 'code'), name='template_once'),
        ),
        migrations.AddConstraint(
            model_name='revision',
            constraint=models.UniqueConstraint(fields=('template', 'number'), name='revision_once'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.UniqueConstraint(fields=('step', 'code'), name='variant_once'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(fields=('cadence', 'number'), name='version_once'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('cadence',), name='version_one_draft'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('version', 'position'), name='step_position_once'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('version', 'key'), name='step_key_once'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('position__gte', 1)), name='step_position_from_1'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'ATIVA')), fields=['company', 'next_run_at', 'id'], name='run_due'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'ATIVA')), fields=['next_run_at'], name='run_due_any'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('resume_at__isnull', False), ('status', 'PAUSADA')), fields=['resume_at'], name='run_resumes'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('next_run_at__isnull', False), ('status', 'ATIVA')), models.Q(models.Q(('status', 'ATIVA'), _negated=True), ('claim_token__isnull', True), ('next_run_at__isnull', True)), _connector='OR'), name='run_due_iff_active'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('exit_reason', None), ('pause_reason', None), ('status', 'ATIVA')), models.Q(('exit_reason', None), ('pause_reason__isnull', False), ('status', 'PAUSADA')), models.Q(('exit_reason__isnull', False), ('pause_reason', None), ('status__in', ['CONCLUIDA', 'CANCELADA'])), _connector='OR'), name='run_says_why'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['ATIVA', 'PAUSADA'])), fields=('cadence', 'lead'), name='run_one_live_per_cadence'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['ATIVA', 'PAUSADA']), ('is_exclusive', True)), fields=('company', 'lead'), name='run_one_exclusive_per_company'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(fields=('cadence', 'lead', 'round'), name='run_round_once'),
        ),
        migrations.AddConstraint(
            model_name='cadence',
            constraint=models.UniqueConstraint(fields=('company', 'code'), name='cadence_once'),
        ),
        migrations.RunSQL(
            FOREIGN_KEY,
            "ALTER TABLE messages DROP CONSTRAINT message_of_conversation",
        ),
    ]
