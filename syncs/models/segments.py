"""Segments of leads elsewhere: when each is synced, how that went, and who is in it.

The names of the first two tables and of their first columns are those of the system
that this one replaces; people write to them in SQL, so every default is the database's.
"""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models import Company
from queues.states import READABLE
from syncs.models.connections import Connection

DAILY = "0 6 * * *"


class Trigger(models.TextChoices):
    """Who asked for a sync."""

    CRON = "cron", _("its schedule")
    MANUAL = "manual", _("a person")
    COMMAND = "command", _("a command")
    API = "api", _("a caller of the API")
    SQL = "sql", _("a statement of SQL")


class SegmentControl(models.Model):
    """One segment that is synced: when, into which company, and how it stands."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        ERROR = "error", _("needs a person")

    class Misfire(models.TextChoices):
        ONCE = "once", _("run once, late")
        SKIP = "skip", _("wait for the next time")

    class Enrich(models.TextChoices):
        CHANGED = "changed", _("new and changed leads")
        NEVER = "never", _("never")

    id = models.BigAutoField(primary_key=True)
    segment_id = models.BigIntegerField(
        _("segment"),
        validators=[MinValueValidator(1)],
        help_text=_("The number of the segment at SprintHub."),
    )
    last_execution = models.DateTimeField(_("last sync"), null=True, blank=True)
    next_execution = models.DateTimeField(_("next sync"), null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status, db_default=Status.ACTIVE
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="segments",
        verbose_name=_("connection"),
        help_text=_("Empty is the account that the environment names."),
    )  # fmt: skip
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("company"),
        help_text=_("Whose leads they become. Empty is fine where there is but one."),
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    cron = models.CharField(
        _("schedule"), max_length=200, db_default=DAILY,
        help_text=_("Five fields: minute, hour, day of month, month, day of week."),
    )  # fmt: skip
    time_zone = models.CharField(
        _("time zone"), max_length=64, db_default="America/Sao_Paulo"
    )
    jitter_seconds = models.PositiveIntegerField(
        _("spread"), db_default=0, validators=[MaxValueValidator(86_400)],
        help_text=_("Seconds by which a sync may start later, so that not all start at once."),
    )  # fmt: skip
    misfire = models.CharField(
        _("if a time was missed"), max_length=10, choices=Misfire,
        db_default=Misfire.ONCE,
    )  # fmt: skip
    enrich = models.CharField(
        _("details"), max_length=10, choices=Enrich, db_default=Enrich.CHANGED,
        help_text=_("Whose page at SprintHub is read beside the list: one call a lead."),
    )  # fmt: skip
    enrich_most = models.PositiveIntegerField(
        _("details a sync"), db_default=500,
        validators=[MaxValueValidator(100_000)],
    )  # fmt: skip
    guard_percent = models.PositiveSmallIntegerField(
        _("removal guard"), db_default=20,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("If more of the members than this would leave at once, a person is asked."),
    )  # fmt: skip

    # Kept by the syncs themselves.
    scheduled_for = models.DateTimeField(_("last due"), null=True, blank=True)
    resumed_at = models.DateTimeField(_("reactivated"), null=True, blank=True)
    last_success = models.DateTimeField(_("last success"), null=True, blank=True)
    last_full = models.DateTimeField(_("last full reading"), null=True, blank=True)
    changed_until = models.DateTimeField(null=True, blank=True)
    order_is_kept = models.BooleanField(db_default=True)
    page_base = models.SmallIntegerField(null=True, blank=True)
    consecutive_errors = models.PositiveIntegerField(_("errors in a row"), db_default=0)
    members = models.PositiveIntegerField(_("members"), db_default=0)
    held_removals = models.PositiveIntegerField(_("removals held back"), db_default=0)
    accept_removals = models.BooleanField(_("accept removals once"), db_default=False)
    note = models.TextField(_("note"), blank=True, db_default="")

    class Meta:
        db_table = "sync_segments_control"
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        permissions = [
            ("run_segment", _("Can run, pause and reactivate segments")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="segment_once",
                fields=["connection", "segment_id"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="segment_status",
                condition=Q(status__in=["active", "paused", "error"]),
            ),
            models.CheckConstraint(
                name="segment_next_readable",
                condition=Q(next_execution__range=READABLE),
            ),
            models.CheckConstraint(
                name="segment_misfire", condition=Q(misfire__in=["once", "skip"])
            ),
            models.CheckConstraint(
                name="segment_guard",
                condition=Q(guard_percent__gte=1) & Q(guard_percent__lte=100),
            ),
        ]
        # what is due, for fire
        indexes = [
            models.Index(
                name="segment_due",
                fields=["next_execution"],
                condition=Q(status="active"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.segment_id})" if self.name else str(self.segment_id)


class SegmentLog(models.Model):
    """How one sync of a segment went; written in the transaction that ends it."""

    class Status(models.TextChoices):
        SUCCESS = "success", _("success")
        PARTIAL = "partial", _("partial")
        ERROR = "error", _("error")
        SKIPPED = "skipped", _("skipped")
        CANCELLED = "cancelled", _("cancelled")

    id = models.BigAutoField(primary_key=True)
    segment_id = models.BigIntegerField(_("segment"))
    execution_time = models.DateTimeField(_("began"), db_default=Now())
    status = models.CharField(_("status"), max_length=10, choices=Status)
    message = models.TextField(_("message"), null=True, blank=True)
    stats = models.JSONField(_("figures"), null=True, blank=True)
    duration_seconds = models.DecimalField(
        _("seconds"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    success_rate = models.DecimalField(
        _("success rate"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    control = models.ForeignKey(
        SegmentControl, models.CASCADE, null=True, blank=True, related_name="logs"
    )
    scheduled_for = models.DateTimeField(_("was due"), null=True, blank=True)
    trigger = models.CharField(
        _("asked for by"), max_length=10, choices=Trigger, db_default=Trigger.CRON
    )
    actor = models.CharField(_("by"), max_length=150, blank=True, db_default="")
    fault = models.CharField(
        _("kind of error"), max_length=30, blank=True, db_default=""
    )
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    active_seconds = models.DecimalField(
        _("seconds without waits"), max_digits=12, decimal_places=3,
        db_default=Decimal(0),
    )  # fmt: skip

    class Meta:
        db_table = "sync_segments_logs"
        verbose_name = _("sync of a segment")
        verbose_name_plural = _("syncs of segments")
        constraints = [
            models.UniqueConstraint(
                name="segment_log_once_per_time",
                fields=["control", "scheduled_for"],
                condition=Q(scheduled_for__isnull=False),
            ),
            models.CheckConstraint(
                name="segment_log_status",
                condition=Q(
                    status__in=["success", "partial", "error", "skipped", "cancelled"]
                ),
            ),
        ]
        indexes = [
            # measure, the page of a segment
            models.Index(
                name="segment_log_by_segment", fields=["control", "-execution_time"]
            ),
            # the seed's "the last twenty"
            models.Index(name="segment_log_by_time", fields=["-execution_time"]),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.get_status_display()}"
