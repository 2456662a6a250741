"""The page of one run: why it waits, what happened, what was sent and what came back."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cadences.admin import acts, desk, look
from cadences.admin.lead_page import heard
from cadences.erase import WORDS
from cadences.explain import Explanation, Gate, explained
from cadences.models import Event, Execution, Run
from cadences.states import EventType, ExitReason, Medium, PauseReason, RunStatus
from queues.admin.told import told
from queues.models import AuditEntry

SHOWN_EVENTS = 200
SHOWN_ACTS = 50
GATES = {
    "switch": gettext_lazy("Sending is switched on"),
    "cadence": gettext_lazy("The cadence runs"),
    "lead": gettext_lazy("The lead may be written to"),
    "suppression": gettext_lazy("No address is suppressed"),
    "reply": gettext_lazy("The lead has not replied"),
    "taken_over": gettext_lazy("Nobody talks to the lead in person"),
    "age": gettext_lazy("The run is not too old"),
    "lateness": gettext_lazy("The step is not far too late"),
    "conditions": gettext_lazy("The conditions of the step are met"),
    "address": gettext_lazy("There is an address"),
    "window": gettext_lazy("It is within the open hours"),
    "gap": gettext_lazy("The last message is long enough ago"),
    "template": gettext_lazy("The template can be used"),
    "variables": gettext_lazy("Every variable has a value"),
    "sender": gettext_lazy("An account can send it"),
    "quota": gettext_lazy("There is room in the quota"),
    "free_text": gettext_lazy("The provider takes the text"),
}
REASONS = {
    **acts.REASONS,
    "run_now": gettext_lazy("sent at once, by hand"),
    "rescheduled": gettext_lazy("moved by hand"),
    "not_sent": gettext_lazy("certainly not sent"),
    "busy": gettext_lazy("the provider asked us to wait"),
    "window_closed": gettext_lazy("the window of the provider is closed"),
}
"""Words that events and gates store."""
DETAILS = {
    "reason": gettext_lazy("why"),
    "gate": gettext_lazy("held by"),
    "detail": gettext_lazy("detail"),
    "at": gettext_lazy("next try"),
    "until": gettext_lazy("until"),
    "canal": gettext_lazy("channel"),
    "medium": gettext_lazy("channel"),
    "message_id": gettext_lazy("id at the provider"),
    "via": gettext_lazy("found out by"),
    "verdict": gettext_lazy("verdict"),
    "evidence": gettext_lazy("evidence"),
    "said": gettext_lazy("said"),
    "title": gettext_lazy("task"),
    "from_version": gettext_lazy("from version"),
    "to_version": gettext_lazy("to version"),
    "to_step": gettext_lazy("to step"),
}
TIMES = {"at", "until"}
KNOWN = {"canal", "medium"}


def page_of(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return what the page of a run shows."""
    events = Event.objects.filter(run=run).order_by("-pk")[: SHOWN_EVENTS + 1]
    found = list(events)
    return {
        "run": run,
        "badge": look.status(run),
        "why": look.why(run),
        "lead": look.lead(request, run.lead),
        "explanation": _explained(request, run),
        "events": _timeline(request, run, found[:SHOWN_EVENTS]),
        "has_more": len(found) > SHOWN_EVENTS,
        "heard": heard(request, run.lead) if run.lead.replied_at else [],
        "sends": [one_send(request, each) for each in _sends(run)],
    }


def _explained(request: HttpRequest, run: Run) -> dict[str, Any] | None:
    if run.status != RunStatus.ACTIVE:
        return _still(run) if run.status == RunStatus.PAUSED else None
    found = explained(run)
    return {
        "answer": _answer(found),
        "next_at": found.next_at,
        "zone": found.zone,
        "gates": [_gate(each) for each in found.gates],
        "is_held": any(not each.is_open for each in found.gates),
        "preview": desk.words(request, found.preview),
        "account": found.account,
        "quota": found.quota,
    }


def _still(run: Run) -> dict[str, Any]:
    """Return what is said of a paused run: nothing but a person or a moment ends it."""
    why = look.why(run)
    return {"answer": _("Paused: %(why)s.") % {"why": why}, "next_at": run.resume_at}


def _answer(found: Explanation) -> str:
    """Return the sentence; what holds the step is told in the words of this page."""
    shut = next((each for each in found.gates if not each.is_open), None)
    if found.status != RunStatus.ACTIVE or found.is_settling or shut is None:
        return found.answer
    why = {"why": said(shut.reason), "detail": shut.detail}
    text = _("Held: %(why)s (%(detail)s).") if shut.detail else _("Held: %(why)s.")
    return text % why


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "name": GATES.get(gate.name, gate.name),
        "is_open": gate.is_open,
        "why": said(gate.reason) if gate.reason else "",
        "detail": gate.detail,
        "until": gate.until,
    }


def said(word: str) -> str:
    """Return a stored reason in words, from whichever list it comes."""
    if word in REASONS:
        return str(REASONS[word])
    for words in (PauseReason, ExitReason):
        if word in words.values:
            return look.reason(words, word)
    return word


def _timeline(request: HttpRequest, run: Run, events: list[Event]) -> list[Any]:
    """Return what happened and what people did, the newest first."""
    acts = AuditEntry.objects.filter(
        target_id=str(run.pk), target_kind="cadences.run"
    ).order_by("-at", "-id")
    found = [_event(request, each) for each in events]
    found += [
        {**told(each), "kind": "act", "at": each.at} for each in acts[:SHOWN_ACTS]
    ]
    return sorted(found, key=lambda each: each["at"], reverse=True)


def _event(request: HttpRequest, event: Event) -> dict[str, Any]:
    return {
        "kind": "event",
        "at": event.created_at,
        "badge": look.event(event.type),
        "is_silent": event.type == EventType.SCHEDULED,
        "position": event.position,
        "template": event.template_code,
        "actor": event.actor,
        "details": [
            _detail(request, name, value)
            for name, value in event.details.items()
            if name in DETAILS
        ],
    }


def _detail(request: HttpRequest, name: str, value: Any) -> dict[str, Any]:
    shown: Any = str(value)
    if name in WORDS:
        shown = desk.words(request, shown)
    elif name == "reason":
        shown = said(shown)
    elif name == "gate":
        shown = GATES.get(shown, shown)
    elif name in KNOWN:
        shown = look.reason(Medium, shown)
    moment = _moment(shown) if name in TIMES else None
    return {"name": DETAILS[name], "value": shown, "moment": moment}


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _sends(run: Run) -> list[Execution]:
    rows = Execution.objects.filter(run=run).select_related("account")
    return list(rows.prefetch_related("attempt_rows").order_by("-round", "-position"))


def one_send(request: HttpRequest, execution: Execution) -> dict[str, Any]:
    """Return what a page shows of a step that was taken, and of its calls."""
    attempts = sorted(execution.attempt_rows.all(), key=lambda each: each.number)
    return {
        "row": execution,
        "badge": look.sent(execution),
        "address": desk.address(request, execution.address),
        "subject": desk.words(request, execution.subject),
        "body": desk.words(request, execution.body),
        "why": said(execution.reason) if execution.reason else "",
        "attempts": [_attempt(request, each) for each in attempts],
        "url": look.address("execution", execution.pk),
    }


def _attempt(request: HttpRequest, attempt: Any) -> dict[str, Any]:
    return {
        "row": attempt,
        "outcome": attempt.get_outcome_display() or _("no answer yet"),
        "why": said(attempt.why) if attempt.why else "",
        "detail": desk.words(request, attempt.detail),
    }
