"""Turn the ends of runs into states, behind one gate: the open attempt."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import assert_never

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from queues import firings
from queues.claims import Claim
from queues.errors import ClaimLost, UnknownJobType
from queues.handlers import Handler, registry
from queues.outcomes import (
    Bury,
    Cancel,
    Delay,
    Lose,
    Outcome,
    Release,
    Retry,
    Snooze,
    Succeed,
    seconds,
)
from queues.states import End, State
from queues.wake import wake_on_commit

POISON = 3
"""Processes that may die running a job, without a checkpoint saved in between."""

# A function keeps its plan, and closes and moves in one round trip. The text is in the
# migration that made it.
SETTLE = """
SELECT * FROM ritmo_settle(
    %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::int[], %s::int[],
    %s::timestamptz[], %s::float8[], %s::int[], %s::text[], %s::text[], %s::text[],
    %s::float8[], %s::float8[], %s::text[], %s::text[], %s::text[])
"""

MOST_LATE = 10.0
"""Seconds: a run whose verdict waited longer for the database is dated later, as
long as it was, so that no end turns up in a minute that was rolled up for good."""


@dataclass(slots=True)
class Row:
    """One verdict as the statement takes it; times are seconds around now."""

    attempt_id: int
    job_id: int
    ending: str
    status: str
    failed: int = 0
    lost: int = 0
    run_at: datetime | None = None
    delay: float | None = None
    priority: int | None = None
    result: str | None = None
    error: str | None = None
    traceback: str | None = None
    started_ago: float | None = None
    ended_ago: float = 0.0
    log: str | None = None
    progress: str | None = None
    type: str = ""


_columns = attrgetter(*(field.name for field in fields(Row)))


def settle(verdicts: Iterable[tuple[Claim, Outcome]]) -> dict[int, str]:
    """Close the attempts and move their jobs, all in one statement.

    Return the new status by job id. A verdict on an attempt that is no longer
    open changes nothing; the others are written, then ClaimLost names the refused.
    """
    pairs = list(verdicts)
    if not pairs:
        return {}
    rows = [_row(claim, outcome) for claim, outcome in pairs]
    if any(claim.source in firings.SOURCES for claim, _ in pairs):
        with transaction.atomic():
            closed = _write(rows)
            firings.close([row.job_id for row in rows if row.attempt_id in closed])
    else:
        closed = _write(rows)
    if refused := [row.job_id for row in rows if row.attempt_id not in closed]:
        raise ClaimLost(f"verdicts refused, the claim was lost: jobs {refused}")
    return {row.job_id: closed[row.attempt_id] for row in rows}


def _write(rows: Sequence[Row]) -> dict[int, str]:
    # In the order of the attempts: so two verdicts that meet never deadlock.
    ordered = sorted(rows, key=attrgetter("attempt_id"))
    columns = [list(column) for column in zip(*map(_columns, ordered), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, columns)
        settled = cursor.fetchall()
    for queue in (settled and settled[0][2]) or ():
        wake_on_commit(queue)
    return {attempt_id: status for attempt_id, status, _ in settled}


def _row(claim: Claim, outcome: Outcome) -> Row:
    row = _verdict(claim, outcome)
    now = time.monotonic()
    row.type = claim.type
    row.started_ago = now - claim.began if claim.began else None
    row.ended_ago = now - claim.ended if claim.ended else 0.0
    if (late := row.ended_ago - MOST_LATE) > 0:
        row.ended_ago, row.started_ago = MOST_LATE, (row.started_ago or late) - late
    row.log = dump(claim.log) if claim.log else None
    row.progress = dump(claim.progress) if claim.progress else None
    return row


def _verdict(claim: Claim, outcome: Outcome) -> Row:  # noqa: C901, PLR0911, PLR0912 - an arm an end
    ids = (claim.attempt_id, claim.job_id)
    match outcome:
        case Succeed(result):
            text = None if result is None else dump(result)
            return Row(*ids, End.COMPLETED, State.COMPLETED, result=text)
        case Snooze(until):
            return _wait(Row(*ids, End.SNOOZED, State.PENDING), until)
        case Retry():
            return _failure(claim, outcome, End.FAILED)
        case Bury(reason, traceback):
            return Row(
                *ids, End.BURIED, State.FAILED, 1, error=reason, traceback=traceback
            )
        case Cancel(reason):
            return Row(*ids, End.CANCELLED, State.CANCELLED, error=reason or None)
        case Lose(reason) if claim.started:
            return _crash(claim, reason)
        case Lose(reason):
            return Row(*ids, End.LOST, State.PENDING, lost=1, error=reason)
        case Release(reason):
            return Row(*ids, End.RELEASED, State.PENDING, error=reason or None)
        case _:
            assert_never(outcome)


def _crash(claim: Claim, reason: str) -> Row:
    """Count a failure, or bury the job that keeps killing its processes."""
    row = _failure(claim, Retry(error=reason), End.LOST)
    row.lost = 1
    if claim.crashes + 1 >= POISON:
        row.status = State.FAILED
        row.error = f"{POISON} processes died while they ran it; the last: {reason}"
    return row


def _failure(claim: Claim, retry: Retry, ending: End) -> Row:
    """Put the job back by its type's policy, or bury it after the last try."""
    row = Row(claim.attempt_id, claim.job_id, ending, State.PENDING, failed=1)
    row.error, row.traceback = retry.error, retry.traceback or None
    policy = _policy(claim)
    failures = claim.failures + 1
    if failures >= (claim.max_attempts or policy.max_attempts):
        row.status = State.FAILED
        return row
    row.delay = (
        policy.retry.backoff(failures) if retry.after is None else seconds(retry.after)
    )
    row.priority = min(claim.priority + policy.ease, 9)
    return row


def _wait(row: Row, until: datetime | Delay) -> Row:
    if isinstance(until, datetime):
        row.run_at = until
    else:
        row.delay = seconds(until)
    return row


def _policy(claim: Claim) -> Handler:
    try:
        return registry.get(claim.type)
    except UnknownJobType:
        return Handler(claim.type, call=dict)


def dump(value: object) -> str:
    """Return JSON text with dates, decimals and UUIDs as Django writes them."""
    return json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False)
