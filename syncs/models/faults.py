"""Rows of providers that could not be used."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from syncs.models.connections import Connection
from syncs.models.runs import Run


class Quarantined(models.Model):
    """A row kept aside, redacted, until somebody has looked at it or it comes again."""

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection,
        models.CASCADE,
        verbose_name=_("connection"),
        related_name="quarantined",
    )
    stream = models.CharField(_("stream"), max_length=100)
    external_id = models.CharField(
        _("id at the provider"), max_length=200, blank=True, db_default=""
    )
    reason = models.TextField(_("reason"))
    sample = models.JSONField(_("sample"), blank=True, default=dict, db_default={})
    run = models.ForeignKey(
        Run,
        models.SET_NULL,
        verbose_name=_("sync"),
        null=True,
        blank=True,
        related_name="quarantined",
    )
    created_at = models.DateTimeField(_("since"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolution = models.CharField(_("how"), max_length=100, blank=True, db_default="")

    class Meta:
        db_table = "sync_quarantine"
        verbose_name = _("row kept aside")
        verbose_name_plural = _("rows kept aside")
        permissions = [("replay_quarantined", _("Can read rows kept aside anew"))]
        constraints = [
            models.UniqueConstraint(
                name="quarantined_once",
                fields=["connection", "stream", "external_id"],
                condition=models.Q(resolved_at=None) & ~models.Q(external_id=""),
            )
        ]
        indexes = [
            # the console: what nobody has dealt with; retention
            models.Index(name="quarantined_by_age", fields=["resolved_at", "-id"])
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}".strip()
