"""Claim due runs: compare and set `next_run_at`, a page a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from cadences import retries

# The oldest of each company in turn, so that none waits behind another's backlog.
CANDIDATES = """
SELECT run.id, run.next_run_at, run.lead_id, run.next_step
FROM companies CROSS JOIN LATERAL (
    SELECT id, next_run_at, lead_id, next_step, row_number() OVER () AS turn FROM (
        SELECT id, next_run_at, lead_id, next_step FROM lead_cadence_runs
        WHERE company_id = companies.code AND status = 'ATIVA'
          AND next_run_at <= %(now)s
        ORDER BY next_run_at, id LIMIT %(limit)s) AS due
    ) AS run
ORDER BY run.turn, run.next_run_at, run.id LIMIT %(limit)s
"""
# The same of runs that somebody named.
NAMED = """
SELECT id, next_run_at, lead_id, next_step FROM lead_cadence_runs
WHERE id = ANY(%(named)s::uuid[]) AND status = 'ATIVA' AND next_run_at <= %(now)s
ORDER BY next_run_at, id LIMIT %(limit)s
"""
# A row that another holds, or has changed since it was read, is not taken.
TAKE = """
UPDATE lead_cadence_runs AS run
SET planned_run_at = coalesce(run.planned_run_at, run.next_run_at),
    next_run_at = %(until)s, claim_token = gen_random_uuid(),
    updated_at = %(now)s
FROM (
    SELECT held.id FROM lead_cadence_runs AS held
    JOIN unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) AS seen (id, next_run_at)
        ON held.id = seen.id AND held.next_run_at = seen.next_run_at
    WHERE held.status = 'ATIVA' ORDER BY held.id
    FOR UPDATE OF held SKIP LOCKED) AS won
WHERE run.id = won.id
RETURNING run.id, run.claim_token
"""
HAND_BACK = """
UPDATE lead_cadence_runs SET next_run_at = planned_run_at, claim_token = NULL
WHERE status = 'ATIVA' AND claim_token = ANY(%s::uuid[])
"""
REMAINING = """
SELECT count(*) FROM (SELECT FROM lead_cadence_runs
    WHERE status = 'ATIVA' AND next_run_at <= %s LIMIT 10001) AS due
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that was due when we looked."""

    run_id: UUID
    next_run_at: datetime
    lead_id: UUID
    position: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """What one claim won, with its tokens, and what others were faster to take."""

    won: list[tuple[UUID, UUID]]
    lost: list[Candidate]


def candidates(
    limit: int, *, now: datetime, named: Sequence[UUID] | None = None
) -> list[Candidate]:
    """Return runs that are due, the companies in turn, the oldest first.

    With `named`, none but those.
    """
    values: dict[str, Any] = {"now": now, "limit": limit, "named": named}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES if named is None else NAMED, values)
        return [Candidate(*row) for row in cursor.fetchall()]


def claim(seen: Sequence[Candidate], *, now: datetime) -> Page:
    """Take those that are still as they were seen; from then on they are ours a while.

    A claim that nobody delivers runs out by itself: the run is due again, as planned.
    """
    if not seen:
        return Page([], [])
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {
            "ids": [each.run_id for each in seen],
            "moments": [each.next_run_at for each in seen],
            "now": now, "until": now + retries.LEASE,
        })  # fmt: skip
        tokens = dict(cursor.fetchall())
    won = [(each.run_id, tokens[each.run_id]) for each in seen if each.run_id in tokens]
    return Page(won, [each for each in seen if each.run_id not in tokens])


def hand_back(tokens: Sequence[UUID]) -> None:
    """Give up claims that were not delivered: due again, as planned, at once."""
    with connection.cursor() as cursor:
        cursor.execute(HAND_BACK, [list(tokens)])


def remaining(*, now: datetime) -> int:
    """Count the runs that are due, up to ten thousand and one."""
    with connection.cursor() as cursor:
        cursor.execute(REMAINING, [now])
        return int(cursor.fetchone()[0])
