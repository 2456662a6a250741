"""What people do to a run: pause, resume, cancel, skip, hurry, move, start anew."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from cadences import clock
from cadences.advance import finish, schedule, write
from cadences.advance import pause as _pause
from cadences.errors import Conflict, IllegalMove
from cadences.facts import execution_of
from cadences.intend import lock
from cadences.models import Execution, Run, Task
from cadences.obey import skip as _skip
from cadences.states import (
    FINAL,
    MAYBE_SENT,
    OVER,
    EventType,
    ExecutionState,
    ExitReason,
    PauseReason,
    RunStatus,
)
from cadences.steps import calendar_of, hours_of, step_by_key, zone_of
from cadences.tell import tell


def held(run_id: UUID, *, row_version: int | None = None) -> Run:
    """Lock a run; raise IllegalMove if there is none, Conflict if it has changed."""
    run = lock(run_id)
    if run is None:
        raise IllegalMove(f"Unknown run: {run_id}")
    if row_version is not None and run.row_version != row_version:
        raise Conflict("The run was changed meanwhile")
    return run


@transaction.atomic
def pause(
    run_id: UUID,
    *,
    actor: str,
    until: datetime | None = None,
    row_version: int | None = None,
) -> Run:
    """Pause an active run, until a moment if one is said; what is on the wire goes."""
    run = held(run_id, row_version=row_version)
    _need(run, "pause", RunStatus.ACTIVE)
    _pause(run, PauseReason.MANUAL, now=clock.now(), actor=actor, until=until)
    return run


@transaction.atomic
def resume_run(
    run_id: UUID, *, actor: str, at_once: bool = False, row_version: int | None = None
) -> Run:
    """Resume a paused run: after the wait that was left of its step, or at once."""
    run = held(run_id, row_version=row_version)
    _need(run, "resume", RunStatus.PAUSED)
    if in_doubt(run):
        raise IllegalMove("Say first whether the last message was sent")
    resume(run, actor=actor, at_once=at_once)
    return run


def resume(run: Run, *, actor: str, at_once: bool = False) -> None:
    """Let a locked paused run wait for its next step again."""
    now = clock.now()
    paused_for = now - (run.paused_at or now)
    left = timedelta() if at_once else (run.remaining or timedelta())
    due = _open(run, now + left)
    write(
        run,
        status=RunStatus.ACTIVE, pause_reason=None, paused_at=None, resume_at=None,
        remaining=None, errors_in_a_row=0, heard_at=now,
        anchor_at=run.anchor_at + paused_for, next_run_at=due, planned_run_at=due,
    )  # fmt: skip
    tell(run, EventType.RESUMED, actor=actor, at=due.isoformat())


@transaction.atomic
def cancel(
    run_id: UUID,
    *,
    actor: str,
    reason: ExitReason = ExitReason.MANUAL,
    row_version: int | None = None,
) -> Run:
    """End a live run; a message on the wire is still recorded."""
    run = held(run_id, row_version=row_version)
    if run.status in FINAL:
        raise IllegalMove(f"Cannot cancel a run that is {run.status}")
    finish(run, reason, actor=actor)
    return run


@transaction.atomic
def skip_step(run_id: UUID, *, actor: str, row_version: int | None = None) -> Run:
    """Pass over the next step of an active run."""
    run = held(run_id, row_version=row_version)
    _need(run, "skip a step of", RunStatus.ACTIVE)
    if in_doubt(run):
        raise IllegalMove("This step may have been sent: resolve it first")
    _skip(run, "manual", now=clock.now(), actor=actor)
    return run


@transaction.atomic
def run_now(run_id: UUID, *, actor: str, row_version: int | None = None) -> Run:
    """Let the next step go now, also outside the open hours."""
    run = held(run_id, row_version=row_version)
    _need(run, "hurry", RunStatus.ACTIVE)
    if in_doubt(run):
        raise IllegalMove("This step may have been sent: resolve it first")
    write(run, is_forced=True)
    schedule(run, clock.now())
    tell(run, EventType.SCHEDULED, actor=actor, reason="run_now")
    return run


@transaction.atomic
def reschedule(
    run_id: UUID, at: datetime, *, actor: str, row_version: int | None = None
) -> Run:
    """Let the next step of an active run go at that moment, through the open hours."""
    run = held(run_id, row_version=row_version)
    _need(run, "reschedule", RunStatus.ACTIVE)
    if in_doubt(run):
        raise IllegalMove("This step may have been sent: resolve it first")
    schedule(run, at)
    tell(run, EventType.SCHEDULED, actor=actor, reason="rescheduled", at=at.isoformat())
    return run


@transaction.atomic
def finish_task(task_id: int, *, actor: str, skipped: bool = False) -> Task:
    """End a task; the run that waited for it goes on from now."""
    run_id = Task.objects.values_list("execution__run_id", flat=True).get(pk=task_id)
    run = held(run_id)
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.state != Task.State.OPEN:
        raise IllegalMove(f"The task is {task.state}")
    now = clock.now()
    task.state = Task.State.SKIPPED if skipped else Task.State.DONE
    task.ended_at, task.ended_by = now, actor
    task.save(update_fields=["state", "ended_at", "ended_by"])
    Execution.objects.filter(pk=task.execution_id).update(
        state=ExecutionState.SKIPPED, reason="task", sent_at=now
    )
    tell(run, EventType.TASK_DONE, actor=actor, title=task.title)
    if run.status == RunStatus.PAUSED and run.pause_reason == PauseReason.TASK:
        resume(run, actor=actor, at_once=True)
    return task


def _need(run: Run, verb: str, status: RunStatus) -> None:
    if run.status != status:
        raise IllegalMove(f"Cannot {verb} a run that is {run.status}")


def in_doubt(run: Run) -> bool:
    """Tell whether the next step of a run may have been sent already."""
    found = execution_of(run)
    return found is not None and found.state in MAYBE_SENT and found.state not in OVER


def _open(run: Run, moment: datetime) -> datetime:
    """Return the first open moment from this one on."""
    step = step_by_key(run.version, run.next_step_key)
    hours = hours_of(calendar_of(run, step))
    if hours is None:
        return moment
    return hours.opening(moment, zone_of(run).info) or moment
