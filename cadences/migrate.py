"""Move runs to another version of their cadence: told beforehand, then done."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction

from cadences.advance import finish, write
from cadences.errors import IllegalMove
from cadences.facts import execution_of
from cadences.intend import lock
from cadences.models import Run, Step, Version
from cadences.states import LIVE, MAYBE_SENT, OVER, EventType, ExitReason
from cadences.steps import step_after, step_by_key
from cadences.tell import tell

Vanished = Literal["next", "end"]


@dataclass(frozen=True, slots=True)
class Move:
    """What a migration does to one run."""

    run_id: UUID
    kind: Literal["same", "next", "end", "blocked"]
    from_step: int | None
    to_step: int | None


def preview(to: Version, *, vanished: Vanished = "next") -> list[Move]:
    """Tell what would become of each live run on another version; change nothing."""
    _check(to)
    runs = Run.objects.filter(cadence=to.cadence_id, status__in=LIVE)
    return [_plan(run, to, vanished) for run in runs.exclude(version=to).order_by("pk")]


def migrate(to: Version, *, actor: str, vanished: Vanished = "next") -> Counter[str]:
    """Move each live run to a published version, a transaction each; count the kinds.

    A run whose next step is there goes on with it at the moment that was planned; one
    whose step vanished goes on with the next or ends; one in doubt stays.
    """
    done: Counter[str] = Counter()
    for move in preview(to, vanished=vanished):
        done[_move(move.run_id, to, vanished, actor=actor)] += 1
    return done


def _check(to: Version) -> None:
    if to.state != Version.State.PUBLISHED:
        raise IllegalMove(f"The version is {to.state}")


def _plan(run: Run, to: Version, vanished: Vanished) -> Move:
    execution = execution_of(run)
    if execution and execution.state in MAYBE_SENT and execution.state not in OVER:
        return Move(run.pk, "blocked", run.next_step, None)
    same = step_by_key(to, run.next_step_key)
    if same is not None:
        return Move(run.pk, "same", run.next_step, same.position)
    later = _next(run, to) if vanished == "next" else None
    kind: Literal["next", "end"] = "end" if later is None else "next"
    return Move(run.pk, kind, run.next_step, None if later is None else later.position)


def _next(run: Run, to: Version) -> Step | None:
    """Return the step of the new version behind the last that was done."""
    keys = {step.key: step.position for step in to.steps.all()}
    done = run.executions.filter(round=run.round, state__in=OVER)
    last = max(
        (keys.get(key, 0) for key in done.values_list("step_key", flat=True)), default=0
    )
    return step_after(to, last)


@transaction.atomic
def _move(run_id: UUID, to: Version, vanished: Vanished, *, actor: str) -> str:
    run = lock(run_id)
    if run is None or run.status not in LIVE or run.version_id == to.pk:
        return "gone"
    move = _plan(run, to, vanished)
    if move.kind == "blocked":
        return "blocked"
    before = run.version.number
    write(run, version_id=to.pk)
    run.version = to
    tell(
        run, EventType.MIGRATED, actor=actor, position=move.from_step,
        from_version=before, to_version=to.number, to_step=move.to_step,
    )  # fmt: skip
    if move.kind == "end":
        finish(run, ExitReason.NO_MORE_STEPS, actor=actor)
        return move.kind
    step = step_by_key(to, run.next_step_key) or _next(run, to)
    if step is not None:
        write(run, next_step=step.position, next_step_key=step.key)
    return move.kind
