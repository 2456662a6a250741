"""A claim: one open attempt, with what its run needs to know."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from queues.errors import ClaimLost


@dataclass(slots=True, eq=False)
class Claim:
    """One open attempt on one job, held by this process until it is settled."""

    attempt_id: int
    job_id: int
    type: str
    queue: str
    payload: dict[str, object]
    priority: int
    number: int
    failures: int
    losses: int
    max_attempts: int | None
    source: str
    unique_key: str | None
    checkpoint: object
    run_at: datetime
    limit_name: str | None = None
    started: bool = True
    began: float = 0.0
    ended: float = 0.0
    log: list[dict[str, object]] = field(default_factory=list)
    progress: dict[str, object] | None = None
    crashes: int = 0
    has_more: bool = False

    def begin(self) -> None:
        """Note on the monotonic clock that the handler starts."""
        self.began = time.monotonic()

    def end(self) -> None:
        """Note on the monotonic clock that the handler ended."""
        self.ended = time.monotonic()


def as_claim(row: Sequence[Any], *, started: bool, limit: str | None = None) -> Claim:
    """Return a row of what `claim` and `admit` select, with its documents read."""
    claimed = Claim(*row)
    claimed.limit_name, claimed.started = limit, started
    claimed.payload = json.loads(row[4])
    claimed.checkpoint = None if row[12] is None else json.loads(row[12])
    return claimed


def mark_started(claim: Claim) -> None:
    """Record that the handler starts, so that a crash from here on counts.

    Only jobs that already lost a process, and slow ones of a batch, pay for this
    statement. Raises ClaimLost if the attempt is no longer open.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE job_attempts SET started_at = clock_timestamp()"
            " WHERE id = %s AND finished_at IS NULL",
            [claim.attempt_id],
        )
        if cursor.rowcount == 0:
            raise ClaimLost(f"job {claim.job_id}: attempt {claim.attempt_id} is closed")
    claim.started = True
