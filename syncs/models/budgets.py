"""How often a provider may be called: shared by all workers, exact, and kept in rows."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Budget(models.Model):
    """One limit of a provider's account: of an endpoint, or of its bucket of points.

    It belongs to the account, not to a connection: two stores may share one.
    """

    id = models.BigAutoField(primary_key=True)
    provider = models.CharField(_("provider"), max_length=20)
    account = models.CharField(_("account"), max_length=200)
    group = models.CharField(_("endpoint"), max_length=60)
    blocked_until = models.DateTimeField(_("blocked until"), null=True, blank=True)
    # What the provider asked for, however absurd; we wait for 36 hours at most.
    asked_seconds = models.FloatField(
        _("seconds that were asked for"), null=True, blank=True
    )
    strikes = models.PositiveIntegerField(_("refusals in a row"), db_default=0)
    # A bucket of points: what was in it at a moment, calls in flight not counted.
    capacity = models.FloatField(_("capacity"), null=True, blank=True)
    level = models.FloatField(_("points"), null=True, blank=True)
    restore_rate = models.FloatField(_("points a second"), null=True, blank=True)
    measured_at = models.DateTimeField(_("measured"), db_default=Now())
    # What the provider said last of the rest of its window.
    remaining = models.IntegerField(_("calls left"), null=True, blank=True)
    # What is remembered of the price of a query, by its name.
    memory = models.JSONField(default=dict, db_default={}, editable=False)

    class Meta:
        db_table = "provider_budgets"
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.UniqueConstraint(
                name="budget_once", fields=["provider", "account", "group"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.account} {self.group}"


class Spending(models.Model):
    """One call that counts against a budget.

    While it is in flight it counts as late as it can reach the provider; settled, it
    counts at the moment its answer was there, and so never earlier than the provider
    counted it.
    """

    id = models.BigAutoField(primary_key=True)
    budget = models.ForeignKey(
        Budget, models.CASCADE, related_name="spendings", db_index=False
    )
    counts_at = models.DateTimeField(_("counts at"))
    is_open = models.BooleanField(_("in flight"), db_default=True)
    points = models.FloatField(_("points"), db_default=0.0)

    class Meta:
        db_table = "provider_calls"
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        # the n-th latest call of a budget; what is too old to count
        indexes = [
            models.Index(name="spending_by_age", fields=["budget", "-counts_at"])
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.counts_at}"
