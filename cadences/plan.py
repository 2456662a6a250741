"""What a pass would do with a run, and why: decided by the same gates, nothing written."""

from datetime import datetime
from uuid import UUID

from cadences.advance import Done
from cadences.claim import Candidate
from cadences.errors import BadTemplate, MissingVariable
from cadences.facts import Facts, gather
from cadences.gates import Act, Defer, Exit, Fail, Pause, Skip, first
from cadences.grammar import render
from cadences.models import Run
from cadences.senders import choose, unwelcome
from cadences.states import Result
from cadences.values import values_of

RESULTS: dict[type, Result] = {
    Defer: Result.DEFERRED,
    Fail: Result.ERROR,
    Pause: Result.PAUSED,
    Exit: Result.CANCELLED,
    Skip: Result.PASSED,
}


def read(run_id: UUID) -> Run:
    """Read a run with all that decides about it, without any lock."""
    runs = Run.objects.select_related(
        "lead__owner", "company__calendar", "cadence__calendar", "version"
    )
    return runs.get(pk=run_id)


def plan(each: Candidate, *, now: datetime) -> Done:
    """Return what a pass would do with a run now."""
    run = read(each.run_id)
    facts = gather(run, now=now)
    act = shut(facts)
    if act is None:
        return _done(facts, Result.PLANNED, preview(facts))
    said = getattr(act, "detail", "") or str(act.reason)
    return _done(facts, RESULTS[type(act)], said)


def shut(facts: Facts) -> Act | None:
    """Return what holds the run back, sender and text included; None if nothing does."""
    if found := first(facts, forced=facts.run.is_forced):
        return found[1]
    if facts.template is not None:
        chosen = choose(facts)
        return chosen if isinstance(chosen, Defer) else unwelcome(chosen, facts)
    return None


def preview(facts: Facts) -> str:
    """Return the text as the lead would read it now, or why there is none."""
    template = facts.template
    if template is None or template.revision is None:
        return ""
    try:
        return render(template.revision.body, values_of(facts.run, now=facts.now))
    except (MissingVariable, BadTemplate) as error:
        return str(error)


def _done(facts: Facts, result: Result, said: str) -> Done:
    run = facts.run
    return Done(
        run.pk, run.lead_id, run.next_step, facts.template_code, result, run.status,
        message=said,
    )  # fmt: skip
