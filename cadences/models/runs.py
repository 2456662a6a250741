"""A lead in a cadence, and what happened on the way."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cadences.models.definitions import Cadence, Version
from cadences.models.keys import RandomUUID
from cadences.models.people import Company, Lead
from cadences.states import EventType, ExitReason, PauseReason, RunStatus
from queues.states import READABLE

IS_LIVE = Q(status__in=["ATIVA", "PAUSADA"])


def _is_object(column: str) -> Exact:
    """Return that a document is an object, as all that read it expect."""
    kind = models.Func(
        models.F(column), function="jsonb_typeof", output_field=models.TextField()
    )
    return Exact(kind, models.Value("object"))


def _readable(*columns: str) -> Q:
    """Return that Python can read those moments."""
    return Q(**{f"{column}__range": READABLE for column in columns})


class Run(models.Model):
    """A lead on the way through one version of a cadence.

    Whoever changes `next_run_at` from the value it read has claimed the run; the
    `claim_token` tells a claim from every other. While a run is claimed,
    `next_run_at` is the moment at which others may claim it again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="runs")
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    cadence = models.ForeignKey(Cadence, models.PROTECT, related_name="runs")
    version = models.ForeignKey(Version, models.PROTECT, related_name="runs")
    status = models.CharField(
        _("status"), max_length=10, choices=RunStatus, db_default=RunStatus.ACTIVE
    )
    round = models.PositiveIntegerField(_("round"), db_default=1)
    is_exclusive = models.BooleanField(db_default=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    # Where delays after the start count from: the start, and all pauses since.
    anchor_at = models.DateTimeField(_("counted from"), db_default=Now())
    last_step = models.PositiveIntegerField(_("last step"), db_default=0)
    next_step = models.PositiveIntegerField(_("next step"), null=True, blank=True)
    next_step_key = models.UUIDField(null=True, blank=True)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True)
    planned_run_at = models.DateTimeField(_("planned for"), null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    pause_reason = models.CharField(
        _("paused because"), max_length=20, choices=PauseReason, null=True, blank=True
    )
    exit_reason = models.CharField(
        _("ended because"), max_length=20, choices=ExitReason, null=True, blank=True
    )
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    resume_at = models.DateTimeField(_("resumes"), null=True, blank=True)
    remaining = models.DurationField(_("wait left"), null=True, blank=True)
    errors_in_a_row = models.PositiveIntegerField(_("errors in a row"), db_default=0)
    # Replies up to here have been dealt with and do not stop the run any more.
    heard_at = models.DateTimeField(null=True, blank=True)
    is_forced = models.BooleanField(_("at once, by hand"), db_default=False)
    sticky = models.JSONField(_("senders"), default=dict, db_default={})
    context = models.JSONField(_("context"), blank=True, default=dict, db_default={})
    source = models.CharField(_("source"), max_length=100, blank=True, db_default="")
    enrolled_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")
    row_version = models.PositiveIntegerField(db_default=1)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    updated_at = models.DateTimeField(_("updated"), db_default=Now())

    class Meta:
        db_table = "lead_cadence_runs"
        verbose_name = _("run")
        verbose_name_plural = pgettext_lazy("cadence", "runs")
        permissions = [
            ("operate_run", _("Can enrol, pause, move and end runs")),
        ]
        constraints = [
            models.CheckConstraint(
                name="run_moments_readable",
                condition=Q(next_run_at__range=READABLE) & Q(resume_at__range=READABLE),
            ),
            models.CheckConstraint(
                name="run_past_readable",
                condition=_readable(
                    "started_at",
                    "anchor_at",
                    "planned_run_at",
                    "paused_at",
                    "heard_at",
                    "created_at",
                    "updated_at",
                ),
            ),
            models.CheckConstraint(
                name="run_notes_object",
                condition=Q(_is_object("context"), _is_object("sticky")),
            ),
            models.CheckConstraint(
                name="run_due_iff_active",
                condition=Q(status="ATIVA", next_run_at__isnull=False)
                | (
                    ~Q(status="ATIVA")
                    & Q(next_run_at__isnull=True, claim_token__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="run_says_why",
                condition=Q(status="ATIVA", pause_reason=None, exit_reason=None)
                | Q(status="PAUSADA", pause_reason__isnull=False, exit_reason=None)
                | Q(
                    status__in=["CONCLUIDA", "CANCELADA"],
                    exit_reason__isnull=False,
                    pause_reason=None,
                ),
            ),
            models.UniqueConstraint(
                name="run_one_live_per_cadence",
                fields=["cadence", "lead"],
                condition=IS_LIVE,
            ),
            models.UniqueConstraint(
                name="run_one_exclusive_per_company",
                fields=["company", "lead"],
                condition=IS_LIVE & Q(is_exclusive=True),
            ),
            models.UniqueConstraint(
                name="run_round_once", fields=["cadence", "lead", "round"]
            ),
        ]
        indexes = [
            # claim: what is due, company by company
            models.Index(
                name="run_due",
                fields=["company", "next_run_at", "id"],
                condition=Q(status="ATIVA"),
            ),
            # the seed's own query, the age of the oldest due run
            models.Index(
                name="run_due_any",
                fields=["next_run_at"],
                condition=Q(status="ATIVA"),
            ),
            # lists, newest first
            models.Index(name="run_newest", fields=["-created_at", "-id"]),
            # runs that wait for a person, by why
            models.Index(
                name="run_paused",
                fields=["pause_reason"],
                condition=Q(status="PAUSADA"),
            ),
            # funnel: the newest runs of a cadence
            models.Index(name="run_of_cadence", fields=["cadence", "-started_at"]),
            # pauses that end by themselves
            models.Index(
                name="run_resumes",
                fields=["resume_at"],
                condition=Q(status="PAUSADA", resume_at__isnull=False),
            ),
            # the list: those that ended, and why
            models.Index(
                name="run_left",
                fields=["exit_reason", "created_at", "id"],
                condition=Q(exit_reason__isnull=False),
            ),
            # the panel: what ended lately
            models.Index(
                name="run_ended",
                fields=["updated_at"],
                condition=Q(status__in=["CONCLUIDA", "CANCELADA"]),
            ),
        ]

    def __str__(self) -> str:
        return f"#{str(self.pk)[:8]}"


class Event(models.Model):
    """What happened to a run, in order; only ever added."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="events")
    type = models.CharField(_("event"), max_length=20, choices=EventType)
    round = models.PositiveIntegerField(_("round"), db_default=1)
    position = models.PositiveIntegerField(_("step"), null=True, blank=True)
    step_key = models.UUIDField(null=True, blank=True)
    template_code = models.CharField(
        _("template"), max_length=100, blank=True, db_default=""
    )
    details = models.JSONField(_("details"), default=dict, db_default={})
    actor = models.CharField(_("by"), max_length=150, blank=True, db_default="")
    created_at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        db_table = "lead_cadence_events"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.CheckConstraint(
                name="event_readable", condition=_readable("created_at")
            ),
            models.CheckConstraint(
                name="event_details_object", condition=_is_object("details")
            ),
        ]
        # the story of one run
        indexes = [models.Index(name="event_of_run", fields=["run", "id"])]

    def __str__(self) -> str:
        return f"{self.type} {self.run_id}"
