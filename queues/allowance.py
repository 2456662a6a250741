"""How much room a limit has left, and which limits have somebody waiting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from queues.limits import Limit

# The code says the first values; what staff edited since then stays.
DECLARE = """
INSERT INTO limits (name, running, running_per_key, rate, rate_per_key, period_seconds)
SELECT * FROM unnest(
    %s::text[], %s::int[], %s::int[], %s::int[], %s::int[], %s::float8[])
ON CONFLICT (name) DO NOTHING
"""
# Skipping a locked row keeps a crowd from queueing up behind one claim; all claims
# under a limit pass through this row, so what is counted afterwards cannot grow.
LOCK = """
SELECT running, running_per_key, rate, rate_per_key, period_seconds, cursor
FROM limits WHERE name = %s FOR UPDATE SKIP LOCKED
"""
HELD = """
SELECT count(*) FROM jobs WHERE status = 'processing' AND limit_name = %s
"""
USED = """
SELECT count(*) FROM limit_uses WHERE limit_name = %s
  AND at > statement_timestamp() - %s * interval '1 second'
"""
FORGET = """
DELETE FROM limit_uses WHERE limit_name = %s
  AND at <= statement_timestamp() - %s * interval '1 second'
"""
# From limit to limit through the index, and in each the head of the most urgent
# priority; the jobs without a limit are one more line, named NULL.
HEADS = """
SELECT line.name, head.priority, head.run_at
FROM unnest(%(queues)s::text[]) AS each (queue)
CROSS JOIN LATERAL (
    WITH RECURSIVE step (name) AS (
        (SELECT limit_name FROM jobs
         WHERE status = 'pending' AND limit_name IS NOT NULL AND queue = each.queue
         ORDER BY limit_name LIMIT 1)
        UNION ALL
        SELECT (SELECT limit_name FROM jobs
                WHERE status = 'pending' AND limit_name > step.name
                  AND queue = each.queue ORDER BY limit_name LIMIT 1)
        FROM step WHERE step.name IS NOT NULL
    )
    SELECT name FROM step WHERE name IS NOT NULL
) AS line
CROSS JOIN LATERAL (
    SELECT urgency.priority, job.run_at FROM generate_series(1, 9) AS urgency (priority)
    CROSS JOIN LATERAL (
        SELECT run_at FROM jobs
        WHERE status = 'pending' AND limit_name = line.name AND queue = each.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT 1
    ) AS job
    LIMIT 1
) AS head
UNION ALL
SELECT NULL, head.priority, head.run_at
FROM unnest(%(queues)s::text[]) AS each (queue)
CROSS JOIN LATERAL (
    SELECT urgency.priority, job.run_at FROM generate_series(1, 9) AS urgency (priority)
    CROSS JOIN LATERAL (
        SELECT run_at FROM jobs
        WHERE status = 'pending' AND limit_name IS NULL AND queue = each.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT 1
    ) AS job
    LIMIT 1
) AS head
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the row of a limit says; None is no such limit."""

    running: int | None
    running_per_key: int | None
    rate: int | None
    rate_per_key: int | None
    period: float
    cursor: str

    @property
    def counts_starts(self) -> bool:
        """Tell whether starts must be remembered."""
        return self.rate is not None or self.rate_per_key is not None


def declare(limits: Iterable[Limit]) -> int:
    """Write the limits that have no row yet; return how many were written."""
    known = {limit.name: limit for limit in limits}.values()
    columns: list[list[Any]] = [
        [limit.name for limit in known],
        [limit.running for limit in known],
        [limit.running_per_key for limit in known],
        [limit.rate for limit in known],
        [limit.rate_per_key for limit in known],
        [limit.period for limit in known],
    ]
    with connection.cursor() as cursor:
        cursor.execute(DECLARE, columns)
        return int(cursor.rowcount)


def lock(name: str) -> Terms | None:
    """Lock the row of a limit until the transaction ends; None if another has it."""
    row = _first(LOCK, name)
    return None if row is None else Terms(*row)


def room(name: str, terms: Terms, most: int) -> int:
    """Return how many more of a locked limit may start now, up to `most`.

    A statement of its own after the lock: only then does it see every claim that
    was made before.
    """
    left = most
    if terms.running is not None:
        left = min(left, terms.running - _count(HELD, name))
    if terms.counts_starts:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [name, terms.period])
    if terms.rate is not None:
        left = min(left, terms.rate - _count(USED, name, terms.period))
    return left


def heads(queues: Sequence[str]) -> list[str | None]:
    """Return the limits with a due job, and None for those without, in their order.

    The line whose head is most urgent stands first, of those the oldest.
    """
    with connection.cursor() as cursor:
        cursor.execute(HEADS, {"queues": list(queues)})
        rows: list[tuple[str | None, int, datetime]] = cursor.fetchall()
    rows.sort(key=lambda row: row[1:])
    return list(dict.fromkeys(name for name, *_ in rows))


def _count(statement: str, *values: object) -> int:
    row = _first(statement, *values)
    return 0 if row is None else int(row[0])


def _first(statement: str, *values: object) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
