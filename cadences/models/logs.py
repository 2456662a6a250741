"""What each pass of the runner did, and the switch that stops all of them."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID
from cadences.states import Trigger


class RunnerLog(models.Model):
    """One pass, written when it starts and closed at its end.

    The first eight columns are the seed's, and a row of them alone is a whole one.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        OK = "ok", _("ok")
        ERROR = "error", _("error")
        ABANDONED = "abandoned", _("abandoned")

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    executed_at = models.DateTimeField(_("executed"), db_default=Now())
    steps_executed = models.IntegerField(_("steps executed"), db_default=0)
    errors = models.IntegerField(_("errors"), db_default=0)
    runs_touched = models.IntegerField(_("runs touched"), db_default=0)
    duration_ms = models.IntegerField(_("duration, ms"), null=True, blank=True)
    details = models.JSONField(_("details"), null=True, blank=True)
    trigger_source = models.TextField(
        _("started by"), choices=Trigger, null=True, db_default="CRON"
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status, db_default=Status.OK
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    skipped = models.IntegerField(_("skipped"), db_default=0)
    deferred = models.IntegerField(_("deferred"), db_default=0)
    uncertain = models.IntegerField(_("unknown outcomes"), db_default=0)
    concluded = models.IntegerField(_("concluded"), db_default=0)
    is_dry = models.BooleanField(_("dry run"), db_default=False)
    batch_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "cadence_runner_logs"
        verbose_name = _("runner log")
        verbose_name_plural = _("runner logs")
        # the last passes; those with errors
        indexes = [models.Index(name="runner_log_by_age", fields=["-executed_at"])]

    def __str__(self) -> str:
        return f"{self.get_trigger_source_display()} {self.executed_at:%Y-%m-%d %H:%M}"


class Control(models.Model):
    """The one row that can stop all sending, or send everything elsewhere."""

    id = models.SmallIntegerField(primary_key=True, default=1, db_default=1)
    is_on = models.BooleanField(_("sends"), db_default=True)
    reason = models.TextField(_("reason"), blank=True, db_default="")
    changed_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")
    changed_at = models.DateTimeField(_("changed"), db_default=Now())
    # Test mode: every message of a channel goes to this address instead.
    redirects = models.JSONField(
        _("send elsewhere"), blank=True, default=dict, db_default={}
    )
    epoch = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "cadence_control"
        verbose_name = _("control")
        verbose_name_plural = _("control")
        permissions = [
            ("switch_runner", _("Can stop and start all sending")),
        ]
        constraints = [
            models.CheckConstraint(name="control_is_one", condition=models.Q(id=1))
        ]

    def __str__(self) -> str:
        return "on" if self.is_on else "off"
