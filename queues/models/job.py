"""A job and its attempts."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.states import FINAL, LIVE, READABLE, End, State

DEFAULT_PRIORITY = 5
MAX_TYPE_LENGTH = 100
LARGEST_ID = 2**63 - 1


class Job(models.Model):
    """One piece of work. The row is the truth; every default lives in the database."""

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(_("type"), max_length=MAX_TYPE_LENGTH)
    # A trigger fills in the queue of the type when SQL leaves it out.
    queue = models.CharField(_("queue"), max_length=100)
    payload = models.JSONField(
        _("payload"), db_default=models.Value({}, models.JSONField())
    )
    status = models.CharField(
        _("status"), max_length=10, choices=State, db_default=State.PENDING
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), db_default=DEFAULT_PRIORITY
    )
    run_at = models.DateTimeField(_("due"), db_default=Now())
    unique_key = models.CharField(
        _("unique key"), max_length=200, null=True, blank=True
    )
    max_attempts = models.PositiveSmallIntegerField(
        _("most attempts"), null=True, help_text=_("Empty: as the type says.")
    )
    failures = models.PositiveSmallIntegerField(_("failures"), db_default=0)
    losses = models.PositiveSmallIntegerField(_("processes lost"), db_default=0)
    # Those of them that died while it ran, since it last saved a checkpoint.
    crashes = models.PositiveSmallIntegerField(_("processes killed"), db_default=0)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        db_column="user_id",
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
    )
    source = models.CharField(_("source"), max_length=20, db_default="sql")
    result = models.JSONField(_("result"), null=True)
    error = models.TextField(_("last error"), null=True)
    progress = models.JSONField(_("progress"), null=True)
    checkpoint = models.JSONField(_("checkpoint"), null=True)
    # Both or none. Without a key in the handler the key is the empty text.
    limit_name = models.CharField(_("limit"), max_length=100, null=True)
    limit_key = models.CharField(_("key of the limit"), max_length=200, null=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    completed_at = models.DateTimeField(_("ended"), null=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested"), null=True)
    # What requests made during the run ask for: it becomes the job that follows.
    rerun = models.JSONField(null=True)
    # Set on a job that waits for others: what `run_at`, now FAR, will be then.
    held_run_at = models.DateTimeField(_("due after the others"), null=True)
    # Other jobs wait for this one: its end releases them.
    needed = models.BooleanField(db_default=False)
    batch = models.ForeignKey(
        "JobBatch",
        models.SET_NULL,
        verbose_name=_("batch"),
        null=True,
        related_name="jobs",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        db_table = "jobs"
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        permissions = [
            ("cancel_job", _("Can cancel a job")),
            ("retry_job", _("Can retry a job")),
            ("reprioritise_job", _("Can change the priority of a job")),
            ("snooze_job", _("Can snooze a job")),
            ("enqueue_job", _("Can enqueue a job")),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_status_known", condition=Q(status__in=State.values)
            ),
            models.CheckConstraint(
                name="job_priority_1_to_9", condition=Q(priority__range=(1, 9))
            ),
            models.CheckConstraint(
                name="job_ended_iff_final",
                condition=Q(status__in=FINAL, completed_at__isnull=False)
                | Q(status__in=LIVE, completed_at__isnull=True),
            ),
            # Python reads no moment outside: one such row would stop who claims it.
            models.CheckConstraint(
                name="job_run_at_readable", condition=Q(run_at__range=READABLE)
            ),
            models.UniqueConstraint(
                name="job_one_live_per_key",
                fields=["type", "unique_key"],
                condition=Q(status__in=LIVE, unique_key__isnull=False),
            ),
            models.CheckConstraint(
                name="job_limit_has_key",
                condition=Q(limit_name__isnull=True, limit_key__isnull=True)
                | Q(limit_name__isnull=False, limit_key__isnull=False),
            ),
        ]
        indexes = [
            # claim: the due rows of one queue and priority, oldest first
            models.Index(
                name="job_due",
                fields=["queue", "priority", "run_at", "id"],
                condition=Q(status=State.PENDING, limit_name__isnull=True),
            ),
            # turns: the head of each limit in a queue, however many keys wait
            models.Index(
                name="job_due_limited",
                fields=["queue", "limit_name", "priority", "run_at", "id"],
                condition=Q(status=State.PENDING, limit_name__isnull=False),
            ),
            # admit: from key to key, and the oldest job of each
            models.Index(
                name="job_due_by_key",
                fields=[
                    "queue",
                    "limit_name",
                    "priority",
                    "limit_key",
                    "run_at",
                    "id",
                ],
                condition=Q(status=State.PENDING, limit_name__isnull=False),
            ),
            # admit: what the jobs of a limit hold now
            models.Index(
                name="job_limit_held",
                fields=["limit_name", "limit_key"],
                condition=Q(status=State.PROCESSING, limit_name__isnull=False),
            ),
            # GET /api/jobs: what one user owns, newest first
            models.Index(
                name="job_owned",
                fields=["owner", "-id"],
                condition=Q(owner__isnull=False),
            ),
            # the console: by the beginning of a key, the ended ones too
            models.Index(
                name="job_key",
                fields=["unique_key", "id"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                condition=Q(unique_key__isnull=False),
            ),
            # batches: what lives of one, and the counts of its progress
            models.Index(
                name="job_of_batch",
                fields=["batch", "status"],
                condition=Q(batch__isnull=False),
            ),
            # release_stranded: those that wait for others
            models.Index(
                name="job_held", fields=["id"], condition=Q(held_run_at__isnull=False)
            ),
            # prune: the oldest ended rows; summaries cost the hot path nothing
            BrinIndex(name="job_ended", fields=["completed_at"], autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.pk}"


class JobTotal(models.Model):
    """How many jobs of a type were pruned: the counters of all time forget nothing."""

    type = models.CharField(max_length=MAX_TYPE_LENGTH, primary_key=True)
    pruned = models.BigIntegerField(db_default=0)

    class Meta:
        db_table = "job_totals"

    def __str__(self) -> str:
        return f"{self.type}: {self.pruned}"


class Attempt(models.Model):
    """One try. While open it is the claim on its job, and the fence around it."""

    id = models.BigAutoField(primary_key=True)
    # Referential actions are done by the trigger on `jobs`: a foreign key would
    # lock the job row once more in every claim.
    job = models.ForeignKey(
        Job,
        models.CASCADE,
        related_name="attempts",
        db_constraint=False,
        db_index=False,
    )
    worker = models.ForeignKey(
        "Worker",
        models.DO_NOTHING,
        null=True,
        related_name="attempts",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveSmallIntegerField(_("try"))
    claimed_at = models.DateTimeField(_("claimed"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("ended"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=End, null=True)
    error = models.TextField(_("error"), null=True)
    traceback = models.TextField(_("traceback"), null=True)
    log = models.JSONField(_("log"), null=True)

    class Meta:
        db_table = "job_attempts"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(
                name="attempt_one_open_per_job",
                fields=["job"],
                condition=Q(finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="attempt_ended_iff_outcome",
                condition=Q(finished_at__isnull=True, outcome__isnull=True)
                | Q(finished_at__isnull=False, outcome__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="attempt_of_job", fields=["job", "id"]),
            # rescue and keep: what the processes hold
            models.Index(
                name="attempt_open_by_worker",
                fields=["worker"],
                condition=Q(finished_at__isnull=True),
            ),
            # roll-ups: the tries of a minute
            BrinIndex(name="attempt_ended", fields=["finished_at"], autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"#{self.job_id}/{self.number}"
