"""The steps of runs as they were done, and every call of a provider."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.accounts import Account
from cadences.models.calendars import Calendar
from cadences.models.keys import RandomUUID
from cadences.models.runs import Run
from cadences.models.texts import Revision
from cadences.states import Delivery, ExecutionState, Medium


class Execution(models.Model):
    """One step of one run in one round: the row that makes a second send impossible."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID())
    run = models.ForeignKey(Run, models.CASCADE, related_name="executions")
    round = models.PositiveIntegerField(_("round"))
    step_key = models.UUIDField()
    position = models.PositiveIntegerField(_("step"))
    state = models.CharField(
        _("state"), max_length=10, choices=ExecutionState,
        db_default=ExecutionState.PENDING,
    )  # fmt: skip
    medium = models.CharField(_("channel"), max_length=10, choices=Medium)
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True)
    address = models.CharField(_("address"), max_length=254, blank=True, db_default="")
    # Keyed, so that invariants hold after the address itself was erased.
    address_hash = models.CharField(max_length=64, blank=True, db_default="")
    template_code = models.CharField(
        _("template"), max_length=100, blank=True, db_default=""
    )
    revision = models.ForeignKey(Revision, models.PROTECT, null=True, blank=True)
    variant = models.CharField(_("variant"), max_length=50, blank=True, db_default="")
    subject = models.CharField(_("subject"), max_length=255, blank=True, db_default="")
    body = models.TextField(_("text"), blank=True, db_default="")
    attempt_token = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), db_default=0)
    reason = models.TextField(_("reason"), blank=True, db_default="")
    planned_for = models.DateTimeField(_("planned for"), null=True, blank=True)
    # The moment from which on the message counts as "may have been sent".
    intended_at = models.DateTimeField(_("intended"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    zone = models.CharField(_("time zone"), max_length=64, blank=True, db_default="")
    calendar = models.ForeignKey(Calendar, models.SET_NULL, null=True, blank=True)
    is_forced = models.BooleanField(_("by hand, at once"), db_default=False)
    provider_message_id = models.CharField(
        _("id at the provider"), max_length=200, null=True, blank=True
    )
    delivery = models.CharField(
        _("delivery"), max_length=10, choices=Delivery, db_default=Delivery.NONE
    )
    delivery_rank = models.PositiveSmallIntegerField(db_default=0)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    # Of an unknown outcome: how often it was looked for, and when next.
    lookups = models.PositiveSmallIntegerField(db_default=0)
    look_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "lead_step_executions"
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        permissions = [
            ("resolve_execution", _("Can say what became of an unknown send")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="execution_once", fields=["run", "round", "step_key"]
            ),
            models.UniqueConstraint(
                name="execution_provider_id_once",
                fields=["account", "provider_message_id"],
                condition=Q(provider_message_id__isnull=False),
            ),
            models.CheckConstraint(
                name="execution_sent_is_whole",
                condition=~Q(state__in=["sending", "sent", "unknown", "assumed"])
                | Q(
                    intended_at__isnull=False,
                    account__isnull=False,
                    revision__isnull=False,
                    attempts__gte=1,
                ),
            ),
        ]
        indexes = [
            # mend: calls that never came back, outcomes to look for
            models.Index(
                name="execution_sending",
                fields=["intended_at"],
                condition=Q(state="sending"),
            ),
            models.Index(
                name="execution_unknown",
                fields=["look_at"],
                condition=Q(state="unknown"),
            ),
            # the panel: the sends of today
            models.Index(
                name="execution_by_intent",
                fields=["intended_at"],
                condition=Q(intended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{str(self.run_id)[:8]} {self.round}.{self.position}"


class Attempt(models.Model):
    """One call of a provider. An attempt is never changed once its outcome is known."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(
        Execution, models.CASCADE, related_name="attempt_rows"
    )
    number = models.PositiveIntegerField(_("number"))
    correlation = models.CharField(_("correlation"), max_length=100, unique=True)
    account = models.ForeignKey(Account, models.PROTECT, null=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome, null=True, blank=True
    )
    why = models.CharField(_("why"), max_length=20, blank=True, db_default="")
    code = models.CharField(_("code"), max_length=50, blank=True, db_default="")
    detail = models.TextField(_("detail"), blank=True, db_default="")
    duration_ms = models.PositiveIntegerField(_("duration, ms"), null=True, blank=True)
    # A person who found out what happened says so here.
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")

    class Meta:
        db_table = "send_attempts"
        verbose_name = _("send attempt")
        verbose_name_plural = _("send attempts")
        constraints = [
            models.UniqueConstraint(
                name="send_attempt_once", fields=["execution", "number"]
            ),
            models.UniqueConstraint(
                name="send_attempt_one_may_have_arrived",
                fields=["execution"],
                condition=(Q(outcome__in=["accepted", "unknown"]) | Q(outcome=None))
                & Q(resolved_at=None),
            ),
        ]
        # metrics: the last hour; attempts are written in the order of time
        indexes = [BrinIndex(name="send_attempt_by_start", fields=["started_at"])]

    def __str__(self) -> str:
        return self.correlation


class Task(models.Model):
    """What a person has to do for a step."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        CANCELLED = "cancelled", _("cancelled")

    id = models.BigAutoField(primary_key=True)
    execution = models.OneToOneField(Execution, models.CASCADE, related_name="task")
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(
        _("state"), max_length=10, choices=State, db_default=State.OPEN
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")

    class Meta:
        db_table = "cadence_tasks"
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        indexes = [
            # the list: what waits for somebody, and all of them
            models.Index(
                name="task_open",
                fields=["created_at", "id"],
                condition=Q(state="open"),
            ),
            models.Index(name="task_newest", fields=["created_at", "id"]),
        ]

    def __str__(self) -> str:
        return self.title
