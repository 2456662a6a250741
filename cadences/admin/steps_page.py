"""The steps of a version in their order: read by all, arranged while it is a draft."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from cadences import edit
from cadences.admin import words
from cadences.admin.lines import Line, lines_of
from cadences.admin.step_form import StepForms
from cadences.gates import FIELDS
from cadences.lint import lint
from cadences.models import Cadence, Step, Version
from cadences.publish import draft, read


def steps(admin: Any, request: HttpRequest, cadence: Cadence) -> dict[str, Any]:
    """Show the steps of a version: the one asked for, else the draft, else ours."""
    version = chosen(request, cadence)
    if version is None:
        return {"title": _("Steps"), "lines": [], "notes": [], "faults": 0}
    is_draft = version.state == Version.State.DRAFT
    plan = read(version)
    found = lint(plan)
    notes = [each for each in found if each.is_fault or each.position is None]
    notes.sort(key=lambda each: (not each.is_fault, each.position or 0))
    return {
        "title": _("Steps"),
        "version": version,
        "badge": words.state_of_version(version),
        "is_draft": is_draft,
        "is_editable": is_draft and admin.has_change_permission(request, cadence),
        "lines": lines_of(plan, found),
        "notes": notes if is_draft else [],
        "hints": len(found) - len(notes),
        "faults": sum(each.is_fault for each in notes),
        "has_published": cadence.published_id is not None,
    }


def chosen(request: HttpRequest, cadence: Cadence) -> Version | None:
    """Return the version that the address names, else the newest that matters."""
    versions = cadence.versions.select_related(
        "cadence__company__calendar", "cadence__calendar"
    )
    number = request.GET.get("version", "")
    if number:
        found = versions.filter(number=number).first() if number.isdigit() else None
        if found is None:
            raise Http404
        return found
    draft = versions.filter(state=Version.State.DRAFT).first()
    return draft or versions.order_by("-number").first()


def step(
    admin: Any, request: HttpRequest, cadence: Cadence
) -> HttpResponse | dict[str, Any]:
    """Show the form of a step, a new one without an id; write it on a POST."""
    row = _step(request, cadence)
    forms = StepForms(cadence, row, request.POST or None)
    if request.method == "POST" and forms.is_valid():
        return _save(admin, request, cadence, forms)
    return {
        "title": _("Step %(n)d") % {"n": row.position} if row else _("New step"),
        "step": row,
        "forms": forms,
        "fields": FIELDS,
        "line": Line(row) if row else None,
    }


def _step(request: HttpRequest, cadence: Cadence) -> Step | None:
    number = request.GET.get("id", "")
    if not number:
        return None
    rows = Step.objects.filter(version__cadence=cadence).select_related("version")
    found = rows.filter(pk=number).first() if number.isdigit() else None
    if found is None:
        raise Http404
    return found


def _save(
    admin: Any, request: HttpRequest, cadence: Cadence, forms: StepForms
) -> HttpResponse:
    facts, wordings = forms.facts(), forms.wordings()
    if forms.step is None:
        saved = edit.add_step(draft(cadence), facts, wordings)
    else:
        saved = edit.change_step(forms.step, facts, wordings)
    text = _("Step %(n)d is saved.") % {"n": saved.position}
    admin.message_user(request, text, messages.SUCCESS)
    return _back(cadence, saved)


def arrange(admin: Any, request: HttpRequest, cadence: Cadence) -> HttpResponse:
    """Move, copy or take away a step."""
    number = request.POST.get("id", "")
    rows = Step.objects.filter(version__cadence=cadence).select_related("version")
    row = rows.filter(pk=number).first() if number.isdigit() else None
    if row is None:
        raise Http404
    match request.POST.get("verb"):
        case "up":
            edit.move_step(row, by=-1)
        case "down":
            edit.move_step(row, by=1)
        case "copy":
            row = edit.duplicate_step(row)
        case "delete":
            edit.delete_step(row)
            text = _("Step %(n)d is deleted.") % {"n": row.position}
            admin.message_user(request, text, messages.SUCCESS)
            return _back(cadence, None)
        case _:
            raise Http404
    return _back(cadence, row)


def _back(cadence: Cadence, step: Step | None) -> HttpResponse:
    address = reverse("admin:cadences_cadence_steps", args=[cadence.pk])
    return redirect(address if step is None else f"{address}#step-{step.key}")
