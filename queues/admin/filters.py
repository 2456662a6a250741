"""Filters whose choices come from the register, never from a walk over the rows."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from queues.handlers import registry
from queues.models import Attempt, CronLog, DeadLetter
from queues.models.job import DEFAULT_PRIORITY
from queues.seek import SLACK, last_before
from queues.states import State

MOST_DIGITS = 18
PRIORITIES = {
    1: _("1 · most urgent"),
    DEFAULT_PRIORITY: _("5 · normal"),
    9: _("9 · least urgent"),
}
SOURCES = {
    "admin": _("by hand"),
    "api": _("API"),
    "batch": _("end of a batch"),
    "code": _("code"),
    "coalesced": _("asked for meanwhile"),
    "command": _("command"),
    "cron": _("SQL cron"),
    "schedule": _("schedule"),
    "sql": _("SQL"),
}


class Exact(admin.SimpleListFilter):
    """Rows whose column of the same name has the chosen value."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the value, if one was chosen."""
        if self.value() is None:
            return queryset
        try:
            return queryset.filter(**{str(self.parameter_name): self.value()})
        except ValueError:
            return queryset.none()


class ByType(Exact):
    """One job type."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the registered types."""
        return [(each.name, each.name) for each in registry]


class ByQueue(Exact):
    """One queue."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the known queues."""
        return [(name, name) for name in registry.queues()]


class ByPriority(Exact):
    """One priority."""

    title = _("priority")
    parameter_name = "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer all nine."""
        return priorities()


class BySource(Exact):
    """One way in."""

    title = _("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the doors."""
        return SOURCES.items()


class ByState(admin.SimpleListFilter):
    """One state, the derived ones included; each by an index of its own."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the words that the list shows."""
        return [
            ("due", pgettext_lazy("job", "due")),
            ("scheduled", _("scheduled")),
            ("retrying", _("retrying")),
            *((each.value, each.label) for each in State if each != State.PENDING),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the state; open attempts and letters lead to the few quickly."""
        # The two halves say which index holds the pending rows of each.
        either = Q(limit_name__isnull=True) | Q(limit_name__isnull=False)
        now, pending = Now(), Q(status=State.PENDING) & either
        match self.value():
            case None:
                return queryset
            case "due":
                found = pending & Q(run_at__lte=now)
            case "scheduled":
                found = pending & Q(run_at__gt=now, failures=0)
            case "retrying":
                found = pending & Q(run_at__gt=now, failures__gt=0)
            case State.PROCESSING as status:
                running = Attempt.objects.filter(finished_at=None).values("job")
                found = Q(status=status, pk__in=running)
            case State.FAILED as status:
                dead = DeadLetter.objects.filter(replayed_at=None).values("job")
                found = Q(status=status, pk__in=dead)
            case status:
                found = Q(status=status)
        return queryset.filter(found)


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


class ByLetter(admin.SimpleListFilter):
    """Open letters, or those that someone dealt with."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the three ends of a letter."""
        return [
            ("open", pgettext_lazy("letter", "open")),
            ("replayed", _("replayed")),
            ("dismissed", _("dismissed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to the state."""
        match self.value():
            case "open":
                return queryset.filter(replayed_at=None, dismissed_at=None)
            case "replayed":
                return queryset.filter(replayed_at__isnull=False)
            case "dismissed":
                return queryset.filter(replayed_at=None, dismissed_at__isnull=False)
            case _:
                return queryset


def priorities() -> list[tuple[int, Any]]:
    """Return the nine priorities, the ends and the middle in words."""
    return [(number, PRIORITIES.get(number, str(number))) for number in range(1, 10)]
