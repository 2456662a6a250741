"""Queues as staff see them: open or paused."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Queue(models.Model):
    """One queue. While it is paused, nobody claims its jobs."""

    name = models.CharField(_("queue"), max_length=100, primary_key=True)
    paused_at = models.DateTimeField(_("paused"), null=True)
    paused_by = models.CharField(_("paused by"), max_length=200, db_default="")
    pause_note = models.TextField(_("why"), db_default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "queue_states"
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        default_permissions = ("view",)
        permissions = [("pause_queue", _("Can pause and resume a queue"))]
        # claims: the few that are paused
        indexes = [
            models.Index(
                name="queue_paused",
                fields=["name"],
                condition=Q(paused_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name
