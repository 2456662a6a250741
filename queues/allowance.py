"""Which limits there are, and which of them have somebody waiting."""

from collections.abc import Iterable, Sequence
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
# From limit to limit through the index, and in each the head of the most urgent
# priority; the jobs without a limit are one more line, named NULL.
HEADS = """
SELECT line.name, head.priority, head.run_at
FROM unnest(ritmo_open(%(queues)s::text[], %(worker)s)) AS each (queue)
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
FROM unnest(ritmo_open(%(queues)s::text[], %(worker)s)) AS each (queue)
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


def heads(queues: Sequence[str], *, worker: int) -> list[str | None]:
    """Return the limits with a due job, and None for those without, in their order.

    The line whose head is most urgent stands first, of those the oldest.
    """
    with connection.cursor() as cursor:
        cursor.execute(HEADS, {"queues": list(queues), "worker": worker})
        rows: list[tuple[str | None, int, datetime]] = cursor.fetchall()
    rows.sort(key=lambda row: row[1:])
    return list(dict.fromkeys(name for name, *_ in rows))
