"""Filters whose choices come from the register, never from a walk over the rows."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from queues.admin.choice import WHEN, span_of
from queues.errors import InvalidSelection
from queues.faults import fault
from queues.handlers import registry
from queues.letters import Selection
from queues.models import Attempt, DeadLetter
from queues.models.job import DEFAULT_PRIORITY
from queues.states import State

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


class ByDeath(admin.SimpleListFilter):
    """When they died, in words."""

    title = _("died")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the last hour, yesterday and the like."""
        return WHEN.items()

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to that time."""
        since, until = span_of(self.value() or "")
        if since is not None:
            queryset = queryset.filter(created_at__gte=since)
        return queryset if until is None else queryset.filter(created_at__lt=until)


class Linked(admin.SimpleListFilter):
    """A word that a link brings; shown only where it narrows."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer what was asked for, so that it can be taken away again."""
        word = request.GET.get(str(self.parameter_name))
        return [(word, word)] if word else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow as a selection with that word would."""
        try:
            found = Selection.read({str(self.parameter_name): self.value() or ""})
        except InvalidSelection:
            return queryset.none()
        return queryset & found.letters()


class ByFault(Linked):
    """One fault, by its fingerprint."""

    title = _("fault")
    parameter_name = "fingerprint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Say in words what its letters have in common."""
        found = super().lookups(request, model_admin)
        return [(word, fault_words(word)) for word, _ in found]


class ByBulk(Linked):
    """What one bulk dealt with."""

    title = _("bulk")
    parameter_name = "bulk"


class Since(Linked):
    """Died at that moment or later."""

    title = _("since")
    parameter_name = "since"


class Until(Linked):
    """Died before that moment."""

    title = _("until")
    parameter_name = "until"


def fault_words(fingerprint: str) -> str:
    """Return what the letters of a fault have in common, or the fingerprint itself."""
    with suppress(InvalidSelection):
        known = Selection.read({"fingerprint": fingerprint}).fingerprint
        return (known and fault(known)[1]) or fingerprint
    return fingerprint


def priorities() -> list[tuple[int, Any]]:
    """Return the nine priorities, the ends and the middle in words."""
    return [(number, PRIORITIES.get(number, str(number))) for number in range(1, 10)]
