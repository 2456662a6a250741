"""Take the next due jobs of a limit that has room: lock its row, count, then claim."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from django.db import connection, transaction

from queues.allowance import Terms, declare, lock, room
from queues.claims import Claim, as_claim
from queues.handlers import registry
from queues.limits import Limit

WINDOW = 100
"""Keys that one look compares; with more waiting, the next look goes on behind them."""
LOOKS = 5
"""Looks at further keys before giving up until the next bell."""
KNOCKS = 3
PAUSE = 0.003
"""Seconds before knocking again at a limit that someone else is claiming from."""

# Three steps. Which keys wait: a walk from key to key through the index, and the
# oldest due jobs, so that keys with nothing due yet never hide them. What room each
# has. Then their jobs in order, locked one by one until there are enough: a spare
# stands behind each, should a row be held by somebody who cancels or edits it.
ADMIT = """
WITH waiting AS MATERIALIZED (
    SELECT line.queue, urgency.priority, found.limit_key, found.place
    FROM generate_series(1, 9) AS urgency (priority)
    CROSS JOIN unnest(%(queues)s::text[]) AS line (queue)
    CROSS JOIN LATERAL (
        WITH RECURSIVE step (limit_key, place) AS (
            (SELECT limit_key, 1 FROM jobs
             WHERE status = 'pending' AND limit_name = %(limit)s AND queue = line.queue
               AND priority = urgency.priority AND limit_key >= %(cursor)s
             ORDER BY limit_key LIMIT 1)
            UNION ALL
            SELECT (SELECT limit_key FROM jobs
                    WHERE status = 'pending' AND limit_name = %(limit)s
                      AND queue = line.queue AND priority = urgency.priority
                      AND limit_key > step.limit_key
                    ORDER BY limit_key LIMIT 1), place + 1
            FROM step WHERE step.limit_key IS NOT NULL AND place < %(window)s
        )
        SELECT limit_key, place FROM step WHERE limit_key IS NOT NULL
        UNION ALL
        (SELECT limit_key, 0 FROM jobs
         WHERE status = 'pending' AND limit_name = %(limit)s AND queue = line.queue
           AND priority = urgency.priority AND run_at <= statement_timestamp()
         ORDER BY run_at, id LIMIT 20)
    ) AS found
), turned AS (
    UPDATE limits SET cursor = next.cursor FROM (
        SELECT coalesce(min(last), '') AS cursor FROM (
            SELECT max(limit_key) AS last FROM waiting WHERE place > 0
            GROUP BY queue, priority HAVING max(place) = %(window)s) AS walk
    ) AS next
    WHERE name = %(limit)s AND limits.cursor <> next.cursor
), allowed AS MATERIALIZED (
    SELECT each.limit_key, key.served_at, least(
        %(room)s::int,
        %(running_per_key)s::int - (
            SELECT count(*) FROM jobs WHERE status = 'processing'
            AND limit_name = %(limit)s AND jobs.limit_key = each.limit_key),
        %(rate_per_key)s::int - (
            SELECT count(*) FROM limit_uses AS used
            WHERE limit_name = %(limit)s AND used.key = each.limit_key
              AND at > statement_timestamp() - %(period)s * interval '1 second')
        ) AS room
    FROM (SELECT DISTINCT limit_key FROM waiting) AS each
    LEFT JOIN limit_keys AS key
        ON key.limit_name = %(limit)s AND key.key = each.limit_key
), seen AS (
    SELECT job.id, line.priority, line.limit_key, allowed.served_at, job.run_at,
           allowed.room, row_number() OVER (
               PARTITION BY line.limit_key ORDER BY line.priority, job.run_at, job.id
           ) AS nth
    FROM (SELECT DISTINCT queue, priority, limit_key FROM waiting) AS line
    JOIN allowed ON allowed.limit_key = line.limit_key AND allowed.room > 0
    CROSS JOIN LATERAL (
        SELECT id, run_at FROM jobs
        WHERE status = 'pending' AND limit_name = %(limit)s AND queue = line.queue
          AND priority = line.priority AND limit_key = line.limit_key
          AND run_at <= statement_timestamp()
        ORDER BY run_at, id LIMIT %(room)s + 2
    ) AS job
), locked AS MATERIALIZED (
    SELECT seen.id, seen.limit_key, seen.room, seen.nth
    FROM (
        SELECT * FROM seen
        ORDER BY nth > room, priority, nth, served_at NULLS FIRST, run_at, id
    ) AS seen
    CROSS JOIN LATERAL (
        SELECT id FROM jobs WHERE jobs.id = seen.id AND status = 'pending'
        FOR UPDATE SKIP LOCKED
    ) AS job
    LIMIT %(room)s
), chosen AS (
    SELECT id FROM (
        SELECT id, room, row_number() OVER (PARTITION BY limit_key ORDER BY nth) AS taken
        FROM locked) AS each
    WHERE taken <= room
), claimed AS (
    UPDATE jobs SET status = 'processing', started_at = statement_timestamp()
    FROM chosen WHERE jobs.id = chosen.id
    RETURNING jobs.*
), opened AS (
    INSERT INTO job_attempts (job_id, worker_id, number, claimed_at, started_at)
    SELECT id, %(worker)s, failures + 1, statement_timestamp(),
           CASE WHEN %(room)s = 1 THEN statement_timestamp() END
    FROM claimed
    RETURNING id, job_id
), served AS (
    INSERT INTO limit_keys (limit_name, key, served_at)
    SELECT DISTINCT %(limit)s, limit_key, statement_timestamp() FROM claimed
    ON CONFLICT (limit_name, key) DO UPDATE SET served_at = excluded.served_at
), used AS (
    INSERT INTO limit_uses (limit_name, key, at)
    SELECT %(limit)s, limit_key, statement_timestamp() FROM claimed
    WHERE %(counts_starts)s
)
SELECT opened.id, claimed.id, type, queue, payload::text, priority,
       failures + 1, failures, losses, max_attempts, source, unique_key,
       checkpoint::text, run_at
