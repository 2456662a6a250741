"""Syncs of segments that wait or run, and the pages they have applied."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from syncs.models.segments import SegmentControl, Trigger


class SegmentPass(models.Model):
    """A sync that waits or runs: its job and how far it is. At its end, a log row."""

    class Mode(models.TextChoices):
        FULL = "full", _("every row")
        QUICK = "quick", _("ids, and rows that changed")

    id = models.BigAutoField(primary_key=True)
    control = models.OneToOneField(
        SegmentControl, models.CASCADE, related_name="live_pass"
    )
    job_id = models.BigIntegerField(_("job"), unique=True)
    trigger = models.CharField(
        _("asked for by"), max_length=10, choices=Trigger, db_default=Trigger.CRON
    )
    actor = models.CharField(max_length=150, blank=True, db_default="")
    scheduled_for = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    # Raised whenever a process takes the pass up: who holds an older one is a ghost.
    fence = models.PositiveIntegerField(db_default=0)
    mode = models.CharField(max_length=10, choices=Mode, db_default=Mode.FULL)
    sweep = models.PositiveSmallIntegerField(db_default=1)
    page_base = models.SmallIntegerField(null=True, blank=True)
    stats = models.JSONField(default=dict, db_default={})

    class Meta:
        db_table = "sync_segment_passes"
        verbose_name = _("running sync")
        verbose_name_plural = _("running syncs")

    def __str__(self) -> str:
        return f"{self.control_id}: {self.job_id}"


class SegmentPage(models.Model):
    """One page that a running sync has applied: the ids on it and what they came to."""

    class Kind(models.TextChoices):
        ROWS = "rows", _("rows")
        IDS = "ids", _("ids")

    id = models.BigAutoField(primary_key=True)
    sync = models.ForeignKey(SegmentPass, models.CASCADE, related_name="pages")
    sweep = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=5, choices=Kind)
    number = models.PositiveIntegerField()
    total = models.PositiveIntegerField()
    ids = ArrayField(models.CharField(max_length=64))
    gone = ArrayField(models.CharField(max_length=64))
    counts = models.JSONField(default=dict, db_default={})
    oldest = models.DateTimeField(null=True, blank=True)
    newest = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sync_segment_pages"
        constraints = [
            models.UniqueConstraint(
                name="segment_page_once", fields=["sync", "sweep", "kind", "number"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.sync_id}: {self.kind} {self.number}"
