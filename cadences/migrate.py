"""Move runs to another version of their cadence: told beforehand, then done."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction

from cadences.advance import finish, write
from cadences.errors import IllegalMove
from cadences.facts import execution_of
from cadences.intend import lock
from cadences.models import Run, Step, Version
from cadences.states import LIVE, MAYBE_SENT, OVER, EventType, ExitReason
from cadences.steps import step_after, step_by_key
from cadences.tell import tell
from queues.audit import record

Vanished = Literal["next", "end"]


@dataclass(frozen=True, slots=True)
class Move:
    """What a migration does to one run."""

    run_id: UUID
    kind: Literal["same", "next", "end", "blocked"]
    from_step: int | None
    to_step: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Runs to which a migration does the same."""

    kind: str
    from_version: int
    from_step: int | None
    to_step: int | None
    runs: int


MOST = 10_000
"""Runs that a summary looks at."""
GROUPS = """
SELECT v.number, r.next_step, r.next_step_key, r.is_blocked, r.done, count(*) FROM (
    SELECT version_id, next_step, next_step_key,
        EXISTS (SELECT FROM lead_step_executions e
            WHERE e.run_id = run.id AND e.round = run.round
            AND e.step_key = run.next_step_key AND e.state IN ('sending', 'unknown')
        ) AS is_blocked,
        (SELECT max(s.position) FROM lead_step_executions e
            JOIN cadence_steps s ON s.key = e.step_key AND s.version_id = %(to)s
            WHERE e.run_id = run.id AND e.round = run.round
            AND e.state IN ('sent', 'assumed', 'skipped', 'cancelled')
        ) AS done
    FROM lead_cadence_runs run
    WHERE cadence_id = %(cadence)s AND status IN ('ATIVA', 'PAUSADA')
        AND version_id <> %(to)s
    LIMIT %(most)s
) r JOIN cadence_versions v ON v.id = r.version_id
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
"""


def summary(to: Version, *, vanished: Vanished = "next") -> list[Group]:
    """Tell what would become of the live runs on another version, in one statement."""
    _check(to)
    found: Counter[tuple[str, int, int | None, int | None]] = Counter()
    words: dict[str, Any] = {"to": to.pk, "cadence": to.cadence_id, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, words)
        for number, position, key, is_blocked, done, count in cursor.fetchall():
            step = None if is_blocked else step_by_key(to, key)
            kind = "blocked" if is_blocked else "same"
            if not is_blocked and step is None:
                step = step_after(to, done or 0) if vanished == "next" else None
                kind = "end" if step is None else "next"
            place = None if step is None else step.position
            found[kind, number, position, place] += count
    return [
        Group(kind, number, position, place, count)
        for (kind, number, position, place), count in found.items()
    ]


def preview(to: Version, *, vanished: Vanished = "next") -> list[Move]:
    """Tell what would become of each live run on another version; change nothing."""
    _check(to)
    runs = Run.objects.filter(cadence=to.cadence_id, status__in=LIVE)
    return [_plan(run, to, vanished) for run in runs.exclude(version=to).order_by("pk")]


def migrate(
    to: Version,
    *,
    actor: str,
    vanished: Vanished = "next",
    stop: Callable[[int], bool] = lambda _: False,
) -> Counter[str]:
    """Move each live run to a published version, a transaction each; count the kinds.

    A run whose next step is there goes on with it at the moment that was planned; one
    whose step vanished goes on with the next or ends; one in doubt stays. `stop` is
    told how many are done; what it stops can be begun again.
    """
    done: Counter[str] = Counter()
    for move in preview(to, vanished=vanished):
        if stop(done.total()):
            break
        done[_move(move.run_id, to, vanished, actor=actor)] += 1
    record("version.migrate", to, after={"by": actor, **done}, count=done.total() or 1)
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
