"""The running job, as its handler sees it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from queues.claims import Claim
from queues.errors import ClaimLost
from queues.masks import MASK, is_secret
from queues.payload import dump, printable

GLANCE = 1.0
"""Seconds between two looks at the row for a cancel, or two writes of progress."""
MAX_LOG_LINES = 200
RESERVED = {name: f"{name}_" for name in ("event", "level", "logger", "timestamp")}
"""Names that a log line needs for itself."""

# The row is only written while this attempt is open: a ghost is refused.
GUARDED = """
UPDATE jobs SET {column} = %s::jsonb{progressed}
WHERE id = %s AND EXISTS (
    SELECT FROM job_attempts WHERE id = %s AND finished_at IS NULL FOR SHARE)
RETURNING cancel_requested_at IS NOT NULL
"""
# A job that gets ahead between the deaths of its processes is no poison.
GUARDS = {
    "checkpoint": GUARDED.format(column="checkpoint", progressed=", crashes = 0"),
    "progress": GUARDED.format(column="progress", progressed=""),
}
# Held, not only looked at: nobody closes the attempt before the transaction ends.
FENCE = "SELECT FROM job_attempts WHERE id = %s AND finished_at IS NULL FOR SHARE"
GLANCE_SQL = """
SELECT job.cancel_requested_at IS NOT NULL OR attempt.finished_at IS NOT NULL
FROM job_attempts AS attempt JOIN jobs AS job ON job.id = attempt.job_id
WHERE attempt.id = %s
"""


class RunningJob:
    """What a handler may know of its job, and say about it while it runs."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._cancelled = False
        self._told = False
        self._looked_at = time.monotonic()
        self._progressed_at = 0.0

    @property
    def id(self) -> int:
        """The job's id: the same on every try, so a good idempotency key."""
        return self._claim.job_id

    @property
    def type(self) -> str:
        """The job's type."""
        return self._claim.type

    @property
    def attempt(self) -> int:
        """The number of this try, from 1; a snooze does not count."""
        return self._claim.number

    @property
    def checkpoint(self) -> object:
        """The value saved last, by this try or an earlier one; None at first."""
        return self._claim.checkpoint

    def save_checkpoint(self, value: object) -> None:
        """Store a JSON value durably at once, whatever transaction is open.

        Raises ClaimLost if this attempt is no longer open, InvalidJobData if the
        value is not JSON.
        """
        self._write("checkpoint", dump(value))
        self._claim.checkpoint = value

    def fence(self) -> None:
        """Let the caller's transaction write only as the one that runs this job.

        Nobody takes the job over before it ends. Raises ClaimLost if somebody has.
        """
        with connection.cursor() as cursor:
            cursor.execute(FENCE, [self._claim.attempt_id])
            is_ours = cursor.fetchone() is not None
        if not is_ours:
            raise ClaimLost(f"job {self.id}: attempt {self.attempt} is closed")

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Show how far the work is; written at most once a second and at the end."""
        shown: dict[str, object] = {
            "done": done,
            "total": total,
            "note": printable(note),
        }
        self._claim.progress = shown
        if time.monotonic() - self._progressed_at >= GLANCE:
            self._write("progress", dump(shown))
            self._progressed_at = time.monotonic()

    def cancelled(self) -> bool:
        """Tell whether someone asked to cancel this job, or its claim was lost."""
        if not self._cancelled and time.monotonic() - self._looked_at >= GLANCE:
            self._looked_at = time.monotonic()
            with _outside_transaction() as door, door.cursor() as cursor:
                cursor.execute(GLANCE_SQL, [self._claim.attempt_id])
                row = cursor.fetchone()
            self._cancelled = row is None or row[0]
        self._told = self._told or self._cancelled
        return self._cancelled

    @property
    def was_told(self) -> bool:
        """Tell whether `cancelled` has answered True already."""
        return self._told

    def log(self, message: str, **fields: object) -> None:
        """Write a log line that carries the job's id; it is kept with the attempt."""
        said = {
            name: MASK if is_secret(name) else printable(str(value))
            for name, value in fields.items()
        }
        structlog.stdlib.get_logger("queues.job").info(
            message, **{RESERVED.get(name, name): said[name] for name in said}
        )
        if len(self._claim.log) < MAX_LOG_LINES:
            self._claim.log.append(
                {"at": time.time(), "message": printable(message), **said}
            )

    def _write(self, column: str, text: str) -> None:
        with _outside_transaction() as door, door.cursor() as cursor:
            cursor.execute(GUARDS[column], [text, self.id, self._claim.attempt_id])
            row = cursor.fetchone()
        if row is None:
            raise ClaimLost(f"job {self.id}: attempt {self.attempt} is closed")
        self._cancelled = self._cancelled or row[0]


@contextmanager
def _outside_transaction() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection that commits at once, even inside the handler's atomic."""
    if not connection.in_atomic_block:
        yield connections[connection.alias]
        return
    side = connection.copy()
    try:
        yield side
    finally:
        side.close()
