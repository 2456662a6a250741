"""What providers sent us by themselves: stored first, applied by a job later."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.seal import Sealed
from syncs.models.connections import Connection


class Delivery(models.Model):
    """One verified delivery of a webhook; its body is sealed, and emptied by retention."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        APPLIED = "applied", _("applied")
        IGNORED = "ignored", _("ignored")
        REFUSED = "refused", _("unreadable")

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(_("provider"), max_length=20)
    delivery_id = models.CharField(_("delivery"), max_length=100)
    connection = models.ForeignKey(
        Connection,
        models.CASCADE,
        verbose_name=_("connection"),
        related_name="deliveries",
    )
    topic = models.CharField(_("topic"), max_length=60)
    external_id = models.CharField(_("about"), max_length=64, db_default="")
    triggered_at = models.DateTimeField(_("happened"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), db_default=Now())
    body = Sealed(_("body"), null=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status, db_default=Status.RECEIVED
    )
    note = models.CharField(_("note"), max_length=200, blank=True, db_default="")
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="delivery_once", fields=["connection", "delivery_id"]
            )
        ]
        indexes = [
            # retention, and what still waits
            models.Index(name="delivery_by_age", fields=["received_at"])
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.delivery_id}"
