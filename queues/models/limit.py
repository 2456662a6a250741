"""Limits: the rows that rule them, whose turn it is, and what started lately."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MAX_NAME_LENGTH = 100
SHORTEST_PERIOD = 0.001


class LimitRow(models.Model):
    """One limit. Whoever claims under it locks this row first, then counts."""

    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH, primary_key=True)
    running = models.PositiveIntegerField(
        _("running at once"),
        null=True,
        blank=True,
        help_text=_("Empty: no such limit. 0: nothing starts."),
    )
    running_per_key = models.PositiveIntegerField(
        _("running at once, per key"), null=True, blank=True
    )
    rate = models.PositiveIntegerField(
        _("starts in a period"),
        null=True,
        blank=True,
        help_text=_("In any stretch of time as long as the period, exactly."),
    )
    rate_per_key = models.PositiveIntegerField(
        _("starts in a period, per key"), null=True, blank=True
    )
    period_seconds = models.FloatField(
        _("period in seconds"),
        db_default=60.0,
        validators=[MinValueValidator(SHORTEST_PERIOD)],
    )
    note = models.TextField(_("note"), blank=True, db_default="")
    # Where the next look at many keys begins; empty while one look sees them all.
    cursor = models.CharField(max_length=200, db_default="", editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        db_table = "limits"
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.CheckConstraint(
                name="limit_period_positive", condition=Q(period_seconds__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LimitKey(models.Model):
    """When a key of a limit was served last: the least recent goes first."""

    pk = models.CompositePrimaryKey("limit_name", "key")
    limit_name = models.CharField(max_length=MAX_NAME_LENGTH)
    key = models.CharField(max_length=200)
    served_at = models.DateTimeField()

    class Meta:
        db_table = "limit_keys"

    def __str__(self) -> str:
        return f"{self.limit_name} {self.key}"


class LimitUse(models.Model):
    """One start under a limit with a rate; gone once it has left the window."""

    id = models.BigAutoField(primary_key=True)
    limit_name = models.CharField(max_length=MAX_NAME_LENGTH)
    key = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        db_table = "limit_uses"
        indexes = [
            # admit: the starts within the window, of all and of one key
            models.Index(name="limit_use_recent", fields=["limit_name", "at"]),
            models.Index(name="limit_use_of_key", fields=["limit_name", "key", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.limit_name} {self.key}"
