"""The letter a dead job leaves, and what staff did to many of them at once."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from queues.models.audit import MAX_LABEL_LENGTH
from queues.models.job import MAX_TYPE_LENGTH, Job


class DeadLetter(models.Model):
    """Why a job died; open until someone replays it or dismisses the letter."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(
        Job, models.CASCADE, related_name="letters", db_constraint=False, db_index=False
    )
    type = models.CharField(_("type"), max_length=MAX_TYPE_LENGTH)
    reason = models.TextField(_("reason"))
    traceback = models.TextField(_("traceback"), null=True)
    created_at = models.DateTimeField(_("died"), db_default=Now())
    replayed_at = models.DateTimeField(_("replayed"), null=True)
    dismissed_at = models.DateTimeField(_("dismissed"), null=True)
    # A trigger fills it in, whoever writes the letter: alike for the same fault.
    fingerprint = models.UUIDField(_("fault"), null=True)
    # Which bulk replayed it, dismissed it or took that back, last of all.
    bulk = models.ForeignKey(
        "LetterBulk", models.DO_NOTHING, verbose_name=_("bulk"), null=True,
        related_name="letters", db_constraint=False, db_index=False,
    )  # fmt: skip

    class Meta:
        db_table = "dead_letters"
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        permissions = [
            ("replay_letter", _("Can replay a dead letter")),
            ("dismiss_letter", _("Can dismiss a dead letter")),
            ("export_letter", _("Can export dead letters")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="letter_one_standing_per_job",
                fields=["job"],
                condition=Q(replayed_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="letter_by_type", fields=["type", "-id"]),
            # groups: counts, first and last of every fault, by this index alone
            models.Index(
                name="letter_open",
                fields=["fingerprint", "type", "created_at"],
                condition=Q(replayed_at__isnull=True, dismissed_at__isnull=True),
            ),
            # the letters of one fault, the newest first
            models.Index(name="letter_of_fault", fields=["fingerprint", "-id"]),
            # restore: what one bulk dismissed
            models.Index(
                name="letter_of_bulk",
                fields=["bulk", "id"],
                condition=Q(bulk__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.job_id}"


class LetterBulk(models.Model):
    """One order over many letters; a job of ours carries it out, page by page."""

    class Verb(models.TextChoices):
        """What is done to each letter."""

        REPLAY = "replay", _("replay")
        DISCARD = "discard", _("discard")
        RESTORE = "restore", _("restore")

    id = models.BigAutoField(primary_key=True)
    verb = models.CharField(_("what"), max_length=10, choices=Verb)
    # Which letters, as `queues.letters.Selection` writes it; none younger than `upto`.
    selection = models.JSONField(_("selection"))
    upto = models.BigIntegerField()
    # A JSON merge patch of the payloads.
    edit = models.JSONField(_("change of the payload"), null=True)
    per_minute = models.PositiveIntegerField(_("at most a minute"), null=True)
    reason = models.TextField(_("reason"), db_default="")
    actor = models.CharField(
        _("ordered by"), max_length=MAX_LABEL_LENGTH, db_default=""
    )
    # The same form sent twice makes one bulk.
    token = models.UUIDField(unique=True, default=uuid.uuid4)
    restores = models.ForeignKey(
        "self",
        models.SET_NULL,
        verbose_name=_("takes back"),
        null=True,
        related_name="restored_by",
        db_constraint=False,
        db_index=False,
    )
    job = models.ForeignKey(
        Job,
        models.DO_NOTHING,
        verbose_name=_("job"),
        null=True,
        related_name="bulks",
        db_constraint=False,
        db_index=False,
    )
    # The page after `cursor` is next; all counts are committed with their page.
    cursor = models.BigIntegerField(db_default=0)
    total = models.PositiveIntegerField(_("letters"))
    done = models.PositiveIntegerField(_("done"), db_default=0)
    refused = models.PositiveIntegerField(_("refused"), db_default=0)
    # With a rate: until then its letters have their due times.
    paced_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("ordered"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        db_table = "letter_bulks"
        verbose_name = _("bulk repair")
        verbose_name_plural = _("bulk repairs")
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                name="bulk_verb_known",
                condition=Q(verb__in=["replay", "discard", "restore"]),
            ),
            models.CheckConstraint(
                name="bulk_rate_positive",
                condition=Q(per_minute__isnull=True) | Q(per_minute__gt=0),
            ),
            models.CheckConstraint(
                name="bulk_only_a_replay_edits",
                condition=Q(verb="replay") | Q(edit__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} #{self.pk}"


class LetterRefusal(models.Model):
    """Why one letter of a bulk was left as it was."""

    id = models.BigAutoField(primary_key=True)
    bulk = models.ForeignKey(LetterBulk, models.CASCADE, related_name="refusals")
    letter = models.ForeignKey(
        DeadLetter,
        models.DO_NOTHING,
        related_name="refusals",
        db_constraint=False,
        db_index=False,
    )
    job = models.ForeignKey(
        Job,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    reason = models.TextField(_("reason"))

    class Meta:
        db_table = "letter_refusals"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="refusal_once_per_bulk", fields=["bulk", "letter"]
            )
        ]

    def __str__(self) -> str:
        return self.reason
