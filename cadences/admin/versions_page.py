"""What becomes of versions: begun, compared, published, thrown away, moved to."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences import edit
from cadences.admin import words
from cadences.admin.cadence_figures import capped
from cadences.admin.lines import Line
from cadences.admin.moves import moves, way
from cadences.compare import Change, compare
from cadences.errors import NotPublishable
from cadences.funnel import living
from cadences.lint import lint
from cadences.migrate import Vanished
from cadences.models import Cadence, Calendar, Run, Step, Version
from cadences.publish import draft, publish, read
from cadences.steps import steps_of
from queues.audit import because
from queues.enqueue import enqueue

KINDS = {
    "added": (gettext_lazy("added"), "good"),
    "removed": (gettext_lazy("taken away"), "bad"),
    "changed": (gettext_lazy("changed"), "warn"),
    "moved": (gettext_lazy("moved"), "busy"),
    "same": (gettext_lazy("as before"), "mute"),
}


def begin(admin: Any, request: HttpRequest, cadence: Cadence) -> HttpResponse:
    """Begin a draft, a copy of what is published; or find the one that is there."""
    version = draft(cadence)
    text = _("Version %(n)d is yours to edit. Nobody sees it before it is published.")
    admin.message_user(request, text % {"n": version.number}, messages.SUCCESS)
    return redirect(_steps(cadence))


def throw_away(admin: Any, request: HttpRequest, cadence: Cadence) -> HttpResponse:
    """Discard the draft."""
    version = cadence.versions.filter(state=Version.State.DRAFT).first()
    if version is not None:
        edit.discard(version)
        text = _("The draft is thrown away. What is published stays as it is.")
        admin.message_user(request, text, messages.SUCCESS)
    return redirect(_steps(cadence))


def diff(_admin: Any, request: HttpRequest, cadence: Cadence) -> dict[str, Any]:
    """Show what differs between two versions: by default the newest two."""
    versions = list(cadence.versions.order_by("-number")[:50])
    if not versions:
        raise Http404
    after = _named(request, "to", versions) or versions[0]
    older = [each for each in versions if each.number < after.number]
    before = _named(request, "from", versions) or next(iter(older), after)
    return {
        "title": _("What differs"),
        "versions": versions,
        "before": before,
        "after": after,
        "changes": changes_of(steps_of(before), steps_of(after)),
    }


def _named(request: HttpRequest, word: str, versions: list[Version]) -> Version | None:
    number = request.GET.get(word, "")
    return next((each for each in versions if str(each.number) == number), None)


def changes_of(before: Sequence[Step], after: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the differences between two versions, ready to be shown."""
    calendars = dict(Calendar.objects.values_list("pk", "name"))
    return [_told(each, calendars) for each in compare(before, after)]


def _told(change: Change, calendars: dict[int, str]) -> dict[str, Any]:
    label, tone = KINDS[change.kind]
    step = change.after or change.before
    if step is None:
        raise AssertionError("a change is of a step")
    facts = [
        {
            "name": words.FACTS[fact.name],
            "before": words.fact(fact.name, fact.before, calendars),
            "after": words.fact(fact.name, fact.after, calendars),
        }
        for fact in change.facts
    ]
    return {
        "kind": change.kind, "label": label, "tone": tone, "line": Line(step),
        "before": change.before, "after": change.after, "facts": facts,
    }  # fmt: skip


def publish_page(
    admin: Any, request: HttpRequest, cadence: Cadence
) -> HttpResponse | dict[str, Any]:
    """Ask before a version goes to people; publish it on a POST."""
    versions = cadence.versions.select_related(
        "cadence__company__calendar", "cadence__calendar"
    )
    version = versions.filter(state=Version.State.DRAFT).first()
    if version is None:
        admin.message_user(
            request, _("There is no draft to publish."), messages.WARNING
        )
        return redirect(_steps(cadence))
    if request.method == "POST":
        return _publish(admin, request, version)
    plan, before = read(version), cadence.published
    notes = lint(plan)
    runs = sum(living(cadence.pk).values())
    return {
        "title": _("Publish version %(n)d") % {"n": version.number},
        "version": version,
        "faults": [each for each in notes if each.is_fault],
        "warnings": [each for each in notes if not each.is_fault],
        "before": before,
        "runs": capped(runs) if runs else "",
        "changes": changes_of(steps_of(before), plan.steps) if before else [],
    }


def _publish(admin: Any, request: HttpRequest, version: Version) -> HttpResponse:
    try:
        with because(request.POST.get("reason", "")):
            publish(version, actor=request.user.get_username())
    except NotPublishable as error:
        for fault in error.faults:
            admin.message_user(request, fault, messages.ERROR)
        return redirect(_steps(version.cadence))
    text = _("Version %(n)d is published: new leads follow it.")
    admin.message_user(request, text % {"n": version.number}, messages.SUCCESS)
    return redirect("admin:cadences_cadence_change", version.cadence_id)


def migrate_page(
    admin: Any, request: HttpRequest, cadence: Cadence
) -> HttpResponse | dict[str, Any]:
    """Tell what would become of the runs on other versions; move them on a POST."""
    version = cadence.published
    if version is None:
        admin.message_user(request, _("No version is published."), messages.WARNING)
        return redirect(_steps(cadence))
    given = request.POST if request.method == "POST" else request.GET
    vanished = way(given.get("vanished"))
    if request.method == "POST":
        return _migrate(admin, request, version, vanished)
    return {
        "title": _("Move runs to version %(n)d") % {"n": version.number},
        "version": version,
        **moves(Run.objects.filter(cadence=cadence), vanished),
    }


def _migrate(
    admin: Any, request: HttpRequest, version: Version, vanished: Vanished
) -> HttpResponse:
    data = {
        "version": version.pk, "vanished": vanished,
        "actor": request.user.get_username(),
    }  # fmt: skip
    job = enqueue(
        "cadence-migrate", data, priority=3, source="admin",
        unique_key=f"cadence-migrate:{version.cadence_id}",
    )  # fmt: skip
    text = _("Job %(id)d moves the runs, one by one. Its page tells how far it is.")
    admin.message_user(request, text % {"id": job.pk}, messages.SUCCESS)
    return redirect("admin:cadences_cadence_change", version.cadence_id)


def _steps(cadence: Cadence) -> str:
    return reverse("admin:cadences_cadence_steps", args=[cadence.pk])
