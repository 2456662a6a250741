"""Firings of schedules; the schedules themselves are django-celery-beat's rows."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.models.job import Job


class CronLog(models.Model):
    """One firing, unique by schedule and due time, closed by its job's end."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCESS = "success", _("success")
        ERROR = "error", _("error")

    id = models.BigAutoField(primary_key=True)
    job_name = models.TextField(_("schedule"))
    job_type = models.TextField(_("job type"))
    status = models.TextField(_("status"), choices=Status)
    details = models.JSONField(_("details"), null=True)
    created_at = models.DateTimeField(_("fired"), null=True, db_default=Now())
    schedule = models.ForeignKey(
        "django_celery_beat.PeriodicTask",
        models.SET_NULL,
        null=True,
        related_name="firings",
        db_constraint=False,
    )
    due_at = models.DateTimeField(_("due"), null=True)
    job = models.ForeignKey(
        Job,
        models.SET_NULL,
        null=True,
        related_name="cron_logs",
        db_constraint=False,
        db_index=False,
    )
    finished_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        db_table = "cron_job_logs"
        verbose_name = _("cron log")
        verbose_name_plural = _("cron logs")
        constraints = [
            models.UniqueConstraint(
                name="firing_once_per_due_time", fields=["schedule", "due_at"]
            ),
        ]
        indexes = [
            models.Index(name="cron_log_newest", fields=["-created_at"]),
            # settle: the firing that a job closes
            models.Index(
                name="cron_log_of_job", fields=["job"], condition=Q(job__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.due_at or self.created_at}"


class StarterSchedule(models.Model):
    """A schedule that ships was installed once; deleting it later is respected."""

    name = models.CharField(max_length=200, primary_key=True)
    installed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "starter_schedules"

    def __str__(self) -> str:
        return self.name


class ScheduleState(models.Model):
    """What is remembered of a schedule beside the library's row."""

    schedule = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        models.CASCADE,
        primary_key=True,
        related_name="state",
        db_constraint=False,
    )
    # Beat's part: the pattern and the pause as it last noticed them ("" is "never"),
    # and the last recorded due time, or the moment from which the first is counted.
    pattern = models.TextField(db_default="")
    paused = models.BooleanField(db_default=False)
    noticed_at = models.DateTimeField(null=True)
    counted_from = models.DateTimeField(null=True)
    # What code declared last; a column that differs from it was edited by staff.
    declared = models.JSONField(null=True)

    class Meta:
        db_table = "schedule_states"
        permissions = [
            ("run_schedule", _("Can run a schedule now")),
            ("pause_schedule", _("Can pause and resume a schedule")),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.pattern}"
