"""What a cadence says: versions that never change once published, and their steps."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cadences.models.calendars import Calendar
from cadences.models.keys import RandomUUID
from cadences.models.people import Company
from cadences.states import Medium


class Cadence(models.Model):
    """A sequence of steps and its rules; runs follow one published version of it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        CLOSED = "closed", _("no new leads")
        PAUSED = "paused", pgettext_lazy("cadence", "paused")
        ARCHIVED = "archived", _("archived")

    class Reentry(models.TextChoices):
        NEVER = "never", _("never")
        AFTER_END = "after_end", _("after its end")
        AFTER_DAYS = "after_days", _("some days after its end")

    class OnReply(models.TextChoices):
        FINISH = "finish", _("end the run")
        PAUSE = "pause", _("pause the run")
        GO_ON = "continue", _("go on")

    class OnLate(models.TextChoices):
        PAUSE = "pause", _("pause the run")
        SKIP = "skip", _("skip the step")
        SEND = "send", _("send all the same")

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    company = models.ForeignKey(
        Company, models.PROTECT, verbose_name=_("company"), related_name="cadences"
    )
    code = models.CharField(_("code"), max_length=100)
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    description = models.TextField(_("description"), blank=True, db_default="")
    state = models.CharField(
        _("state"), max_length=10, choices=State, db_default=State.DRAFT
    )
    published = models.ForeignKey(
        "Version", models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_exclusive = models.BooleanField(
        _("only one such run a lead in the company"), db_default=True
    )
    reentry = models.CharField(
        _("may enter again"), max_length=10, choices=Reentry,
        db_default=Reentry.AFTER_END,
    )  # fmt: skip
    reentry_days = models.PositiveIntegerField(_("days until then"), db_default=0)
    on_reply = models.CharField(
        _("on a reply"), max_length=10, choices=OnReply, db_default=OnReply.FINISH
    )
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("calendar"),
    )  # fmt: skip
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, db_default=""
    )
    late_hours = models.PositiveIntegerField(_("too late after hours"), db_default=72)
    on_late = models.CharField(
        _("when too late"), max_length=10, choices=OnLate, db_default=OnLate.PAUSE
    )
    max_days = models.PositiveIntegerField(
        _("ends after days at most"), null=True, blank=True
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        db_table = "cadences"
        verbose_name = _("cadence")
        verbose_name_plural = _("cadences")
        permissions = [
            ("publish_cadence", _("Can publish a version of a cadence")),
            ("pause_cadence", _("Can pause, open and archive a cadence")),
        ]
        constraints = [
            models.UniqueConstraint(name="cadence_once", fields=["company", "code"])
        ]

    def __str__(self) -> str:
        return self.name or self.code


class Version(models.Model):
    """One state of a cadence's steps; a trigger keeps a published one from changing."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    id = models.BigAutoField(primary_key=True)
    cadence = models.ForeignKey(Cadence, models.PROTECT, related_name="versions")
    number = models.IntegerField(_("number"))
    state = models.CharField(
        _("state"), max_length=10, choices=State, db_default=State.DRAFT
    )
    checksum = models.CharField(_("checksum"), max_length=64, blank=True, db_default="")
    notes = models.TextField(_("notes"), blank=True, db_default="")
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")

    class Meta:
        db_table = "cadence_versions"
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        constraints = [
            models.UniqueConstraint(name="version_once", fields=["cadence", "number"]),
            models.UniqueConstraint(
                name="version_one_draft",
                fields=["cadence"],
                condition=Q(state="draft"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cadence} v{self.number}"


class Step(models.Model):
    """One thing to do, and how long after what. `key` is the same in all versions."""

    class Kind(models.TextChoices):
        MESSAGE = "message", _("message")
        TASK = "task", _("task")

    class Unit(models.TextChoices):
        MINUTES = "minutes", _("minutes")
        HOURS = "hours", _("hours")
        DAYS = "days", _("days")
        BUSINESS_DAYS = "business_days", _("business days")

    class Base(models.TextChoices):
        PREVIOUS = "previous", _("after the step before")
        START = "start", _("after the start")

    class OnUnknown(models.TextChoices):
        ASSUME = "assume", _("assume it was sent")
        REVIEW = "review", _("pause the run for a person")

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(Version, models.CASCADE, related_name="steps")
    key = models.UUIDField(_("key"), default=uuid.uuid4, db_default=RandomUUID())
    position = models.PositiveIntegerField(_("position"))
    kind = models.CharField(
        _("kind"), max_length=10, choices=Kind, db_default=Kind.MESSAGE
    )
    medium = models.CharField(
        _("channel"), max_length=10, choices=Medium, db_default=Medium.WHATSAPP
    )
    fallbacks = models.JSONField(
        _("other channels"), blank=True, default=list, db_default=[]
    )
    template_code = models.CharField(
        _("template"), max_length=100, blank=True, db_default=""
    )
    delay = models.PositiveIntegerField(_("delay"), db_default=0)
    unit = models.CharField(
        _("unit"), max_length=15, choices=Unit, db_default=Unit.MINUTES
    )
    base = models.CharField(
        _("counted"), max_length=10, choices=Base, db_default=Base.PREVIOUS
    )
    local_time = models.TimeField(_("at local time"), null=True, blank=True)
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("calendar"),
    )  # fmt: skip
    stop_on_reply = models.BooleanField(_("a reply ends the run"), db_default=True)
    conditions = models.JSONField(
        _("conditions"), blank=True, default=list, db_default=[]
    )
    on_unknown = models.CharField(
        _("if nobody knows"), max_length=10, choices=OnUnknown,
        db_default=OnUnknown.ASSUME,
    )  # fmt: skip
    gap_minutes = models.PositiveIntegerField(
        _("minutes since the last message"), db_default=60
    )
    title = models.CharField(_("title"), max_length=200, blank=True, db_default="")
    is_blocking = models.BooleanField(_("the run waits for it"), db_default=True)

    class Meta:
        db_table = "cadence_steps"
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            models.UniqueConstraint(
                name="step_position_once", fields=["version", "position"]
            ),
            models.UniqueConstraint(name="step_key_once", fields=["version", "key"]),
            models.CheckConstraint(
                name="step_position_from_1", condition=Q(position__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.template_code or self.title}"


class Variant(models.Model):
    """Another wording of a step, chosen by weight and always the same for a lead."""

    id = models.BigAutoField(primary_key=True)
    step = models.ForeignKey(Step, models.CASCADE, related_name="variants")
    code = models.CharField(_("code"), max_length=50)
    template_code = models.CharField(_("template"), max_length=100)
    weight = models.PositiveIntegerField(_("weight"), db_default=1)

    class Meta:
        db_table = "step_variants"
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        constraints = [
            models.UniqueConstraint(name="variant_once", fields=["step", "code"])
        ]

    def __str__(self) -> str:
        return self.code
