"""The filters of the list of runs: the words that an order over many understands."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cadences.admin.find import uuid_in
from cadences.admin.look import lead
from cadences.errors import UnknownSelection
from cadences.models import Cadence, Lead
from cadences.selection import ENDED, PAUSED, Runs
from cadences.states import ExitReason, PauseReason, RunStatus

MOST = 100
"""Cadences that are offered."""
SPANS = {
    "now": _("is due"),
    "hour": _("within an hour"),
    "day": _("within a day"),
    "3days": _("within three days"),
    "week": _("within a week"),
}


class ByWord(admin.SimpleListFilter):
    """A word of the selection by the same name."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow as an order with that word would."""
        try:
            found = Runs.read({str(self.parameter_name): self.value() or ""})
        except UnknownSelection:
            return queryset.none()
        return queryset.filter(found.condition())


class ByStatus(ByWord):
    """Where they stand."""

    title, parameter_name = _("status"), "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the four, and those that can still send."""
        return [("live", _("active or paused")), *RunStatus.choices]


class ByNext(ByWord):
    """When their next step is planned; the list begins with the first of them."""

    title, parameter_name = _("next step"), "next"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer some spans."""
        return SPANS.items()


class ByCadence(ByWord):
    """One cadence."""

    title, parameter_name = _("cadence"), "cadence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer those that are not archived."""
        rows = Cadence.objects.exclude(state=Cadence.State.ARCHIVED)
        return [(str(each.pk), str(each)) for each in rows.order_by("name")[:MOST]]


class ByReason(ByWord):
    """Why they pause, or why they ended."""

    title, parameter_name = _("reason"), "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer the pauses, then the ends."""
        return reasons()


class ByLead(ByWord):
    """One lead: a word that a link brings; shown only where it narrows."""

    title, parameter_name = _("lead"), "lead"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Say who it is, so that it can be taken away again."""
        key = uuid_in(request.GET.get("lead", ""))
        row = Lead.objects.filter(pk=key).first() if key else None
        return [(str(row.pk), lead(request, row))] if row else []


FILTERS = (ByStatus, ByNext, ByCadence, ByReason, ByLead)


def reasons() -> list[tuple[str, str]]:
    """Return the reasons of pauses and of ends, in words that say which."""
    pauses = [
        (f"{PAUSED}:{each.value}", _("paused: %(why)s") % {"why": each.label})
        for each in PauseReason
    ]
    ends = [
        (f"{ENDED}:{each.value}", _("ended: %(why)s") % {"why": each.label})
        for each in ExitReason
    ]
    return pauses + ends


def told(selection: Runs) -> list[tuple[str, str]]:
    """Return what a selection says, in words."""
    found = selection.words()
    labels: dict[str, dict[str, Any]] = {
        "status": dict([("live", _("active or paused")), *RunStatus.choices]),
        "next": SPANS,
        "reason": dict(reasons()),
        "cadence": _cadence(selection),
    }
    names = {each.parameter_name: each.title for each in FILTERS}
    return [
        (str(names[name]), str(labels.get(name, {}).get(word, word)))
        for name, word in found.items()
        if name in names
    ]


def _cadence(selection: Runs) -> dict[str, str]:
    if selection.cadence is None:
        return {}
    rows = Cadence.objects.filter(pk=selection.cadence)
    return {str(each.pk): str(each) for each in rows}


def words(request: HttpRequest) -> dict[str, str]:
    """Return what the address says of a selection."""
    return {
        each.name: request.GET[each.name]
        for each in fields(Runs)
        if request.GET.get(each.name)
    }
