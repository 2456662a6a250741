"""The filters of the list of runs: the words that an order over many understands."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cadences.admin.find import uuid_in
from cadences.admin.look import lead
from cadences.errors import UnknownSelection
from cadences.models import Cadence, Lead, Step, Version
from cadences.selection import ENDED, PAUSED, Runs
from cadences.states import ExitReason, Medium, PauseReason, RunStatus

MOST = 100
"""Cadences that are offered."""
SPANS = {
    "now": _("is due"),
    "hour": _("within an hour"),
    "day": _("within a day"),
    "3days": _("within three days"),
    "week": _("within a week"),
}


STUCK = {"yes": _("late, or paused by something wrong")}


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


class ByStuck(ByWord):
    """What stays behind, or waits because something is wrong."""

    title, parameter_name = _("needs a look"), "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer one thing."""
        return STUCK.items()


class ByMedium(ByWord):
    """The channel of the step that comes."""

    title, parameter_name = _("channel"), "medium"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer all of them."""
        return Medium.choices


class ByOwner(ByWord):
    """Whose leads."""

    title, parameter_name = _("owner"), "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer those who own any."""
        owners = Lead.objects.exclude(owner=None).values("owner").distinct()
        rows = User.objects.filter(pk__in=owners).order_by("username")[:MOST]
        return [(str(each.pk), each.get_username()) for each in rows]


class OfCadence(ByWord):
    """Something of one cadence, offered once that is chosen."""

    def versions(self, request: HttpRequest) -> Any:
        """Return the versions of the cadence that is chosen."""
        key = uuid_in(request.GET.get("cadence", ""))
        rows = Version.objects.filter(cadence=key) if key else Version.objects.none()
        return rows.exclude(state=Version.State.DRAFT).order_by("-number")[:MOST]

    def asked(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Offer what a link asks for, so that it narrows and can be taken away."""
        word = request.GET.get(str(self.parameter_name), "")
        return [(word, word)] if word else []


class ByVersion(OfCadence):
    """One version of the cadence."""

    title, parameter_name = _("version"), "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer those that runs may be on."""
        found = [(str(each.pk), str(each.number)) for each in self.versions(request)]
        return found or self.asked(request)


class ByStep(OfCadence):
    """The place of the step that comes."""

    title, parameter_name = _("step"), "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Offer as many as a version has."""
        ours = [each.pk for each in self.versions(request)]
        rows = Step.objects.filter(version__in=ours).values_list("position")
        places = rows.order_by("position").distinct()
        return [(str(at), str(at)) for (at,) in places] or self.asked(request)


class ByLead(ByWord):
    """One lead: a word that a link brings; shown only where it narrows."""

    title, parameter_name = _("lead"), "lead"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[Any]:
        """Say who it is, so that it can be taken away again."""
        key = uuid_in(request.GET.get("lead", ""))
        row = Lead.objects.filter(pk=key).first() if key else None
        return [(str(row.pk), lead(request, row))] if row else []


FILTERS = (
    ByStatus, ByNext, ByStuck, ByCadence, ByVersion, ByStep, ByReason, ByMedium,
    ByOwner, ByLead,
)  # fmt: skip


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
        "stuck": STUCK,
        "medium": dict(Medium.choices),
        "owner": _owner(selection),
        "version": _version(selection),
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


def _owner(selection: Runs) -> dict[str, str]:
    rows = User.objects.filter(pk=selection.owner or 0)
    return {str(each.pk): each.get_username() for each in rows}


def _version(selection: Runs) -> dict[str, str]:
    rows = Version.objects.filter(pk=selection.version or 0)
    return {str(each.pk): str(each.number) for each in rows}


def words(request: HttpRequest) -> dict[str, str]:
    """Return what the address says of a selection."""
    return {
        each.name: request.GET[each.name]
        for each in fields(Runs)
        if request.GET.get(each.name)
    }
