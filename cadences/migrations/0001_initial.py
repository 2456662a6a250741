"""Messages and conversations."""

import django.db.models.deletion
import django.db.models.functions.datetime
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

    dependencies: list[tuple[str, str]] = []

    operations = [
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
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['created_at', 'id'], name='message_pending'), models.Index(fields=['created_at'], name='message_by_age')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'processed', 'failed'])), name='message_status_known')],
            },
        ),
        migrations.RunSQL(
            FOREIGN_KEY,
            "ALTER TABLE messages DROP CONSTRAINT message_of_conversation",
        ),
    ]
