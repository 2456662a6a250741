"""What a person says of a send that nobody knows the outcome of."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.advance import move_on, schedule, write
from cadences.conclude import confirm
from cadences.errors import IllegalMove
from cadences.mend import hold
from cadences.models import Execution, Run
from cadences.pause import resume
from cadences.states import (
    EventType,
    ExecutionState,
    PauseReason,
    RunStatus,
)
from cadences.tell import tell

TOO_YOUNG = timedelta(minutes=2)
"""An answer may still be on its way."""

Verdict = Literal["sent", "not_sent", "skip"]


@transaction.atomic
def resolve(
    execution_id: UUID, verdict: Verdict, *, actor: str, evidence: str = ""
) -> Execution:
    """Settle an unknown outcome by hand: it was sent, was not and goes again, or skip.

    "not_sent" needs a written reason and two minutes of patience, for it can send the
    message twice. Raises IllegalMove.
    """
    held = hold(execution_id)
    if held is None or held[1].state != ExecutionState.UNKNOWN:
        raise IllegalMove("Only a send whose outcome is unknown can be resolved")
    run, execution = held
    if verdict == "not_sent":
        _check(execution, evidence)
    _mark(execution, verdict, actor=actor)
    tell(
        run, EventType.RECONCILED, actor=actor, position=execution.position,
        via="person", verdict=verdict, evidence=evidence,
    )  # fmt: skip
    _follow(run, execution, verdict, actor=actor)
    execution.refresh_from_db()
    return execution


def _check(execution: Execution, evidence: str) -> None:
    if not evidence.strip():
        raise IllegalMove("Say how you know that it was not sent")
    if clock.now() - (execution.intended_at or clock.now()) < TOO_YOUNG:
        raise IllegalMove("Wait for two minutes: the answer may still come")


def _mark(execution: Execution, verdict: Verdict, *, actor: str) -> None:
    now = clock.now()
    outcome = "refused" if verdict == "not_sent" else "accepted"
    attempts = execution.attempt_rows.filter(outcome="unknown")
    if verdict == "skip":
        attempts.update(resolved_at=now, resolved_by=actor)
    else:
        attempts.update(outcome=outcome, resolved_at=now, resolved_by=actor)
    match verdict:
        case "sent":
            confirm(execution, "", now=execution.intended_at or now)
        case "not_sent":
            _set(execution, ExecutionState.REFUSED)
        case "skip":
            _set(execution, ExecutionState.SKIPPED)


def _set(execution: Execution, state: ExecutionState) -> None:
    Execution.objects.filter(pk=execution.pk).update(state=state, look_at=None)


def _follow(run: Run, execution: Execution, verdict: Verdict, *, actor: str) -> None:
    """Let the run go on from what is now known."""
    now = clock.now()
    if run.next_step_key == execution.step_key:
        if verdict == "not_sent":
            _again(run)
        else:
            move_on(run, since=execution.intended_at or now, now=now)
    if run.status == RunStatus.PAUSED and run.pause_reason == PauseReason.UNKNOWN_SEND:
        resume(run, actor=actor)


def _again(run: Run) -> None:
    if run.status == RunStatus.ACTIVE:
        schedule(run, clock.now())
    elif run.status == RunStatus.PAUSED:
        write(run, remaining=timedelta())
