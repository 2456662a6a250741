"""How a pass of the runner looks, in a list and on its own page."""

from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cadences.admin import look
from cadences.models import RunnerLog
from cadences.states import Trigger
from queues.admin import show

TONES = {
    RunnerLog.Status.RUNNING: "busy",
    RunnerLog.Status.OK: "good",
    RunnerLog.Status.ERROR: "bad",
    RunnerLog.Status.ABANDONED: "warn",
}


def badge(log: RunnerLog) -> SafeString:
    """Return how a pass ended; one that only told the plan says so."""
    if log.is_dry and log.status == RunnerLog.Status.OK:
        return show.badge(_("plan"), "wait")
    if log.status == RunnerLog.Status.OK and log.errors:
        return show.badge(_("with errors"), "warn")
    known = RunnerLog.Status(log.status)
    return show.badge(str(known.label), TONES[known])


def trigger(log: RunnerLog) -> str:
    """Return who started a pass."""
    return look.reason(Trigger, log.trigger_source or "")


def pass_of(log: RunnerLog) -> dict[str, Any]:
    """Return what the panel shows of a pass."""
    return {
        "url": look.address("runnerlog", log.pk),
        "badge": badge(log),
        "trigger": trigger(log),
        "at": log.executed_at,
        "sent": log.steps_executed,
        "errors": log.errors,
    }
