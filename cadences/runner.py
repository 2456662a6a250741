"""A pass of the runner: claim what is due, and deliver it here or hand it to workers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from cadences import clock, retries
from cadences.advance import Done
from cadences.claim import Candidate, candidates, claim, remaining
from cadences.control import may_send
from cadences.deliver import TAKEN
from cadences.hands import Pair, deliver_all
from cadences.journal import Line, close_log, line, open_log, progress
from cadences.models import Run, RunnerLog
from cadences.plan import plan
from cadences.states import Result, RunStatus, Trigger
from queues.batches import Batch
from queues.enqueue import enqueue
from queues.models import Job
from queues.states import State

PAGE = 500
CHUNK = 50
MOST = 5000
"""Runs that one pass hands out: what workers deliver long before the claims run out."""
HERE_SECONDS = 50.0
"""What a caller who waits for the answer is kept waiting."""
CHUNK_SECONDS = retries.LEASE.total_seconds() * 0.6
SOON = timedelta(minutes=5)
"""The next pass of the schedule takes what is due later than this."""
RUNNER, STEPS, CLOSE = "cadence-runner", "cadence-steps", "cadence-runner-close"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass did, as its callers are told."""

    summary: dict[str, Any]
    results: list[Line]


def run_here(
    trigger: Trigger,
    *,
    limit: int = MOST,
    seconds: float = HERE_SECONDS,
    named: Sequence[UUID] | None = None,
) -> Pass:
    """Claim and deliver in this process, and leave what time is too short for.

    With `named`, none but those runs, and of those what is due.
    """
    if trigger == Trigger.TEST:
        return rehearse(limit=limit, named=named)
    log = open_log(trigger)
    until = time.monotonic() + seconds
    lines: list[Line] = []
    try:
        stopped = not may_send()
        while not stopped and len(lines) < limit and time.monotonic() < until:
            page = _claim_page(min(CHUNK, limit - len(lines)), named)
            if page is None:
                break
            lines += page.lost
            progress(log, lines, claimed=len(page.won))
            lines += deliver_all(page.won, until=until)
    except Exception as error:
        close_log(log, lines, error=f"{type(error).__name__}: {error}")
        raise
    told = close_log(log, lines)
    told["remaining_due"] = remaining(now=clock.now())
    if stopped:
        told["paused"] = True
    elif told["remaining_due"] and named is None:
        enqueue(RUNNER, {"trigger": trigger}, unique_key="again")
    return Pass(told, lines)


def rehearse(*, limit: int, named: Sequence[UUID] | None = None) -> Pass:
    """Tell what a pass would do now; nothing is claimed, sent or counted."""
    log = open_log(Trigger.TEST, is_dry=True)
    now = clock.now()
    lines = [
        line(plan(each, now=now)) for each in candidates(limit, now=now, named=named)
    ]
    told = close_log(log, lines)
    told["remaining_due"] = remaining(now=now)
    return Pass(told, lines)


@dataclass(frozen=True, slots=True)
class _Won:
    won: list[Pair]
    lost: list[Line]


def _claim_page(limit: int, named: Sequence[UUID] | None = None) -> _Won | None:
    """Claim a page; None once nothing is due any more."""
    now = clock.now()
    seen = candidates(limit, now=now, named=named)
    if not seen:
        return None
    page = claim(seen, now=now)
    return _Won(page.won, [line(_skipped(each)) for each in page.lost])


def _skipped(each: Candidate) -> Done:
    return Done(
        each.run_id, each.lead_id, each.position, "", Result.SKIPPED, message=TAKEN
    )


def hand_out(log: RunnerLog, *, limit: int = MOST) -> int:
    """Claim what is due in pages and write a job for each chunk; return how many runs.

    A page and its jobs are one transaction, so no claim is ever without its job.
    """
    batch = Batch.create(RUNNER, on_complete=(CLOSE, {"log": str(log.pk)}), priority=3)
    RunnerLog.objects.filter(pk=log.pk).update(batch_id=batch.id)
    count = 0
    while count < limit and (won := _hand_out_page(log, batch, limit - count)):
        count += won
        progress(log, [], claimed=count)
    batch.seal()
    return count


@transaction.atomic
def _hand_out_page(log: RunnerLog, batch: Batch, limit: int) -> int:
    page = _claim_page(min(PAGE, limit))
    if page is None:
        return 0
    pairs = [[str(run_id), str(token)] for run_id, token in page.won]
    chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    documents: list[dict[str, object]] = [
        {"log": str(log.pk), "runs": chunk} for chunk in chunks
    ]
    if page.lost:
        documents.append({"log": str(log.pk), "runs": [], "lost": page.lost})
    batch.enqueue_many(STEPS, documents, priority=3)
    return len(page.won)


def close(log_id: str, batch_id: int) -> dict[str, Any]:
    """Close the log of a pass whose jobs have all ended, from their results."""
    log = RunnerLog.objects.get(pk=log_id)
    jobs = Job.objects.filter(batch_id=batch_id, type=STEPS).order_by("pk")
    lines: list[Line] = []
    failed = 0
    for job in jobs:
        failed += job.status == State.FAILED
        lines += (job.result or {}).get("results", [])
    told = close_log(log, lines, failed=failed)
    wake_next()
    return told


def wake_next() -> None:
    """Ask for a pass when the next run falls due, if the schedule would be late."""
    active = Run.objects.filter(status=RunStatus.ACTIVE, claim_token=None)
    due = active.aggregate(first=Min("next_run_at"))["first"]
    now = clock.now()
    if due is not None and due < now + SOON:
        enqueue(
            RUNNER, {"trigger": Trigger.CRON}, run_at=max(due, now),
            unique_key="again", on_conflict="coalesce",
        )  # fmt: skip
