"""Filters of the list of schedules: how they stand, and what they start."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from queues import schedule_rows
from queues.admin.schedule_standing import WORDS, standing
from queues.handlers import registry


class ByStanding(admin.SimpleListFilter):
    """One state; only the code knows which schedules are late, over or broken."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the states that the list shows."""
        return list(WORDS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the schedules that stand so now."""
        value, now = self.value(), timezone.now()
        if value is None:
            return queryset
        rows = schedule_rows.rows()
        found = [row.id for row in rows if standing(row, now).state == value]
        return queryset.filter(pk__in=found)


class ByTask(admin.SimpleListFilter):
    """The schedules of one job type."""

    title = _("type")
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the registered types, and the one that was chosen."""
        names = [each.name for each in registry]
        chosen = request.GET.get(self.parameter_name)
        if chosen and chosen not in names:
            names.append(chosen)
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the type."""
        value = self.value()
        return queryset if value is None else queryset.filter(task=value)
