"""Settle the attempts of processes that vanished or hang."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import connection

from queues.claims import Claim
from queues.errors import ClaimLost
from queues.handlers import HARD_GRACE, registry
from queues.machine import Condition, condition, machine_id
from queues.outcomes import Cancel, Lose, Outcome, Release, Retry
from queues.settle import settle

PATIENCE = 20.0
"""Seconds without a heartbeat after which a process is taken for dead."""
CANCEL_GRACE = 30.0
"""Seconds that a handler has to notice that its job was cancelled."""
BATCH = 500

HELD = """
SELECT attempt.id, job.id, job.type, job.queue, job.priority, attempt.number,
       job.failures, job.losses, job.max_attempts, job.source, job.unique_key,
       job.run_at, attempt.started_at IS NOT NULL,
       worker.id, worker.name, worker.kind, worker.pid, worker.born,
       extract(epoch FROM clock_timestamp()
               - coalesce(attempt.started_at, attempt.claimed_at)),
       extract(epoch FROM clock_timestamp() - job.cancel_requested_at), job.crashes
FROM job_attempts AS attempt
JOIN jobs AS job ON job.id = attempt.job_id
LEFT JOIN workers AS worker ON worker.id = attempt.worker_id
WHERE attempt.finished_at IS NULL AND {condition}
ORDER BY attempt.id LIMIT %(batch)s
"""

# A silent pacemaker proves nothing about the others: after an outage of the
# database everyone gets the whole patience to be heard again.
VANISHED = """(
    worker.id IS NULL OR worker.gone_at IS NOT NULL
    OR worker.seen_at < clock_timestamp() - %(patience)s * interval '1 second'
       AND (SELECT steady_since FROM pacemaker)
           < clock_timestamp() - %(patience)s * interval '1 second')
"""
OVERDUE = """worker.machine = %(machine)s AND (
    attempt.claimed_at < clock_timestamp() - %(shortest)s * interval '1 second'
    OR job.cancel_requested_at < clock_timestamp() - %(grace)s * interval '1 second')
"""
# Attempts first, then jobs, as everywhere.
PUT_RIGHT = """
WITH held AS MATERIALIZED (
    SELECT attempt.job_id FROM job_attempts AS attempt
    JOIN jobs AS job ON job.id = attempt.job_id
    WHERE attempt.finished_at IS NULL AND job.status = 'pending'
    ORDER BY attempt.id FOR UPDATE OF attempt SKIP LOCKED
)
UPDATE jobs SET status = 'processing' FROM held
WHERE jobs.id = held.job_id AND status = 'pending'
"""
OF_WORKER = "worker.id = %(worker)s"
OF_PROCESSES = "worker.machine = %(machine)s AND worker.pid = ANY(%(pids)s)"


def rescue() -> int:
    """Settle the attempts of vanished processes as lost; return how many.

    Their jobs run again at once if the handler had not started, else by the
    retry policy; a verdict that arrives later is refused.
    """
    held = _held(VANISHED, patience=PATIENCE)
    _settle([(each, Lose(_loss(each))) for each in held])
    return len(held)


def put_right() -> int:
    """Let jobs that run be `processing` again, whatever was written over it by hand.

    Such a row can be claimed by nobody, and whoever tries gets nothing else either.
    """
    with connection.cursor() as cursor:
        cursor.execute(PUT_RIGHT)
        return int(cursor.rowcount)


def end_overdue() -> int:
    """End what outlived its hard timeout or its cancel on this machine."""
    limits = [each.hard_timeout for each in registry if each.hard_timeout is not None]
    held = _held(
        OVERDUE,
        machine=machine_id(),
        shortest=min(limits, default=HARD_GRACE),
        grace=CANCEL_GRACE,
    )
    overdue = [(each, end) for each in held if (end := _end_of(each))]
    _settle(overdue)
    for each, _ in overdue:
        each.kill()
    return len(overdue)


def hand_back(pids: Sequence[int]) -> int:
    """Release what those processes of this machine hold, then end them."""
    held = _held(OF_PROCESSES, machine=machine_id(), pids=list(pids))
    _settle([(each, Release("its worker was stopped")) for each in held])
    for each in held:
        each.kill()
    return len(held)


def release_unknown(worker: int) -> int:
    """Release what stands as held by a worker that holds nothing.

    Such claims were committed, but their answer was lost with the connection.
    """
    held = _held(OF_WORKER, worker=worker)
    _settle([(each, Release("the answer of its claim was lost")) for each in held])
    return len(held)


class Held(Claim):
    """An open attempt as seen from outside, with the process that holds it."""

    name: str | None
    kind: str
    pid: int
    born: str
    age: float
    cancelled_for: float | None

    def kill(self) -> None:
        """End the pool process that holds it; its parent starts another.

        In a pool of threads that would end the others' jobs too: there the thread
        goes on as a ghost.
        """
        if self.kind == "child" and self.pid != os.getpid() and self._is_there():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _is_there(self) -> bool:
        return condition(self.pid, self.born) is not Condition.DEAD


def _held(condition: str, **values: float | str | list[int]) -> list[Held]:
    with connection.cursor() as cursor:
        cursor.execute(HELD.format(condition=condition), {**values, "batch": BATCH})
        return [_as_held(row) for row in cursor.fetchall()]


def _as_held(row: Sequence[Any]) -> Held:
    held = Held(
        attempt_id=row[0],
        job_id=row[1],
        type=row[2],
        queue=row[3],
        payload={},
        priority=row[4],
        number=row[5],
        failures=row[6],
        losses=row[7],
        max_attempts=row[8],
        source=row[9],
        unique_key=row[10],
        checkpoint=None,
        run_at=row[11],
        started=row[12],
    )
    _, held.name, held.kind, held.pid, held.born, age, cancelled, held.crashes = row[
        13:
    ]
    held.age, held.cancelled_for = float(age), cancelled and float(cancelled)
    return held


def _loss(held: Held) -> str:
    if held.name is None:
        return "no process held it"
    return f"its process {held.name} vanished"


def _end_of(held: Held) -> Outcome | None:
    if held.cancelled_for is not None and held.cancelled_for >= CANCEL_GRACE:
        return Cancel("cancelled; the handler did not stop by itself")
    limit = registry.get(held.type).hard_timeout if held.type in registry else None
    if limit is not None and held.age >= limit:
        return Retry(
            error=f"HardTimeout: longer than {limit:g} s, its process was ended"
        )
    return None


def _settle(verdicts: Sequence[tuple[Claim, Outcome]]) -> None:
    # Someone else may have closed one of them meanwhile: that verdict stands.
    with suppress(ClaimLost):
        settle(verdicts)
