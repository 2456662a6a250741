"""Budgets: how much of what a provider allows is used, and when there is room again."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from queues.admin import show
from queues.admin.verbs import Window
from syncs.klaviyo.client import DAY, TIERS
from syncs.models import Budget


@admin.register(Budget)
class BudgetAdmin(Window):
    """Every limit of every account."""

    ordering = ("provider", "account", "group")
    sortable_by = ()
    actions = None
    list_display = ("account", "provider", "group", "used", "state")
    list_filter = ("provider",)
    search_fields = ("account",)
    fields = readonly_fields = (
        "provider", "account", "group", "used", "state", "asked_seconds", "strikes",
        "capacity", "level", "restore_rate", "measured_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        """Count the calls of the last minute and the last day."""
        recent = {
            f"last_{name}": Count(
                "spendings",
                filter=Q(spendings__counts_at__gt=Now() - timedelta(seconds=seconds)),
            )
            for name, seconds in (("minute", 60), ("day", DAY))
        }
        return super().get_queryset(request).annotate(**recent)

    @admin.display(description=gettext_lazy("used"))
    def used(self, row: Any) -> str:
        """Show what is used of the longest window, or what is left of a bucket."""
        if row.level is not None:
            passed = (timezone.now() - row.measured_at).total_seconds()
            level = min(row.capacity, row.level + passed * row.restore_rate)
            left = gettext_lazy("%(left)d of %(most)d points are left")
            return str(left % {"left": level, "most": row.capacity})
        windows = TIERS.get(row.group, ())
        if not windows:
            return "–"
        longest = max(windows, key=lambda window: window.seconds)
        count = row.last_day if longest.seconds == DAY else row.last_minute
        said = gettext_lazy("%(used)d of %(most)d calls")
        return str(said % {"used": count, "most": longest.most})

    @admin.display(description=gettext_lazy("next call"))
    def state(self, row: Budget) -> SafeString | str:
        """Show when a call may be made."""
        if row.blocked_until and row.blocked_until > timezone.now():
            return show.moment(row.blocked_until)
        return show.badge(str(gettext_lazy("now")), "good")
