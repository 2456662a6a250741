"""How the rows of this app look: states on their tones, reasons in words, links."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cadences.admin import desk
from cadences.models import Execution, Lead, Run
from cadences.states import (
    EventType,
    ExecutionState,
    ExitReason,
    PauseReason,
    RunStatus,
)
from queues.admin import show

RUNS = {
    RunStatus.ACTIVE: "busy",
    RunStatus.PAUSED: "warn",
    RunStatus.DONE: "good",
    RunStatus.CANCELLED: "mute",
}
EXECUTIONS = {
    ExecutionState.PENDING: "wait",
    ExecutionState.SENDING: "busy",
    ExecutionState.SENT: "good",
    ExecutionState.REFUSED: "bad",
    ExecutionState.UNKNOWN: "warn",
    ExecutionState.ASSUMED: "good",
    ExecutionState.SKIPPED: "mute",
    ExecutionState.CANCELLED: "mute",
}
EVENTS = {
    EventType.SENT: "good",
    EventType.DELIVERED: "good",
    EventType.READ: "good",
    EventType.DONE: "good",
    EventType.TASK_DONE: "good",
    EventType.REPLIED: "busy",
    EventType.ERROR: "bad",
    EventType.UNDELIVERED: "bad",
    EventType.BOUNCED: "bad",
    EventType.OPTED_OUT: "bad",
    EventType.UNKNOWN: "warn",
    EventType.PAUSED: "warn",
    EventType.ASSUMED: "warn",
}


def status(run: Run) -> SafeString:
    """Return where a run stands."""
    known = RunStatus(run.status)
    return show.badge(str(known.label), RUNS[known])


def why(run: Run) -> str:
    """Return why a run is paused or has ended; nothing for an active one."""
    if run.pause_reason:
        return reason(PauseReason, run.pause_reason)
    return reason(ExitReason, run.exit_reason) if run.exit_reason else ""


def reason(words: Any, value: str) -> str:
    """Return the label of a stored word; one that nobody knows as it is."""
    return str(words(value).label) if value in words.values else value


def sent(execution: Execution) -> SafeString:
    """Return what became of a step."""
    return sent_word(ExecutionState(execution.state))


def sent_word(state: ExecutionState) -> SafeString:
    """Return a state of a step on its tone."""
    return show.badge(str(state.label), EXECUTIONS[state])


def event(word: str) -> SafeString:
    """Return what happened to a run."""
    label = reason(EventType, word)
    tone = EVENTS.get(EventType(word), "wait") if word in EventType.values else "wait"
    return show.badge(label, tone)


def lead(request: HttpRequest, row: Lead) -> str:
    """Return how a lead is called, as this person may know it."""
    if row.erased_at:
        return _("erased")
    return desk.name(request, row.name) or f"#{str(row.pk)[:8]}"


def link(name: str, key: Any, text: Any) -> SafeString:
    """Lead to the page of a row of this app."""
    return format_html('<a href="{}">{}</a>', address(name, key), text)


def address(name: str, key: Any) -> str:
    """Return where the page of a row of this app is."""
    return reverse(f"admin:cadences_{name}_change", args=[key])


def two_lines(first: Any, second: Any) -> SafeString:
    """Show a fact, and a lesser one below."""
    return format_html('{}<span class="sub">{}</span>', first, second)
