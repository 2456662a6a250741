"""The page of one lead: addresses, consents, runs, and what was said both ways."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from cadences import clock
from cadences.admin import desk, look
from cadences.models import Contact, ContactIssue, Execution, Lead, Message, Run
from cadences.states import MAYBE_SENT
from cadences.suppress import hashed, suppressed
from queues.admin import show

SHOWN_RUNS = 20
SHOWN_MESSAGES = 50
SHOWN_CONSENTS = 20
STANDINGS = {
    Contact.Standing.UNKNOWN: "wait",
    Contact.Standing.VALID: "good",
    Contact.Standing.INVALID: "bad",
    Contact.Standing.PLACEHOLDER: "warn",
}


def page_of(request: HttpRequest, lead: Lead) -> dict[str, Any]:
    """Return what the page of a lead shows."""
    runs = lead.runs.select_related("cadence").order_by("-created_at", "-pk")
    consents = lead.consents.order_by("-at", "-pk")[:SHOWN_CONSENTS]
    issues = lead.issues.filter(resolved_at=None).order_by("-created_at")
    return {
        "lead_row": lead,
        "lead": look.lead(request, lead),
        "badge": standing(lead),
        "contacts": _contacts(request, lead),
        "issues": [_issue(request, each) for each in issues[:SHOWN_CONSENTS]],
        "consents": [_consent(request, each) for each in consents],
        "runs": [_run(each) for each in runs[:SHOWN_RUNS]],
        "all_runs": f"{reverse('admin:cadences_run_changelist')}?lead={lead.pk}",
        "talk": talk(request, lead),
        "facts": _facts(request, lead),
        "reveals": desk.reveals(request),
    }


def standing(lead: Lead) -> Any:
    """Return whether cadences may write to a lead."""
    if lead.erased_at:
        return show.badge(_("erased"), "mute")
    if lead.do_not_contact:
        return show.badge(_("do not contact"), "bad")
    if lead.mode == Lead.Mode.MANUAL:
        return show.badge(_("in person"), "warn")
    return show.badge(_("automatic"), "good")


def _contacts(request: HttpRequest, lead: Lead) -> list[dict[str, Any]]:
    rows = list(lead.contacts.order_by("medium", "-is_preferred", "pk"))
    pairs = {each.pk: (each.medium, hashed(each.medium, each.address)) for each in rows}
    closed = suppressed(pairs.values(), company=lead.company_id, now=clock.now())
    return [
        {
            "row": each,
            "address": desk.address(request, each.address),
            "badge": show.badge(
                str(Contact.Standing(each.standing).label),
                STANDINGS[Contact.Standing(each.standing)],
            ),
            "is_suppressed": pairs[each.pk] in closed,
            "url": look.address("contact", each.pk),
        }
        for each in rows
    ]


def _issue(request: HttpRequest, issue: ContactIssue) -> dict[str, Any]:
    return {
        "kind": issue.get_kind_display(),
        "detail": desk.words(request, issue.detail),
        "at": issue.created_at,
    }


def _consent(request: HttpRequest, consent: Any) -> dict[str, Any]:
    said = consent.evidence.get("said", "") if consent.evidence else ""
    return {"row": consent, "said": desk.words(request, str(said))}


def _run(run: Run) -> dict[str, Any]:
    return {
        "url": look.address("run", run.pk),
        "cadence": str(run.cadence),
        "badge": look.status(run),
        "why": look.why(run),
        "at": run.planned_run_at or run.next_run_at or run.updated_at,
    }


def talk(request: HttpRequest, lead: Lead) -> list[dict[str, Any]]:
    """Return what went out to a lead and what came back, the newest first."""
    said = heard(request, lead)
    said += [
        {
            "is_in": False,
            "at": each.intended_at,
            "medium": each.get_medium_display(),
            "body": desk.words(request, each.body),
            "badge": look.sent(each),
            "url": look.address("run", each.run_id),
        }
        for each in _sent(lead)
    ]
    return sorted(said, key=lambda each: each["at"], reverse=True)[:SHOWN_MESSAGES]


def heard(request: HttpRequest, lead: Lead) -> list[dict[str, Any]]:
    """Return what came from a lead, the newest first."""
    return [
        {
            "is_in": True,
            "at": each.created_at,
            "medium": each.get_channel_display(),
            "body": desk.words(request, each.body),
            "note": each.get_reading_display() if each.reading else "",
        }
        for each in _heard(lead)
    ]


def _heard(lead: Lead) -> QuerySet[Message]:
    rows = Message.objects.filter(lead=lead, direction=Message.Direction.IN)
    return rows.order_by("-created_at")[:SHOWN_MESSAGES]


def _sent(lead: Lead) -> QuerySet[Execution]:
    rows = Execution.objects.filter(run__lead=lead, state__in=MAYBE_SENT)
    return rows.order_by("-intended_at")[:SHOWN_MESSAGES]


def _facts(request: HttpRequest, lead: Lead) -> list[tuple[str, str]]:
    """Return what else is known of a lead; who may not see people sees its names."""
    is_open = desk.reveals(request)
    return [
        (name, _plain(value) if is_open else "•••") for name, value in lead.data.items()
    ]


def _plain(value: object) -> str:
    """Return a fact as people read it: words as they are, all else as JSON."""
    return value if isinstance(value, str) else show.pretty(value)
