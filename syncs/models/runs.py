"""Requests of syncs, which are the runs that answer them, and what happened in each."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.keys import RandomUUID
from syncs.models.connections import Connection
from syncs.models.stores import Store
from syncs.states import (
    OPEN,
    DataType,
    ErrorKind,
    Kind,
    Outcome,
    RunStatus,
    StreamStatus,
    Trigger,
    Waiting,
)

FRESH = Q(status=RunStatus.QUEUED, started_at__isnull=True)
"""Nobody has begun it: a new request may join it."""
BEGUN = Q(status__in=OPEN, started_at__isnull=False)


class Run(models.Model):
    """One entry of the queue of syncs.

    The first columns are the seed's, and a row of them alone is a whole one: a trigger
    works out its key and enqueues the job that runs it. All requests for one key that
    come before a run begins are that run; one that comes later is the next run.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    store = models.ForeignKey(Store, models.CASCADE, related_name="runs")
    period_start = models.DateField(_("from"), null=True, blank=True)
    period_end = models.DateField(_("to"), null=True, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=RunStatus, db_default=RunStatus.QUEUED
    )
    priority = models.PositiveSmallIntegerField(_("priority"), db_default=5)
    retry_count = models.PositiveIntegerField(_("failed tries"), db_default=0)
    max_retries = models.PositiveIntegerField(
        _("most tries without progress"), db_default=3
    )
    error_message = models.TextField(_("last error"), null=True, blank=True)
    last_error_at = models.DateTimeField(_("last error at"), null=True, blank=True)
    triggered_by = models.TextField(_("asked by"), null=True, blank=True)
    meta = models.JSONField(_("facts"), blank=True, default=dict, db_default={})
    queued_at = models.DateTimeField(_("queued"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("ended"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    updated_at = models.DateTimeField(_("updated"), db_default=Now())
    data_type = models.CharField(
        _("data"), max_length=20, choices=DataType, null=True, blank=True
    )

    # What the seed did not have.
    kind = models.CharField(
        _("kind"), max_length=20, choices=Kind, db_default=Kind.REPORT
    )
    scope = models.CharField(_("scope"), max_length=100, blank=True, db_default="")
    dedupe_key = models.CharField(max_length=200, editable=False, db_default="")
    # None is all of them.
    data_types = ArrayField(
        models.CharField(max_length=20, choices=DataType),
        verbose_name=_("data types"),
        null=True,
        blank=True,
    )
    trigger = models.CharField(
        _("through"), max_length=10, choices=Trigger, db_default=Trigger.SQL
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("person"),
        null=True,
        blank=True,
        related_name="+",
    )
    is_forced = models.BooleanField(_("forced"), db_default=False)
    accepts_quality = models.BooleanField(_("accepted as it is"), db_default=False)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome, null=True, blank=True
    )
    waiting_for = models.CharField(
        _("waits for"), max_length=12, choices=Waiting, null=True, blank=True
    )
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    # Each opening by a worker; with the open attempt of the job, the fence of a page.
    starts = models.PositiveIntegerField(_("starts"), db_default=0)
    slices = models.PositiveIntegerField(_("turns given away"), db_default=0)
    no_progress = models.PositiveIntegerField(
        _("failed tries in a row without progress"), db_default=0
    )
    progress_at = models.DateTimeField(_("last progress"), null=True, blank=True)
    progress_seq = models.PositiveBigIntegerField(db_default=0)
    deadline_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(
        _("cancel requested"), null=True, blank=True
    )
    error_kind = models.CharField(
        _("class of the error"),
        max_length=20,
        choices=ErrorKind,
        null=True,
        blank=True,
    )
    error_code = models.CharField(
        _("code of the error"), max_length=60, blank=True, db_default=""
    )
    retry_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="retries"
    )
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)

    class Meta:
        db_table = "sync_queue"
        verbose_name = _("sync")
        verbose_name_plural = _("syncs")
        permissions = [
            ("request_run", _("Can ask for a sync of any store")),
            ("cancel_run", _("Can cancel a sync")),
            ("accept_run", _("Can accept numbers that were held back")),
        ]
        constraints = [
            models.CheckConstraint(
                name="sync_status_known", condition=Q(status__in=RunStatus.values)
            ),
            models.CheckConstraint(
                name="sync_priority_1_to_10", condition=Q(priority__range=(1, 10))
            ),
            models.CheckConstraint(
                name="sync_period_both_or_none",
                condition=Q(period_start=None, period_end=None)
                | Q(period_start__lte=F("period_end")),
            ),
            models.CheckConstraint(
                name="sync_ended_iff_over",
                condition=Q(
                    status__in=OPEN, completed_at__isnull=True, outcome__isnull=True
                )
                | Q(
                    status=RunStatus.COMPLETED,
                    completed_at__isnull=False,
                    outcome__in=[Outcome.SUCCEEDED, Outcome.PARTIAL],
                )
                | Q(
                    status=RunStatus.FAILED,
                    completed_at__isnull=False,
                    outcome__in=[Outcome.FAILED, Outcome.CANCELLED],
                ),
            ),
            models.CheckConstraint(
                name="sync_processing_has_started",
                condition=~Q(status=RunStatus.PROCESSING) | Q(started_at__isnull=False),
            ),
            # A request joins the run that nobody has begun; there is one at most.
            models.UniqueConstraint(
                name="sync_one_queued_per_key", fields=["dedupe_key"], condition=FRESH
            ),
            models.UniqueConstraint(
                name="sync_one_begun_per_key", fields=["dedupe_key"], condition=BEGUN
            ),
            models.UniqueConstraint(
                name="sync_one_processing_per_store",
                fields=["store"],
                condition=Q(status=RunStatus.PROCESSING),
            ),
        ]
        indexes = [
            # the queue of all stores, the tick
            models.Index(
                name="sync_open",
                fields=["status", "priority", "queued_at"],
                condition=Q(status__in=OPEN),
            ),
            # the last runs of a store
            models.Index(name="sync_of_store", fields=["store", "-queued_at"]),
            # the seed's own list; stats of the last day
            models.Index(name="sync_by_age", fields=["-queued_at"]),
            # retention, success rate of the last day
            models.Index(
                name="sync_ended",
                fields=["completed_at"],
                condition=Q(completed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        days = f"{self.period_start} – {self.period_end}" if self.period_start else ""
        store = self._state.fields_cache.get("store")
        return " · ".join(filter(None, [str(store or ""), days])) or str(self.pk)


class StreamRun(models.Model):
    """What one stream of one connection came to in one run, and the evidence of it."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="streams")
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="stream_runs"
    )
    stream = models.CharField(_("stream"), max_length=100)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=StreamStatus,
        db_default=StreamStatus.PENDING,
    )
    pages = models.PositiveIntegerField(_("pages"), db_default=0)
    rows_seen = models.PositiveIntegerField(_("rows"), db_default=0)
    inserted = models.PositiveIntegerField(_("new"), db_default=0)
    updated = models.PositiveIntegerField(_("changed"), db_default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), db_default=0)
    removed = models.PositiveIntegerField(_("removed"), db_default=0)
    repeated = models.PositiveIntegerField(_("repeated"), db_default=0)
    quarantined = models.PositiveIntegerField(_("kept aside"), db_default=0)
    expected = models.PositiveIntegerField(
        _("the provider's count"), null=True, blank=True
    )
    passes = models.PositiveSmallIntegerField(_("passes"), db_default=1)
    restarts = models.PositiveSmallIntegerField(_("restarts"), db_default=0)
    waiting_until = models.DateTimeField(_("waits until"), null=True, blank=True)
    as_of = models.DateTimeField(_("as of"), null=True, blank=True)
    error_kind = models.CharField(
        _("class of the error"),
        max_length=20,
        choices=ErrorKind,
        null=True,
        blank=True,
    )
    error_code = models.CharField(
        _("code of the error"), max_length=60, blank=True, db_default=""
    )
    error = models.TextField(_("error"), blank=True, db_default="")
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        db_table = "sync_stream_runs"
        verbose_name = _("stream of a sync")
        verbose_name_plural = _("streams of syncs")
        constraints = [
            models.UniqueConstraint(
                name="stream_once_per_run", fields=["run", "connection", "stream"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.run_id}"


class Event(models.Model):
    """What happened to a run, in order; only ever added."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"), db_default=Now())
    level = models.CharField(_("level"), max_length=10, db_default="info")
    code = models.CharField(_("event"), max_length=40)
    message = models.TextField(_("text"), blank=True, db_default="")
    data = models.JSONField(_("facts"), blank=True, default=dict, db_default={})

    class Meta:
        db_table = "sync_events"
        verbose_name = _("event of a sync")
        verbose_name_plural = _("events of syncs")
        # the story of one run
        indexes = [models.Index(name="sync_event_of_run", fields=["run", "id"])]

    def __str__(self) -> str:
        return f"{self.code} {self.run_id}"
