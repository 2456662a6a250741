"""Do what a decision says for a run that nothing is sent to now."""

from datetime import datetime, timedelta
from typing import assert_never

from cadences import retries
from cadences.advance import Done, done, finish, move_on, pause, schedule, write
from cadences.gates import Act, Defer, Exit, Fail, Pause, Skip
from cadences.intend import Behind, Held, InDoubt, Through, Work
from cadences.models import Execution, Run, Step, Task
from cadences.states import (
    EventType,
    ExecutionState,
    ExitReason,
    PauseReason,
    Result,
    RunStatus,
)
from cadences.tell import tell, tell_once

Still = Held | Behind | InDoubt | Work | Through


def obey(run: Run, decision: Still, *, now: datetime) -> Done:
    """Write what a decision other than to send means, in the caller's transaction."""
    position = run.next_step
    match decision:
        case Through():
            finish(run, ExitReason.NO_MORE_STEPS)
            return done(run, Result.DONE, position=position)
        case Behind(execution):
            since = execution.sent_at or execution.intended_at or now
            move_on(run, since=since, now=now)
            return done(run, Result.PASSED, position=position)
        case InDoubt(execution):
            return doubt(run, execution, now=now)
        case Work(step):
            return _hand_over(run, step, now=now)
        case Held(gate, act):
            return act_on(run, act, gate=gate, now=now)
        case _:
            assert_never(decision)


def act_on(run: Run, act: Act, *, gate: str, now: datetime) -> Done:
    """Do what a gate says."""
    position = run.next_step
    match act:
        case Defer(until, reason, detail):
            schedule(run, until)
            tell_once(
                run, EventType.SCHEDULED, reason=reason, gate=gate,
                detail=detail or None, at=until.isoformat(),
            )  # fmt: skip
            return done(run, Result.DEFERRED, position=position, message=reason)
        case Fail():
            return fail(run, act, now=now)
        case Pause(why, detail):
            pause(run, why, now=now, gate=gate, detail=detail or None)
            return done(run, Result.PAUSED, position=position, message=why.value)
        case Exit(why, detail):
            finish(run, why, gate=gate, detail=detail or None)
            return done(run, ended(run), position=position, message=why.value)
        case Skip(reason, detail):
            return skip(run, reason, now=now, detail=detail)
        case _:
            assert_never(act)


def fail(run: Run, act: Fail, *, now: datetime, template: str = "") -> Done:
    """Write an error; after the third in a row the run waits for a person."""
    position, count = run.next_step, run.errors_in_a_row + 1
    last = count >= retries.MAX_ERRORS
    tell(
        run, EventType.ERROR, template_code=template, reason=act.reason,
        detail=act.detail, limit="max_retries_exceeded" if last else None,
    )  # fmt: skip
    write(run, errors_in_a_row=count)
    schedule(run, now + act.after)
    if last:
        pause(run, act.then, now=now, detail=act.detail)
    return done(
        run, Result.ERROR, position=position, error=act.detail, template=template
    )


def skip(
    run: Run, reason: str, *, now: datetime, actor: str = "", detail: str = ""
) -> Done:
    """Pass over the next step of a run."""
    position, key = run.next_step, run.next_step_key
    if position is None or key is None:
        raise AssertionError("only a step that there is can be passed over")
    Execution.objects.update_or_create(
        run=run, round=run.round, step_key=key,
        defaults={
            "position": position, "state": ExecutionState.SKIPPED, "reason": reason,
        },
    )  # fmt: skip
    tell(run, EventType.SKIPPED, actor=actor, reason=reason, detail=detail or None)
    move_on(run, since=now, now=now)
    return done(run, Result.PASSED, position=position, message=reason)


def doubt(run: Run, execution: Execution, *, now: datetime) -> Done:
    """Wait for what is on the wire or in the dark; once it is settled, follow the step.

    Nothing is ever sent from here.
    """
    position = run.next_step
    since = execution.intended_at or now
    if execution.state == ExecutionState.SENDING:
        if now < since + retries.GIVEN_UP:
            schedule(run, since + retries.GIVEN_UP)
            return done(run, Result.DEFERRED, position=position, message="sending")
        lose(run, execution, "the call never came back", now=now)
        return done(run, Result.UNKNOWN, position=position)
    if now < since + retries.SETTLED:
        schedule(run, since + retries.SETTLED)
        return done(run, Result.UNKNOWN, position=position)
    return decide(run, execution, now=now)


def lose(run: Run, execution: Execution, detail: str, *, now: datetime) -> None:
    """Write that nobody knows whether a message was sent."""
    since = execution.intended_at or now
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.UNKNOWN, reason=detail, lookups=0,
        look_at=since + retries.LOOKUPS[0],
    )  # fmt: skip
    execution.attempt_rows.filter(outcome=None).update(
        outcome="unknown", ended_at=now, detail=detail
    )
    tell(run, EventType.UNKNOWN, position=execution.position, detail=detail)
    if run.status == RunStatus.ACTIVE and run.next_step_key == execution.step_key:
        schedule(run, since + retries.SETTLED)


def decide(run: Run, execution: Execution, *, now: datetime) -> Done:
    """Let the step's own policy settle an outcome that nobody could find out."""
    position = run.next_step
    if policy(run, execution) == Step.OnUnknown.REVIEW:
        Execution.objects.filter(pk=execution.pk).update(look_at=None)
        pause(run, PauseReason.UNKNOWN_SEND, now=now)
        return done(run, Result.PAUSED, position=position)
    assume(run, execution, now=now)
    return done(run, Result.UNKNOWN, position=position, message="assumed")


def assume(run: Run, execution: Execution, *, now: datetime) -> None:
    """Take an unknown message for sent, and move on from when it was meant to go."""
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.ASSUMED, look_at=None
    )
    tell(run, EventType.ASSUMED, position=execution.position)
    if run.next_step_key == execution.step_key:
        move_on(run, since=execution.intended_at or now, now=now)


def policy(run: Run, execution: Execution) -> str:
    """Return what the step says of an unknown outcome."""
    steps = Step.objects.filter(version=run.version_id, key=execution.step_key)
    found = steps.values_list("on_unknown", flat=True).first()
    return found or Step.OnUnknown.REVIEW


def ended(run: Run) -> Result:
    """Return the word of the runner's answer for a run that has just ended."""
    return Result.DONE if run.status == RunStatus.DONE else Result.CANCELLED


def _hand_over(run: Run, step: Step, *, now: datetime) -> Done:
    """Give a step to a person; a blocking one holds the run until it is done."""
    execution, _ = Execution.objects.get_or_create(
        run=run, round=run.round, step_key=step.key,
        defaults={"position": step.position, "medium": step.medium},
    )  # fmt: skip
    title = step.title or str(step)
    Task.objects.get_or_create(execution=execution, defaults={"title": title})
    tell(run, EventType.TASK_CREATED, title=title)
    if step.is_blocking:
        pause(run, PauseReason.TASK, now=now)
        write(run, remaining=timedelta())
        return done(run, Result.PAUSED, position=step.position, message="task")
    Execution.objects.filter(pk=execution.pk).update(
        state=ExecutionState.SKIPPED, reason="task"
    )
    move_on(run, since=now, now=now)
    return done(run, Result.PASSED, position=step.position, message="task")
