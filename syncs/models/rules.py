"""From a lead to a cadence: the rules, what they did, and the hints that came in."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models import Cadence, Lead, Run
from syncs.models.connections import Connection
from syncs.models.members import LeadEvent
from syncs.models.segments import SegmentControl


class EnrolmentRule(models.Model):
    """When this happens to a lead, put them into that cadence."""

    class On(models.TextChoices):
        JOINED = "joined", _("a lead joins the segment")
        CHANGED = "changed", _("a lead changes")
        EVENT = "event", _("a webhook tells an event")

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=200)
    on = models.CharField(_("when"), max_length=10, choices=On)
    control = models.ForeignKey(
        SegmentControl, models.CASCADE, null=True, blank=True, related_name="rules",
        verbose_name=_("segment"), help_text=_("Empty is any segment of the company."),
    )  # fmt: skip
    event = models.CharField(
        _("event"), max_length=100, blank=True, db_default="",
        help_text=_("The word that the webhook says."),
    )  # fmt: skip
    facts = ArrayField(
        models.CharField(max_length=100), verbose_name=_("facts"), blank=True,
        default=list, db_default=[],
        help_text=_("Only if one of these changed, such as stage; separated by commas."),
    )  # fmt: skip
    cadence = models.ForeignKey(
        Cadence, models.CASCADE, related_name="+", verbose_name=_("cadence")
    )
    is_active = models.BooleanField(_("active"), db_default=True)
    with_baseline = models.BooleanField(
        _("also those already there"), db_default=False,
        help_text=_("Without it, leads found by the first sync of a segment stay out."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "enrolment_rules"
        verbose_name = _("enrolment rule")
        verbose_name_plural = _("enrolment rules")
        constraints = [
            models.CheckConstraint(
                name="rule_on", condition=Q(on__in=["joined", "changed", "event"])
            ),
            models.CheckConstraint(
                name="rule_names_its_event",
                condition=~Q(on="event") | ~Q(event=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Enrolment(models.Model):
    """What a rule did for a lead on one occasion: the row that makes it happen once."""

    id = models.BigAutoField(primary_key=True)
    rule = models.ForeignKey(
        EnrolmentRule, models.CASCADE, related_name="enrolments",
        verbose_name=_("enrolment rule"),
    )  # fmt: skip
    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="+", verbose_name=_("lead")
    )
    event = models.ForeignKey(LeadEvent, models.CASCADE, related_name="enrolments")
    run = models.ForeignKey(
        Run, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    motive = models.CharField(_("why not"), max_length=30, blank=True, db_default="")
    detail = models.CharField(max_length=200, blank=True, db_default="")
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        db_table = "lead_enrolments"
        verbose_name = _("enrolment by a rule")
        verbose_name_plural = _("enrolments by rules")
        constraints = [
            models.UniqueConstraint(name="enrolment_once", fields=["rule", "event"])
        ]
        # the page of a rule
        indexes = [models.Index(name="enrolment_by_rule", fields=["rule", "-at"])]

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.lead_id}"


class LeadHint(models.Model):
    """A webhook said that something happened to a lead; the truth is fetched later.

    Nothing of what it said is kept but these words and a hash: a hint is no proof.
    """

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(
        Connection, models.CASCADE, null=True, blank=True, related_name="+"
    )
    external_id = models.CharField(_("id there"), max_length=64)
    segment_id = models.BigIntegerField(_("segment"), null=True, blank=True)
    event = models.CharField(_("event"), max_length=100, blank=True, db_default="")
    digest = models.CharField(max_length=64)
    window = models.BigIntegerField()
    received_at = models.DateTimeField(_("received"), db_default=Now())
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)
    result = models.CharField(_("result"), max_length=200, blank=True, db_default="")

    class Meta:
        db_table = "lead_hints"
        verbose_name = _("hint of a webhook")
        verbose_name_plural = _("hints of webhooks")
        constraints = [
            models.UniqueConstraint(
                name="lead_hint_once",
                fields=["connection", "digest", "window"],
                nulls_distinct=False,
            )
        ]
        # retention
        indexes = [models.Index(name="lead_hint_by_time", fields=["received_at"])]

    def __str__(self) -> str:
        return f"{self.external_id} {self.event}".strip()
