"""How far the runs of a cadence come, step by step; of the newest runs, at most."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

NEWEST = 5_000
"""Runs that a funnel looks at."""
MOST = 10_000
"""Where a count of the runs of one cadence stops."""
LISTED = 2_000
"""Where it stops in a list of cadences."""

STEPS = """
WITH recent AS (
    SELECT id, round, exit_reason, last_step FROM lead_cadence_runs
    WHERE cadence_id = %s ORDER BY started_at DESC LIMIT %s
)
SELECT e.step_key, CASE WHEN grouping(e.variant) = 0 THEN e.variant END,
    max(e.position),
    count(*) FILTER (WHERE e.state IN ('sent', 'assumed')),
    count(*) FILTER (WHERE e.delivery_rank >= 2),
    count(*) FILTER (WHERE e.delivery_rank >= 3),
    count(*) FILTER (WHERE r.exit_reason = 'replied' AND e.position = r.last_step),
    count(*) FILTER (WHERE r.exit_reason = 'opt_out' AND e.position = r.last_step),
    count(*) FILTER (WHERE e.state = 'unknown'),
    count(*) FILTER (WHERE e.state = 'refused'),
    count(*) FILTER (WHERE e.state = 'skipped')
FROM recent r JOIN lead_step_executions e ON e.run_id = r.id AND e.round = r.round
GROUP BY GROUPING SETS ((e.step_key), (e.step_key, e.variant)) ORDER BY 3, 2
"""
RUNS = "SELECT count(*) FROM (SELECT FROM lead_cadence_runs WHERE cadence_id = %s LIMIT %s) found"
STANDING = """
SELECT each.id, few.status, count(*) FROM unnest(%(ids)s::uuid[]) AS each(id), LATERAL (
    (SELECT status FROM lead_cadence_runs r
        WHERE r.cadence_id = each.id AND r.status IN ('ATIVA', 'PAUSADA')
        LIMIT %(most)s)
    UNION ALL
    SELECT status FROM (
        SELECT status FROM lead_cadence_runs r WHERE r.cadence_id = each.id
        ORDER BY started_at DESC LIMIT %(most)s
    ) newest WHERE status NOT IN ('ATIVA', 'PAUSADA')
) few GROUP BY each.id, few.status
"""
VERSIONS = """
SELECT version_id, count(*) FROM (
    SELECT version_id FROM lead_cadence_runs
    WHERE cadence_id = %s AND status IN ('ATIVA', 'PAUSADA') LIMIT %s
) few GROUP BY version_id
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of one step, or one wording of it, in the runs that were looked at."""

    key: UUID
    variant: str | None
    """The code of a wording; None is the step as a whole."""
    position: int
    sent: int
    delivered: int
    read: int
    replied: int
    opted_out: int
    unknown: int
    refused: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """The steps of a cadence with their counts, and of how many runs."""

    runs: int
    is_cut: bool
    counts: dict[UUID, Count]
    variants: dict[UUID, list[Count]]


def funnel(cadence_id: UUID, *, newest: int = NEWEST) -> Funnel:
    """Count what became of each step in the newest runs of a cadence."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS, [cadence_id, newest + 1])
        runs = int(cursor.fetchone()[0])
        cursor.execute(STEPS, [cadence_id, newest])
        counts = [Count(*row) for row in cursor.fetchall()]
    wholes = {each.key: each for each in counts if each.variant is None}
    variants: dict[UUID, list[Count]] = defaultdict(list)
    for each in counts:
        if each.variant:
            variants[each.key].append(each)
    return Funnel(min(runs, newest), runs > newest, wholes, dict(variants))


def standing(cadences: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Count the runs of cadences by status: live ones, and of the newest the ended.

    It looks at LISTED of each at most, however many there are.
    """
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(STANDING, {"ids": [*cadences], "most": LISTED})
        for cadence, status, count in cursor.fetchall():
            found[cadence][status] = count
    return found


def living(cadence_id: UUID) -> dict[int, int]:
    """Count the live runs of a cadence by version, the first MOST of them."""
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS, [cadence_id, MOST])
        return dict(cursor.fetchall())
