"""What ties jobs together: needs, batches, and the windows of unique keys."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.models.job import DEFAULT_PRIORITY, MAX_TYPE_LENGTH, Job


class JobNeed(models.Model):
    """A job waits for the end of another, which is always an older one."""

    id = models.BigAutoField(primary_key=True)
    # The trigger on `jobs` deletes: it must still see who waited for the deleted.
    job = models.ForeignKey(
        Job,
        models.DO_NOTHING,
        related_name="needs",
        db_constraint=False,
        db_index=False,
    )
    needs = models.ForeignKey(
        Job,
        models.DO_NOTHING,
        related_name="needed_by",
        db_constraint=False,
        db_index=False,
    )
    run_if_dead = models.BooleanField(db_default=False)

    class Meta:
        db_table = "job_needs"
        constraints = [
            models.UniqueConstraint(name="need_once", fields=["job", "needs"]),
            # Needs only point back in time, so there are no cycles.
            models.CheckConstraint(
                name="need_is_older", condition=Q(needs__lt=models.F("job"))
            ),
        ]
        # release: the jobs that wait for an ended one
        indexes = [models.Index(name="need_of", fields=["needs", "job"])]

    def __str__(self) -> str:
        return f"#{self.job_id} needs #{self.needs_id}"


class JobBatch(models.Model):
    """Jobs that belong together; complete once sealed and none of them lives."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=200)
    total = models.PositiveIntegerField(_("jobs"), null=True)
    on_complete_type = models.CharField(
        _("job when complete"), max_length=MAX_TYPE_LENGTH, null=True
    )
    on_complete_data = models.JSONField(
        _("its data"), db_default=models.Value({}, models.JSONField())
    )
    priority = models.PositiveSmallIntegerField(
        _("its priority"), db_default=DEFAULT_PRIORITY
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    sealed_at = models.DateTimeField(_("sealed"), null=True)
    completed_at = models.DateTimeField(_("completed"), null=True)

    class Meta:
        db_table = "job_batches"
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        # close_batches: those still open
        indexes = [
            models.Index(
                name="batch_open", fields=["id"], condition=Q(completed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class UniqueWindow(models.Model):
    """Until then no second job of the key is written by a request with a window."""

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(max_length=MAX_TYPE_LENGTH)
    key = models.CharField(max_length=200)
    job = models.ForeignKey(
        Job, models.DO_NOTHING, null=True, db_constraint=False, related_name="windows"
    )
    until = models.DateTimeField()

    class Meta:
        db_table = "unique_windows"
        constraints = [
            models.UniqueConstraint(name="window_one_per_key", fields=["type", "key"])
        ]
        # prune: the windows that have closed
        indexes = [models.Index(name="window_closed", fields=["until"])]

    def __str__(self) -> str:
        return f"{self.type} {self.key} until {self.until}"
