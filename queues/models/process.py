"""The processes that run jobs, the types they know, and the pacemaker's pulse."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Worker(models.Model):
    """One process. Its heartbeat vouches for every attempt that it holds."""

    class Kind(models.TextChoices):
        NODE = "node", _("Celery worker")
        CHILD = "child", _("pool process")
        BEAT = "beat", _("scheduler")
        DOOR = "door", _("web or command")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=200)
    machine = models.CharField(_("machine"), max_length=64)
    pid = models.PositiveIntegerField(_("process id"))
    born = models.CharField(_("birth mark"), max_length=32)
    queues = models.CharField(_("queues"), max_length=500, db_default="")
    started_at = models.DateTimeField(_("started"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())
    gone_at = models.DateTimeField(_("gone"), null=True)
    # Found dead or unheard of, rather than ended in order.
    vanished = models.BooleanField(_("vanished"), db_default=False)
    # The process that started it: of a pool process, the Celery worker.
    parent_pid = models.PositiveIntegerField(_("parent process"), null=True)
    version = models.CharField(_("version"), max_length=100, db_default="")
    memory_bytes = models.BigIntegerField(_("memory"), null=True)
    # What staff ask of it; its keeper reads them.
    drain_requested_at = models.DateTimeField(_("asked to drain"), null=True)
    stop_requested_at = models.DateTimeField(_("asked to stop"), null=True)

    class Meta:
        db_table = "workers"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        permissions = [("manage_worker", _("Can drain and stop a worker"))]
        indexes = [
            # keep: the living processes of one machine
            models.Index(
                name="worker_living",
                fields=["machine"],
                condition=Q(gone_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class JobType(models.Model):
    """What SQL callers need to know of a registered handler; published at start."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    queue = models.CharField(_("queue"), max_length=100)
    description = models.TextField(_("description"), db_default="")

    class Meta:
        db_table = "job_types"
        verbose_name = _("job type")
        verbose_name_plural = _("job types")

    def __str__(self) -> str:
        return self.name


class Pulse(models.Model):
    """The one row on which all pacemakers agree whose turn it is."""

    id = models.PositiveSmallIntegerField(primary_key=True, db_default=1)
    ticked_at = models.DateTimeField(db_default=Now())
    steady_since = models.DateTimeField(db_default=Now())
    pruned_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "pacemaker"
        constraints = [models.CheckConstraint(name="pulse_single", condition=Q(id=1))]

    def __str__(self) -> str:
        return str(self.ticked_at)
