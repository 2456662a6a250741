"""Move runs to another version of their cadence: told beforehand, then done."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

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

    cadence: str
    kind: str
    from_version: int
    to_version: int
    from_step: int | None
    to_step: int | None
    runs: int


MOST = 10_000
"""Runs that a summary looks at."""
BEHIND = Q(status__in=LIVE, version__state=Version.State.RETIRED)
"""Runs that can be moved: live, and their version is not the published one."""
GROUPS = """
SELECT coalesce(nullif(c.name, ''), c.code), r.kind, was.number, goal.number,
    r.next_step, CASE r.kind WHEN 'same' THEN r.same WHEN 'next' THEN r.later END,
    count(*)
FROM (
    SELECT run.*, later.position AS later, CASE
        WHEN is_blocked THEN 'blocked' WHEN same IS NOT NULL THEN 'same'
        WHEN %(goes_on)s AND later.position IS NOT NULL THEN 'next' ELSE 'end'
        END AS kind
    FROM (
        SELECT run.version_id, run.next_step, run.cadence_id, c.published_id,
            EXISTS (SELECT FROM lead_step_executions e
                WHERE e.run_id = run.id AND e.round = run.round
                AND e.step_key = run.next_step_key AND e.state IN ('sending', 'unknown')
            ) AS is_blocked,
            (SELECT s.position FROM cadence_steps s WHERE s.key = run.next_step_key
                AND s.version_id = c.published_id) AS same,
            (SELECT max(s.position) FROM lead_step_executions e
                JOIN cadence_steps s ON s.key = e.step_key
                    AND s.version_id = c.published_id
                WHERE e.run_id = run.id AND e.round = run.round
                AND e.state IN ('sent', 'assumed', 'skipped', 'cancelled')
            ) AS done
        FROM lead_cadence_runs run JOIN cadences c ON c.id = run.cadence_id
        WHERE run.id = ANY(%(runs)s) AND c.published_id IS NOT NULL
    ) run LEFT JOIN LATERAL (SELECT min(s.position) AS position FROM cadence_steps s
        WHERE s.version_id = run.published_id AND s.position > coalesce(run.done, 0)
    ) later ON true
) r JOIN cadences c ON c.id = r.cadence_id
JOIN cadence_versions was ON was.id = r.version_id
JOIN cadence_versions goal ON goal.id = r.published_id
GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 3, 5, 6
"""


def summary(runs: QuerySet[Run], *, vanished: Vanished = "next") -> list[Group]:
    """Tell what would become of some runs on the published versions of their cadences."""
    ids = list(runs.filter(BEHIND).values_list("pk", flat=True)[:MOST])
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, {"runs": ids, "goes_on": vanished == "next"})
        return [Group(*row) for row in cursor.fetchall()]


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
def move(
    run_id: UUID,
    *,
    actor: str,
    vanished: Vanished = "next",
    upto: datetime | None = None,
) -> Run:
    """Move a live run to the version of its cadence that is published now.

    Not to one that was published after `upto`, when somebody was told what it means.
    Raises IllegalMove.
    """
    run = lock(run_id)
    if run is None:
        raise IllegalMove(f"Unknown run: {run_id}")
    if run.status not in LIVE:
        raise IllegalMove(f"Cannot move a run that is {run.status}")
    to = run.cadence.published
    if to is None or to.pk == run.version_id:
        raise IllegalMove("The run is on the published version already")
    if upto and to.published_at and to.published_at > upto:
        raise IllegalMove("Another version was published meanwhile")
    if _go(run, to, vanished, actor=actor) == "blocked":
        raise IllegalMove("This step may have been sent: resolve it first")
    return run


@transaction.atomic
def _move(run_id: UUID, to: Version, vanished: Vanished, *, actor: str) -> str:
    run = lock(run_id)
    if run is None or run.status not in LIVE or run.version_id == to.pk:
        return "gone"
    return _go(run, to, vanished, actor=actor)


def _go(run: Run, to: Version, vanished: Vanished, *, actor: str) -> str:
    planned = _plan(run, to, vanished)
    if planned.kind == "blocked":
        return "blocked"
    before = run.version.number
    write(run, version_id=to.pk)
    run.version = to
    tell(
        run, EventType.MIGRATED, actor=actor, position=planned.from_step,
        from_version=before, to_version=to.number, to_step=planned.to_step,
    )  # fmt: skip
    if planned.kind == "end":
        finish(run, ExitReason.NO_MORE_STEPS, actor=actor)
        return planned.kind
    step = step_by_key(to, run.next_step_key) or _next(run, to)
    if step is not None:
        write(run, next_step=step.position, next_step_key=step.key)
    return planned.kind
