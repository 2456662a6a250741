"""Move a locked run: to its next step, to another moment, into a pause, to its end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field
from django.db.models.functions import Now

from cadences.models import Execution, Run, Task
from cadences.rows import execute
from cadences.states import (
    LIVE,
    EventType,
    ExecutionState,
    ExitReason,
    PauseReason,
    Result,
    RunStatus,
)
from cadences.steps import due_at, step_after
from cadences.tell import tell


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one run in one pass: a line of the runner's answer."""

    run_id: UUID
    lead_id: UUID
    position: int | None
    template: str
    result: Result
    run_status: str = ""
    message: str = ""
    error: str = ""
    next_at: datetime | None = None


def done(run: Run, result: Result, *, position: int | None, **said: str) -> Done:
    """Return the line for a run as it is now."""
    return Done(
        run.pk, run.lead_id, position, said.pop("template", ""), result,
        run.status, next_at=run.next_run_at, **said,
    )  # fmt: skip


def write(run: Run, **changes: object) -> None:
    """Write what changes of a locked run, and that it changed."""
    for name, value in changes.items():
        setattr(run, name, value)
    fields = [_fields()[name] for name in changes]
    values = [
        field.get_db_prep_save(getattr(run, field.attname), connection)
        for field in fields
    ]
    execute(_update(tuple(field.column for field in fields)), [*values, run.pk])
    run.row_version += 1


@cache
def _fields() -> dict[str, "Field[Any, Any]"]:
    fields = Run._meta.concrete_fields  # noqa: SLF001 - Django's own name for it
    return {name: field for field in fields for name in (field.name, field.attname)}


@lru_cache(maxsize=64)
def _update(columns: tuple[str, ...]) -> str:
    assigned = "".join(f"{column} = %s, " for column in columns)
    return (
        f"UPDATE lead_cadence_runs SET {assigned}row_version = row_version + 1,"
        " updated_at = statement_timestamp() WHERE id = %s"
    )


def schedule(run: Run, at: datetime) -> None:
    """Let an active run come at a moment; whoever claimed it has lost it."""
    write(run, next_run_at=at, planned_run_at=at, claim_token=None)


def move_on(run: Run, *, since: datetime, now: datetime, **more: object) -> None:
    """Leave the step that has been dealt with at `since`; the status stays.

    An active run waits for its next step, or is concluded when there is none. A
    paused one keeps the wait for later; an ended one only remembers its position.
    `more` is written along with it.
    """
    position = run.next_step or 0
    step = step_after(run.version, position)
    moved: dict[str, Any] = {
        "last_step": position, "errors_in_a_row": 0, "is_forced": False,
        "next_step": None if step is None else step.position,
        "next_step_key": None if step is None else step.key, **more,
    }  # fmt: skip
    run.last_step = position
    if step is None or run.status not in LIVE:
        write(run, **moved)
        if step is None and run.status in LIVE:
            finish(run, ExitReason.NO_MORE_STEPS, position=position)
        return
    due = due_at(step, run, previous=since)
    if run.status == RunStatus.PAUSED:
        write(run, **moved, remaining=max(due - now, timedelta()))
        return
    write(run, **moved, next_run_at=due, planned_run_at=due, claim_token=None)
    tell(
        run, EventType.SCHEDULED, template_code=step.template_code, moment=now,
        at=due.isoformat(),
    )  # fmt: skip


def pause(
    run: Run,
    reason: PauseReason,
    *,
    now: datetime,
    actor: str = "",
    until: datetime | None = None,
    **details: Any,
) -> None:
    """Pause an active run; the wait that is left of its step is kept."""
    planned = run.planned_run_at or run.next_run_at or now
    write(
        run,
        status=RunStatus.PAUSED, pause_reason=reason, paused_at=now, resume_at=until,
        remaining=max(planned - now, timedelta()),
        next_run_at=None, planned_run_at=None, claim_token=None,
    )  # fmt: skip
    tell(
        run, EventType.PAUSED, actor=actor, reason=reason.value,
        until=until and until.isoformat(), **details,
    )  # fmt: skip


CONCLUDES = (ExitReason.NO_MORE_STEPS, ExitReason.REPLIED)
"""Ends that are a success; every other one cancels."""


def finish(
    run: Run,
    reason: ExitReason,
    *,
    actor: str = "",
    position: int | None = None,
    **details: Any,
) -> None:
    """End a live run, and with it the step and the task that waited."""
    concluded = reason in CONCLUDES
    write(
        run,
        status=RunStatus.DONE if concluded else RunStatus.CANCELLED,
        exit_reason=reason, pause_reason=None, resume_at=None, remaining=None,
        next_run_at=None, planned_run_at=None, claim_token=None,
    )  # fmt: skip
    waiting = Execution.objects.filter(
        run=run, state__in=[ExecutionState.PENDING, ExecutionState.REFUSED]
    )
    waiting.update(state=ExecutionState.CANCELLED, reason=reason.value)
    Task.objects.filter(execution__run=run, state=Task.State.OPEN).update(
        state=Task.State.CANCELLED, ended_at=Now()
    )
    event = EventType.DONE if concluded else EventType.CANCELLED
    tell(run, event, actor=actor, position=position, reason=reason.value, **details)
