"""Many leads for a cadence at once: what was asked line by line, and what became of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cadences.models.definitions import Cadence
from cadences.models.keys import RandomUUID
from cadences.models.runs import Run


class EnrollmentBatch(models.Model):
    """A file or a list of leads that somebody enrols."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    cadence = models.ForeignKey(
        Cadence, models.PROTECT, verbose_name=_("cadence"), related_name="batches"
    )
    name = models.CharField(_("name"), max_length=200, blank=True, db_default="")
    is_dry = models.BooleanField(_("dry run"), db_default=False)
    without_contact = models.BooleanField(
        _("also leads without an address"), db_default=False
    )
    created_by = models.CharField(_("by"), max_length=150, blank=True, db_default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True,
        related_name="+",
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        db_table = "enrollment_batches"
        verbose_name = _("enrolment batch")
        verbose_name_plural = _("enrolment batches")

    def __str__(self) -> str:
        return self.name or str(self.pk)


class EnrollmentRow(models.Model):
    """One line; without a result it is still to be done."""

    class Result(models.TextChoices):
        ENROLLED = "enrolled", _("enrolled")
        REFUSED = "refused", _("refused by a rule")
        DUPLICATE = "duplicate", _("twice in the batch")
        INVALID = "invalid", _("invalid")
        ERROR = "error", _("error")

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(EnrollmentBatch, models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField(_("line"))
    data = models.JSONField(_("data"), default=dict, db_default={})
    result = models.CharField(
        _("result"), max_length=10, choices=Result, null=True, blank=True
    )
    # Of a refusal the word of the API, of a fault what is wrong.
    detail = models.TextField(_("detail"), blank=True, db_default="")
    run = models.ForeignKey(
        Run, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        db_table = "enrollment_rows"
        verbose_name = _("enrolment row")
        verbose_name_plural = _("enrolment rows")
        constraints = [
            models.UniqueConstraint(
                name="enrollment_row_once", fields=["batch", "line"]
            )
        ]
        indexes = [
            # load: what is still to be done
            models.Index(
                name="enrollment_row_to_do",
                fields=["batch", "line"],
                condition=Q(result__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.line}"
