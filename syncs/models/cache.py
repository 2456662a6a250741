"""The numbers that people read, and what they were before."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID
from syncs.models.runs import Run
from syncs.models.stores import Store
from syncs.states import CacheStatus, DataType, Source


class CacheEntry(models.Model):
    """The last good numbers of a store, a data type, a period and a source.

    The first columns are the seed's, and a row of them alone is a whole one; it is
    never taken for current, as it says no time until which it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    store = models.ForeignKey(
        Store,
        models.CASCADE,
        verbose_name=_("store"),
        related_name="entries",
        db_index=False,
    )
    data_type = models.CharField(_("data"), max_length=20, choices=DataType)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    data = models.JSONField(_("numbers"), default=dict, db_default={})
    source = models.CharField(_("source"), max_length=20, choices=Source)
    synced_at = models.DateTimeField(_("synced"), db_default=Now())
    sync_status = models.CharField(
        _("last sync"),
        max_length=10,
        choices=CacheStatus,
        db_default=CacheStatus.SUCCESS,
    )
    error_code = models.CharField(
        _("code of the error"), max_length=60, blank=True, db_default=""
    )
    error_message = models.TextField(_("last error"), null=True, blank=True)
    record_count = models.IntegerField(_("records"), null=True, blank=True)
    data_summary = models.JSONField(_("summary"), null=True, blank=True)

    # What the seed did not have.
    timezone = models.CharField(_("time zone"), max_length=64, db_default="")
    version = models.PositiveBigIntegerField(_("version"), db_default=1)
    definition = models.PositiveIntegerField(_("definition"), db_default=1)
    as_of = models.DateTimeField(_("as of"), null=True, blank=True)
    fresh_until = models.DateTimeField(_("current until"), null=True, blank=True)
    hard_until = models.DateTimeField(_("shown until"), null=True, blank=True)
    refresh_cost = models.FloatField(_("seconds of a sync"), db_default=0.0)
    is_settled = models.BooleanField(_("settled"), db_default=False)
    is_negative = models.BooleanField(_("confirmed empty"), db_default=False)
    sha256 = models.CharField(max_length=64, blank=True, db_default="")
    total = models.DecimalField(
        _("total"), max_digits=20, decimal_places=4, null=True, blank=True
    )
    null_rates = models.JSONField(default=dict, db_default={}, editable=False)
    warnings = models.JSONField(_("warnings"), default=list, db_default=[])
    last_error_at = models.DateTimeField(_("last error at"), null=True, blank=True)
    run = models.ForeignKey(
        Run, models.SET_NULL, null=True, blank=True, related_name="entries"
    )

    class Meta:
        db_table = "store_sync_cache"
        verbose_name = _("cached numbers")
        verbose_name_plural = _("cached numbers")
        constraints = [
            models.UniqueConstraint(
                name="cache_once",
                fields=[
                    "store", "data_type", "period_start", "period_end", "source",
                ],
            ),
            models.CheckConstraint(
                name="cache_fresh_before_hard",
                condition=Q(fresh_until=None, hard_until=None)
                | Q(fresh_until__lte=F("hard_until")),
            ),
            models.CheckConstraint(
                name="cache_status_known",
                condition=Q(sync_status__in=CacheStatus.values),
            ),
        ]  # fmt: skip
        indexes = [
            # the seed's own list
            models.Index(name="cache_by_age", fields=["-synced_at"]),
            # the newest older snapshot of a store
            models.Index(
                name="cache_of_store", fields=["store", "data_type", "-synced_at"]
            ),
            # retention
            models.Index(name="cache_hard", fields=["hard_until"]),
        ]

    def __str__(self) -> str:
        return f"{self.data_type} {self.period_start}/{self.period_end} v{self.version}"


class CacheVersion(models.Model):
    """What an entry was before; the last three are kept."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(CacheEntry, models.CASCADE, related_name="versions")
    version = models.PositiveBigIntegerField(_("version"))
    data = models.JSONField(_("numbers"))
    record_count = models.IntegerField(_("records"), null=True)
    as_of = models.DateTimeField(_("as of"), null=True)
    synced_at = models.DateTimeField(_("synced"))
    sha256 = models.CharField(max_length=64, blank=True, db_default="")
    run_id = models.UUIDField(null=True)

    class Meta:
        db_table = "store_sync_cache_versions"
        verbose_name = _("earlier numbers")
        verbose_name_plural = _("earlier numbers")
        constraints = [
            models.UniqueConstraint(
                name="cache_version_once", fields=["entry", "version"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} v{self.version}"
