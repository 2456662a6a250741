"""The senders: what each may send, and what it has sent."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cadences.models.keys import RandomUUID
from cadences.models.people import Company
from cadences.ports import Sender
from cadences.states import Delivery, Medium
from queues.seal import Sealed


class Account(models.Model):
    """A number or mailbox that sends, through the adapter of that name."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", pgettext_lazy("account", "paused")
        DISCONNECTED = "disconnected", _("disconnected")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    company = models.ForeignKey(
        Company, models.PROTECT, verbose_name=_("company"), related_name="accounts"
    )
    medium = models.CharField(_("channel"), max_length=10, choices=Medium)
    adapter = models.CharField(_("adapter"), max_length=50)
    name = models.CharField(_("name"), max_length=100)
    identifier = models.CharField(
        _("number or address"), max_length=254, blank=True, db_default=""
    )
    config = models.JSONField(_("settings"), blank=True, default=dict, db_default={})
    base_url = models.CharField(
        _("address of the provider"), max_length=500, blank=True, db_default=""
    )
    # Tokens and passwords by name; docs/cadences.md lists those of each adapter.
    credentials = Sealed(_("credentials"), null=True)
    state = models.CharField(
        _("state"), max_length=15, choices=State, db_default=State.ACTIVE
    )
    per_day = models.PositiveIntegerField(_("messages a day"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("messages an hour"), null=True, blank=True)
    new_per_day = models.PositiveIntegerField(
        _("new people a day"), null=True, blank=True
    )
    gap_seconds = models.PositiveIntegerField(
        _("seconds between messages"), db_default=0
    )
    # On day n from `ramp_from`, at most ramp_start + (n - 1) × ramp_step.
    ramp_from = models.DateField(_("ramp from"), null=True, blank=True)
    ramp_start = models.PositiveIntegerField(_("messages on day one"), db_default=10)
    ramp_step = models.PositiveIntegerField(_("more each day"), db_default=5)
    next_slot_at = models.DateTimeField(_("next slot"), null=True, blank=True)
    last_intended_at = models.DateTimeField(_("last message"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures in a row"), db_default=0)
    broken_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "channel_accounts"
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        permissions = [
            ("rest_account", _("Can let an account rest, wake and test it")),
        ]
        constraints = [
            models.UniqueConstraint(name="account_once", fields=["company", "name"])
        ]

    def __str__(self) -> str:
        return self.name

    def sender(self) -> Sender:
        """Return the account as adapters know it."""
        return Sender(
            str(self.pk), self.identifier, self.config, self.base_url, self.credentials
        )


class Quota(models.Model):
    """What an account has used of one period; never more than was allowed."""

    class Kind(models.TextChoices):
        DAY = "day", _("day")
        HOUR = "hour", _("hour")
        NEW = "new", _("new people a day")

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="quotas")
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    starts_at = models.DateTimeField(_("from"))
    used = models.PositiveIntegerField(_("used"), db_default=0)
    allowed = models.PositiveIntegerField(_("allowed"))

    class Meta:
        db_table = "quota_buckets"
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        constraints = [
            models.UniqueConstraint(
                name="quota_once", fields=["account", "kind", "starts_at"]
            ),
            models.CheckConstraint(
                name="quota_is_kept", condition=Q(used__lte=F("allowed"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.used}/{self.allowed}"


class Receipt(models.Model):
    """What a provider said of a message before we knew its id; it waits for that."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="receipts")
    provider_message_id = models.CharField(_("id at the provider"), max_length=200)
    delivery = models.CharField(_("delivery"), max_length=10, choices=Delivery)
    code = models.CharField(_("code"), max_length=50, blank=True, db_default="")
    detail = models.TextField(_("detail"), blank=True, db_default="")
    at = models.DateTimeField(_("at"))
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "delivery_receipts"
        verbose_name = _("delivery receipt")
        verbose_name_plural = _("delivery receipts")
        constraints = [
            # track: what waits for this message
            models.UniqueConstraint(
                name="receipt_once",
                fields=["account", "provider_message_id", "delivery"],
            )
        ]
        # mend: those that nobody will ever ask for
        indexes = [models.Index(name="receipt_by_age", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.provider_message_id}: {self.get_delivery_display()}"
