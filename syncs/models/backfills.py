"""The reading of a store's history: slice by slice, the newest first."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID
from syncs.models.stores import Store
from syncs.states import UNFINISHED, BackfillStatus


class Backfill(models.Model):
    """Days of a store that are read back, and how far. One of a store at a time.

    A slice is a run of low priority in the queue of syncs; its end asks for the next
    one in the same transaction, so there is never more than one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    store = models.ForeignKey(
        Store, models.CASCADE, verbose_name=_("store"), related_name="backfills"
    )
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("to"))
    slice_days = models.PositiveSmallIntegerField(_("days of a slice"), db_default=1)
    # The last day that is not read yet; the day before the first one in the end.
    left_until = models.DateField(_("read back to"))
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=BackfillStatus,
        db_default=BackfillStatus.RUNNING,
    )
    reason_code = models.CharField(max_length=60, editable=False, db_default="")
    reason = models.TextField(_("because"), blank=True, db_default="")
    slices_done = models.PositiveIntegerField(_("slices read"), db_default=0)
    # What it was said to take: rows, calls, points and seconds.
    preview = models.JSONField(_("preview"), default=dict, db_default={})
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("person"),
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("begun"), db_default=Now(), editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        db_table = "sync_backfills"
        verbose_name = _("history")
        verbose_name_plural = _("histories")
        default_permissions = ("view",)
        permissions = [("steer_backfill", _("Can read the history of a store"))]
        constraints = [
            models.CheckConstraint(
                name="backfill_status_known",
                condition=Q(status__in=BackfillStatus.values),
            ),
            models.CheckConstraint(
                name="backfill_days_in_order",
                condition=Q(first_day__lte=F("last_day"), slice_days__gte=1),
            ),
            models.CheckConstraint(
                name="backfill_ended_iff_over",
                condition=Q(status__in=UNFINISHED, ended_at__isnull=True)
                | (~Q(status__in=UNFINISHED) & Q(ended_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="backfill_one_per_store",
                fields=["store"],
                condition=Q(status__in=UNFINISHED),
            ),
        ]
        # the list, newest first
        indexes = [models.Index(name="backfill_by_age", fields=["-created_at"])]

    def __str__(self) -> str:
        return f"{self.first_day} – {self.last_day}"

    @property
    def slices(self) -> int:
        """Return how many slices all of its days make."""
        days = (self.last_day - self.first_day).days + 1
        return -(-days // self.slice_days)
