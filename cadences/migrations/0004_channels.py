"""Accounts get an address and sealed credentials; messages say whose they are."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import queues.seal


class Migration(migrations.Migration):
    """Columns that old code may ignore, and a table."""

    dependencies = [("cadences", "0003_cadences_sql")]

    operations = [
        migrations.AddField(
            "account",
            "base_url",
            models.CharField(blank=True, db_default="", max_length=500, verbose_name="address of the provider"),
        ),
        migrations.AddField(
            "account",
            "credentials",
            queues.seal.Sealed(editable=False, null=True, verbose_name="credentials"),
        ),
        migrations.AddField(
            "message",
            "account",
            models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="cadences.account"),
        ),
        migrations.AddField(
            "message",
            "lead",
            models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="messages", to="cadences.lead"),
        ),
        migrations.AddField(
            "message",
            "key",
            models.CharField(blank=True, editable=False, max_length=200, null=True),
        ),
        migrations.AddField(
            "message",
            "details",
            models.JSONField(blank=True, db_default={}, default=dict, verbose_name="details"),
        ),
        migrations.AddField(
            "message",
            "match",
            models.CharField(blank=True, choices=[("quoted", "answers a message of ours"), ("alias", "by the name at the provider"), ("address", "by the address"), ("ambiguous", "several leads share the address"), ("none", "nobody known")], db_default="", max_length=10, verbose_name="whose it is"),
        ),
        migrations.AddField(
            "message",
            "reading",
            models.CharField(blank=True, choices=[("human", "a person"), ("probably_machine", "probably a machine"), ("absence", "an absence"), ("opt_out", "an opt-out"), ("maybe_opt_out", "perhaps an opt-out")], db_default="", max_length=20, verbose_name="read as"),
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("provider_message_id", models.CharField(max_length=200, verbose_name="id at the provider")),
                ("delivery", models.CharField(choices=[("none", "nothing heard"), ("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("failed", "failed")], max_length=10, verbose_name="delivery")),
                ("code", models.CharField(blank=True, db_default="", max_length=50, verbose_name="code")),
                ("detail", models.TextField(blank=True, db_default="", verbose_name="detail")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="created")),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="receipts", to="cadences.account")),
            ],
            options={
                "verbose_name": "delivery receipt",
                "verbose_name_plural": "delivery receipts",
                "db_table": "delivery_receipts",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "provider_message_id", "delivery"), name="receipt_once"),
                ],
                "indexes": [models.Index(fields=["created_at"], name="receipt_by_age")],
            },
        ),
    ]
