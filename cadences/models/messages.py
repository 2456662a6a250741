"""Messages and the conversations that they belong to."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.accounts import Account
from cadences.models.people import Lead
from cadences.states import Match, ReadAs


class Conversation(models.Model):
    """An exchange with one person. Every default lives in the database."""

    id = models.BigAutoField(primary_key=True)
    external_id = models.CharField(
        _("id at the provider"), max_length=200, null=True, blank=True
    )
    phone = models.CharField(_("phone"), max_length=32, blank=True, db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    class Meta:
        db_table = "conversations"
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                name="conversation_external_id_once",
                fields=["external_id"],
                condition=Q(external_id__isnull=False),
            ),
        ]
        # cleanup: the oldest
        indexes = [models.Index(name="conversation_by_age", fields=["created_at"])]

    def __str__(self) -> str:
        return self.phone or self.external_id or f"#{self.pk}"


class Message(models.Model):
    """One message, or one delivery of a webhook as it came in; applied once."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        PROCESSED = "processed", _("processed")
        FAILED = "failed", _("failed")

    class Direction(models.TextChoices):
        IN = "in", _("received")
        OUT = "out", _("sent")

    class Channel(models.TextChoices):
        WHATSAPP = "whatsapp", _("WhatsApp")
        EMAIL = "email", _("e-mail")
        WEBHOOK = "webhook", _("webhook delivery")

    id = models.BigAutoField(primary_key=True)
    # The migration adds the foreign key with ON DELETE CASCADE, so that a DELETE
    # written in SQL does what one written here does.
    conversation = models.ForeignKey(
        Conversation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="messages",
        db_constraint=False,
    )
    direction = models.CharField(
        _("direction"), max_length=3, choices=Direction, db_default=Direction.IN
    )
    channel = models.CharField(
        _("channel"), max_length=20, choices=Channel, db_default=Channel.WHATSAPP
    )
    body = models.TextField(_("body"), blank=True, db_default="")
    status = models.CharField(
        _("status"), max_length=10, choices=Status, db_default=Status.PENDING
    )
    error = models.TextField(_("error"), null=True, blank=True)
    # What came in once is stored once, however often it is delivered.
    key = models.CharField(max_length=200, null=True, blank=True, editable=False)
    # No foreign keys: a check of all rows there are would hold everybody up.
    account = models.ForeignKey(
        Account, models.SET_NULL, null=True, blank=True, related_name="+",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    lead = models.ForeignKey(
        Lead, models.SET_NULL, null=True, blank=True, related_name="messages",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    reading = models.CharField(
        _("read as"), max_length=20, choices=ReadAs, blank=True, db_default=""
    )
    match = models.CharField(
        _("whose it is"), max_length=10, choices=Match, blank=True, db_default=""
    )
    details = models.JSONField(_("details"), blank=True, default=dict, db_default={})
    created_at = models.DateTimeField(_("created"), db_default=Now())
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        db_table = "messages"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.CheckConstraint(
                name="message_status_known",
                condition=Q(status__in=["pending", "processed", "failed"]),
            ),
            models.UniqueConstraint(
                name="message_key_once",
                fields=["key"],
                condition=Q(key__isnull=False),
            ),
        ]
        indexes = [
            # drain: the pending ones, oldest first
            models.Index(
                name="message_pending",
                fields=["created_at", "id"],
                condition=Q(status="pending"),
            ),
            # cleanup: the oldest of any status
            models.Index(name="message_by_age", fields=["created_at"]),
            # listen, erase: what a lead wrote
            models.Index(
                name="message_of_lead",
                fields=["lead", "-created_at"],
                condition=Q(lead__isnull=False),
            ),
            # the page of an account: what its provider told last
            models.Index(
                name="message_of_account",
                fields=["account", "-created_at"],
                condition=Q(channel="webhook"),
            ),
            # the inbox of those that nobody owns
            models.Index(
                name="message_without_owner",
                fields=["-created_at"],
                condition=Q(match__in=["ambiguous", "none"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} #{self.pk}"
