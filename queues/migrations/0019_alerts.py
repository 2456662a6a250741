"""Alerts: rules, how each subject stands, and who was told what."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import queues.seal
from django.db import migrations, models


class Migration(migrations.Migration):
    """New tables only: nothing waits for their indexes."""

    initial = True

    dependencies = [
        ('queues', '0018_settle_by_id'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('kind', models.CharField(choices=[('slack', 'Slack'), ('email', 'e-mail'), ('webhook', 'signed webhook')], max_length=10, verbose_name='kind')),
                ('position', models.PositiveSmallIntegerField(db_default=100, verbose_name='order')),
                ('target', models.TextField(blank=True, db_default='', verbose_name='target')),
                ('secret', queues.seal.Sealed(blank=True, editable=False, null=True, verbose_name='secret')),
                ('enabled', models.BooleanField(db_default=True, verbose_name='enabled')),
            ],
            options={
                'verbose_name': 'alert channel',
                'verbose_name_plural': 'alert channels',
                'db_table': 'alert_channels',
            },
        ),
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=100, unique=True, verbose_name='rule')),
                ('measure', models.CharField(max_length=100, verbose_name='measure')),
                ('subject', models.CharField(blank=True, db_default='', max_length=200, verbose_name='only for')),
                ('side', models.CharField(choices=[('above', 'above'), ('below', 'below')], db_default='above', max_length=5, verbose_name='fires when it is')),
                ('threshold', models.FloatField(verbose_name='threshold')),
                ('critical_threshold', models.FloatField(blank=True, null=True, verbose_name='critical from')),
                ('level', models.CharField(choices=[('warning', 'warning'), ('critical', 'critical')], db_default='warning', max_length=10, verbose_name='level')),
                ('window_seconds', models.PositiveIntegerField(db_default=3600, verbose_name='window')),
                ('min_sample', models.PositiveIntegerField(db_default=1, verbose_name='minimum sample')),
                ('cooldown_seconds', models.PositiveIntegerField(db_default=3600, verbose_name='cooldown')),
                ('enabled', models.BooleanField(db_default=True, verbose_name='enabled')),
                ('muted_until', models.DateTimeField(blank=True, null=True, verbose_name='muted until')),
                ('note', models.TextField(blank=True, db_default='', verbose_name='what to do')),
                ('is_starter', models.BooleanField(db_default=False, editable=False, verbose_name='shipped')),
                ('failed_at', models.DateTimeField(editable=False, null=True, verbose_name='could not measure')),
                ('error', models.TextField(blank=True, db_default='', editable=False, verbose_name='error')),
                ('channels', models.ManyToManyField(blank=True, to='queues.alertchannel', verbose_name='channels')),
            ],
            options={
                'verbose_name': 'alert rule',
                'verbose_name_plural': 'alert rules',
                'db_table': 'alert_rules',
                'permissions': [('mute_alert', 'Can mute an alert')],
            },
        ),
        migrations.CreateModel(
            name='AlertMessage',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('fired', 'fired'), ('recovered', 'recovered')], max_length=10, verbose_name='kind')),
                ('level', models.CharField(choices=[('warning', 'warning'), ('critical', 'critical')], max_length=10, verbose_name='level')),
                ('title', models.CharField(max_length=300, verbose_name='title')),
                ('body', models.TextField(verbose_name='text')),
                ('subjects', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None, verbose_name='subjects')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='written')),
                ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='messages', to='queues.alertrule')),
            ],
            options={
                'verbose_name': 'alert message',
                'verbose_name_plural': 'alert messages',
                'db_table': 'alert_messages',
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='AlertState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(db_default='', max_length=200, verbose_name='subject')),
                ('is_incident', models.BooleanField(db_default=False, verbose_name='incident')),
                ('is_firing', models.BooleanField(db_default=False, verbose_name='firing')),
                ('is_told', models.BooleanField(db_default=False, verbose_name='told')),
                ('level', models.CharField(choices=[('warning', 'warning'), ('critical', 'critical')], max_length=10, verbose_name='level')),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='since')),
                ('told_at', models.DateTimeField(null=True, verbose_name='told at')),
                ('muted_until', models.DateTimeField(blank=True, null=True, verbose_name='muted until')),
                ('value', models.FloatField(verbose_name='value')),
                ('label', models.CharField(db_default='', max_length=200, verbose_name='what')),
                ('group', models.CharField(db_default='', max_length=200, verbose_name='group')),
                ('path', models.CharField(db_default='', max_length=300, verbose_name='page')),
                ('incident', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='members', to='queues.alertstate')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='states', to='queues.alertrule')),
            ],
            options={
                'verbose_name': 'alert',
                'verbose_name_plural': 'alerts',
                'db_table': 'alert_states',
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('pending', 'pending'), ('sent', 'sent'), ('failed', 'failed')], db_default='pending', max_length=10, verbose_name='status')),
                ('tries', models.PositiveSmallIntegerField(db_default=0, verbose_name='tries')),
                ('error', models.TextField(db_default='', verbose_name='error')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='queues.alertchannel')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='queues.alertmessage')),
            ],
            options={
                'verbose_name': 'alert delivery',
                'verbose_name_plural': 'alert deliveries',
                'db_table': 'alert_deliveries',
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('message', 'channel'), name='alert_delivery_once'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'sent'), _negated=True), ('sent_at__isnull', False), _connector='OR'), name='alert_delivery_sent_has_time')],
            },
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.CheckConstraint(condition=models.Q(('side__in', ('above', 'below'))), name='alert_rule_side_known'),
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.CheckConstraint(condition=models.Q(('level__in', ('warning', 'critical'))), name='alert_rule_level_known'),
        ),
        migrations.AddIndex(
            model_name='alertmessage',
            index=models.Index(fields=['-created_at'], name='alert_message_newest'),
        ),
        migrations.AddIndex(
            model_name='alertstate',
            index=models.Index(condition=models.Q(('is_firing', True)), fields=['-since'], name='alert_firing'),
        ),
        migrations.AddConstraint(
            model_name='alertstate',
            constraint=models.UniqueConstraint(fields=('rule', 'subject', 'is_incident'), name='alert_state_once'),
        ),
        migrations.AddConstraint(
            model_name='alertstate',
            constraint=models.CheckConstraint(condition=models.Q(('is_told', False), ('told_at__isnull', False), _connector='OR'), name='alert_state_told_has_time'),
        ),
    ]
