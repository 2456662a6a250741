"""Firings of schedules; the schedules themselves are django-celery-beat's rows."""

from django.conf import settings
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
        SKIPPED = "skipped", _("skipped")

    class Reason(models.TextChoices):
        """Why due times were skipped: `details` holds it beside count and since."""

        MISSED = "missed", _("missed while no scheduler ran")
        LATE = "late", _("later than its grace time allows")
        CAP = "cap", _("more were missed than are made up for")
        OVERLAP = "overlap", _("the job of an earlier due time had not ended")

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
        verbose_name = _("firing")
        verbose_name_plural = _("firings")
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
            # fire: what a schedule started that has not ended
            models.Index(
                name="cron_log_running",
                fields=["schedule"],
                condition=Q(status="running"),
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
    """What is said and remembered of a schedule beside the library's row."""

    class Misfire(models.TextChoices):
        ONCE = "once", _("run the latest missed one")
        SKIP = "skip", _("run none of the missed ones")
        ALL = "all", _("run every missed one")

    class Overlap(models.TextChoices):
        ALLOW = "allow", _("run beside it")
        SKIP = "skip", _("skip the run")
        QUEUE = "queue", _("let one run wait for its end")

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
    # Staff's part: what the library's row has no column for.
    misfire = models.CharField(
        _("missed runs"), max_length=10, choices=Misfire, db_default=Misfire.ONCE
    )
    misfire_cap = models.PositiveIntegerField(
        _("most missed runs"),
        db_default=100,
        help_text=_("Of many missed runs, the newest so many are made up for."),
    )
    grace_seconds = models.PositiveIntegerField(
        _("grace time in seconds"),
        null=True,
        blank=True,
        help_text=_("A run that is later than this is skipped. Empty: see the policy."),
    )
    overlap = models.CharField(
        _("while the run before has not ended"),
        max_length=10,
        choices=Overlap,
        db_default=Overlap.ALLOW,
    )
    jitter_seconds = models.PositiveIntegerField(
        _("jitter in seconds"),
        db_default=0,
        help_text=_("Each job starts up to so much later than it is due."),
    )
    max_attempts = models.PositiveSmallIntegerField(
        _("tries"), null=True, blank=True, help_text=_("Empty: as the job type says.")
    )
    paused_at = models.DateTimeField(_("paused"), null=True)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("paused by"),
        db_index=False,
    )
    pause_note = models.TextField(_("why it is paused"), blank=True, db_default="")
    # What code declared last; a column that differs from it was edited by staff.
    declared = models.JSONField(null=True)

    class Meta:
        db_table = "schedule_states"
        permissions = [
            ("run_schedule", _("Can run a schedule now")),
            ("pause_schedule", _("Can pause and resume a schedule")),
        ]
        constraints = [
            models.CheckConstraint(
                name="schedule_misfire_known",
                condition=Q(misfire__in=["once", "skip", "all"]),
            ),
            models.CheckConstraint(
                name="schedule_overlap_known",
                condition=Q(overlap__in=["allow", "skip", "queue"]),
            ),
            models.CheckConstraint(
                name="schedule_misfire_cap_bounded",
                condition=Q(misfire_cap__range=(1, 1000)),
            ),
            models.CheckConstraint(
                name="schedule_max_attempts_positive",
                condition=Q(max_attempts__isnull=True) | Q(max_attempts__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.pattern}"
