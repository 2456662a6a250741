"""Filters of the list of jobs: when, of what, for whom; each can stand in a link."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from queues.models import CronLog
from queues.seek import SLACK, last_before

MOST_DIGITS = 18


class ByTime(admin.SimpleListFilter):
    """When the job was created: lately, or between two moments that a link says."""

    title = _("created")
    parameter_name = "created"
    SPANS = {
        "1h": (timedelta(hours=1), _("in the last hour")),
        "24h": (timedelta(hours=24), _("in the last 24 hours")),
        "7d": (timedelta(days=7), _("in the last 7 days")),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the spans, and what the link said."""
        spans = [(name, label) for name, (_span, label) in self.SPANS.items()]
        said = request.GET.get("created", "")
        return spans if said in {"", *self.SPANS} else [*spans, (said, said)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the times, and to the ids that were given out meanwhile."""
        value = self.value()
        if value is None:
            return queryset
        since, until = self._edges(value)
        if since is None and until is None:
            return queryset.none()
        if since is not None:
            queryset = queryset.filter(created_at__gte=since, pk__gt=last_before(since))
        if until is not None:
            newest = last_before(until + 2 * SLACK)
            queryset = queryset.filter(created_at__lt=until, pk__lte=newest + 1)
        return queryset

    def _edges(self, value: str) -> tuple[datetime | None, datetime | None]:
        if value in self.SPANS:
            return timezone.now() - self.SPANS[value][0], None
        first, _dots, last = value.partition("..")
        return _moment(first), _moment(last)


def _moment(text: str) -> datetime | None:
    """Return a moment of a link; without an offset it is in the reader's zone."""
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    if moment is not None and timezone.is_naive(moment):
        return timezone.make_aware(moment)
    return moment


class ByError(admin.SimpleListFilter):
    """Jobs of which a try failed, or those without."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer both."""
        return [("yes", _("has an error")), ("no", _("has none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to those."""
        match self.value():
            case "yes":
                return queryset.filter(error__isnull=False)
            case "no":
                return queryset.filter(error__isnull=True)
            case _:
                return queryset


class Linked(admin.SimpleListFilter):
    """Jobs that belong to something: shown only where a link chose it."""

    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer what the link says, and nothing else."""
        said = request.GET.get(str(self.parameter_name), "")
        return [(said, self.name(said))] if said else []

    def name(self, said: str) -> str:
        """Return how people call it."""
        return f"#{said}"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to what belongs to it."""
        value = self.value()
        if value is None:
            return queryset
        if not value.isdecimal() or len(value) > MOST_DIGITS:
            return queryset.none()
        return self.narrow(queryset, int(value))

    def narrow(self, queryset: QuerySet, number: int) -> QuerySet:
        """Narrow by the column."""
        return queryset.filter(**{self.column: number})


class ByBatch(Linked):
    """One batch."""

    title = _("batch")
    parameter_name = column = "batch"


class ByOwner(Linked):
    """One person."""

    title = _("owner")
    parameter_name = column = "owner"

    def name(self, said: str) -> str:
        """Return the name of the person."""
        people = get_user_model().objects
        found = people.filter(pk=said).first() if said.isdecimal() else None
        return str(found or f"#{said}")


class BySchedule(Linked):
    """The jobs that one schedule started."""

    title = _("schedule")
    parameter_name = "schedule"

    def narrow(self, queryset: QuerySet, number: int) -> QuerySet:
        """Narrow to the jobs of its firings."""
        fired = CronLog.objects.filter(schedule=number, job__isnull=False)
        return queryset.filter(pk__in=fired.values("job"))