FROM claimed JOIN opened ON opened.job_id = claimed.id
ORDER BY priority, run_at, claimed.id
"""


@dataclass(slots=True)
class Admission:
    """What was claimed under a limit, and whether it has room for another process."""

    claims: list[Claim] = field(default_factory=list)
    has_more: bool = False


def admit(name: str, queues: Sequence[str], *, worker: int, limit: int) -> Admission:
    """Open an attempt on up to `limit` due jobs, never more than the limit allows.

    The most urgent first, of those a job of the key served least recently. All that
    claim under one limit go through one door, its row; it is open for a millisecond.
    """
    for knock in range(KNOCKS):
        if knock:
            time.sleep(PAUSE)
        with transaction.atomic():
            if terms := lock(name):
                return _admit(name, terms, queues, worker=worker, limit=limit)
            # Deleted rather than locked? It comes back as its code declares it.
            declare([_declared(name)])
    return Admission()


def _admit(
    name: str, terms: Terms, queues: Sequence[str], *, worker: int, limit: int
) -> Admission:
    left = room(name, terms, limit + 1)
    values = {
        **asdict(terms),
        "limit": name,
        "queues": list(queues),
        "worker": worker,
        "room": min(left, limit),
        "window": WINDOW,
        "counts_starts": terms.counts_starts,
    }
    if left <= 0:
        return Admission()
    for _ in range(LOOKS):
        if claims := _claim(values):
            is_full = len(claims) == values["room"]
            return Admission(claims, has_more=is_full and left > len(claims))
        if not (cursor := _cursor(name)):
            break
        values["cursor"] = cursor
    return Admission()


def _claim(values: dict[str, object]) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(ADMIT, values)
        started, name = values["room"] == 1, str(values["limit"])
        return [as_claim(row, started=started, limit=name) for row in cursor.fetchall()]


def _cursor(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cursor FROM limits WHERE name = %s", [name])
        ((place,),) = cursor.fetchall()
        return str(place)


def _declared(name: str) -> Limit:
    known = registry.limits.values()
    return next((limit for limit in known if limit.name == name), Limit(name))
