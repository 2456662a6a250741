"""The engine at a glance: what waits, runs, died and lives, by counts that are capped.

Each statement walks an index and stops early, so it costs the same at any number of
jobs; where a count stopped, it says "at least".
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from queues.ask import ask
from queues.figures import FRESH

ENOUGH = 10_000
"""Counting stops here: staff need no more digits."""
ENOUGH_OF_LINE = 2_000
"""The same for one line of jobs, of which there may be hundreds."""
NEWEST = 2_000
"""Letters that are looked at for a trend."""
FAULTS_SHOWN = 8
LENGTH = 200
"""Characters of a reason that are read."""

COUNTS = """
SELECT clock_timestamp(),
       (SELECT count(*) FROM (SELECT FROM job_attempts
            WHERE finished_at IS NULL LIMIT %(enough)s) AS open),
       (SELECT count(*) FROM (SELECT FROM dead_letters
            WHERE replayed_at IS NULL AND dismissed_at IS NULL
            LIMIT %(enough)s) AS letter)
"""
# From queue to queue and from limit to limit by one probe each, then a short range of
# the claim's own index a priority.
LINES = """
WITH RECURSIVE free AS (
    (SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
     ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT next.queue FROM free CROSS JOIN LATERAL (
        SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
          AND queue > free.queue ORDER BY queue LIMIT 1) AS next
), limited AS (
    (SELECT queue, limit_name FROM jobs
     WHERE status = 'pending' AND limit_name IS NOT NULL
     ORDER BY queue, limit_name LIMIT 1)
    UNION ALL
    SELECT next.queue, next.limit_name FROM limited CROSS JOIN LATERAL (
        SELECT queue, limit_name FROM jobs
        WHERE status = 'pending' AND limit_name IS NOT NULL
          AND (queue, limit_name) > (limited.queue, limited.limit_name)
        ORDER BY queue, limit_name LIMIT 1) AS next
)
SELECT free.queue, NULL, urgency.priority, due.count, due.oldest, later.count
FROM free CROSS JOIN generate_series(1, 9) AS urgency (priority)
CROSS JOIN LATERAL (SELECT count(*), min(run_at) AS oldest FROM (
    SELECT run_at FROM jobs
    WHERE status = 'pending' AND limit_name IS NULL AND queue = free.queue
      AND priority = urgency.priority AND run_at <= statement_timestamp()
    ORDER BY run_at LIMIT %(enough)s) AS job) AS due
CROSS JOIN LATERAL (SELECT count(*) FROM (
    SELECT FROM jobs
    WHERE status = 'pending' AND limit_name IS NULL AND queue = free.queue
      AND priority = urgency.priority AND run_at > statement_timestamp()
    ORDER BY run_at LIMIT %(enough)s) AS job) AS later
WHERE due.count + later.count > 0
UNION ALL
SELECT limited.queue, limited.limit_name, urgency.priority, due.count, due.oldest, later.count
FROM limited CROSS JOIN generate_series(1, 9) AS urgency (priority)
CROSS JOIN LATERAL (SELECT count(*), min(run_at) AS oldest FROM (
    SELECT run_at FROM jobs
    WHERE status = 'pending' AND limit_name = limited.limit_name
      AND queue = limited.queue
      AND priority = urgency.priority AND run_at <= statement_timestamp()
    ORDER BY run_at LIMIT %(enough)s) AS job) AS due
CROSS JOIN LATERAL (SELECT count(*) FROM (
    SELECT FROM jobs
    WHERE status = 'pending' AND limit_name = limited.limit_name
      AND queue = limited.queue
      AND priority = urgency.priority AND run_at > statement_timestamp()
    ORDER BY run_at LIMIT %(enough)s) AS job) AS later
WHERE due.count + later.count > 0
"""
PROCESSES = """
SELECT id, kind, name, queues, started_at, seen_at,
       seen_at > clock_timestamp() - %(fresh)s * interval '1 second'
FROM workers WHERE gone_at IS NULL
  AND seen_at > clock_timestamp() - interval '1 day'
ORDER BY kind, name, id
"""
RISE = """
SELECT count(*) FILTER (WHERE created_at > now() - interval '1 hour'),
       count(*) FILTER (WHERE created_at <= now() - interval '1 hour'
                          AND created_at > now() - interval '2 hours')
FROM (SELECT created_at FROM dead_letters ORDER BY id DESC LIMIT %(newest)s) AS letter
"""
FAULTS = """
SELECT found.fingerprint, found.type, found.types, found.count, found.last,
       left(split_part(letter.reason, E'\\n', 1), %(length)s)
FROM (
    SELECT fingerprint, min(type) AS type, count(DISTINCT type) AS types,
           count(*) AS count, max(created_at) AS last, max(id) AS newest
    FROM (SELECT id, fingerprint, type, created_at FROM dead_letters
          WHERE replayed_at IS NULL AND dismissed_at IS NULL
          ORDER BY id DESC LIMIT %(enough)s) AS letter
    GROUP BY fingerprint ORDER BY count DESC, newest DESC LIMIT %(faults)s
) AS found
JOIN dead_letters AS letter ON letter.id = found.newest
ORDER BY found.count DESC, found.newest DESC
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """The moment by the database's clock, and what runs and lies open then."""

    now: datetime
    running: int
    letters: int


@dataclass(frozen=True, slots=True)
class Line:
    """What waits in a queue at a priority, with no limit or under one."""

    queue: str
    limit: str | None
    priority: int
    due: int
    oldest: datetime | None
    later: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process that has not said goodbye; silent ones may be dead."""

    id: int
    kind: str
    name: str
    queues: str
    started_at: datetime
    seen_at: datetime
    is_heard: bool


@dataclass(frozen=True, slots=True)
class Rise:
    """How many jobs died within the last hour, and within the hour before it."""

    hour: int
    before: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Open letters that tell of one fault, of the newest ENOUGH of all."""

    fingerprint: UUID | None
    type: str
    types: int
    count: int
    last_at: datetime
    reason: str


def counts() -> Counts:
    """Return the moment, the jobs that run and the letters that lie open."""
    return Counts(*ask(COUNTS, enough=ENOUGH + 1)[0])


def lines() -> list[Line]:
    """Return the lines of pending jobs, every count capped at ENOUGH_OF_LINE."""
    return [Line(*row) for row in ask(LINES, enough=ENOUGH_OF_LINE)]


def processes() -> list[Process]:
    """Return the processes that run, as far as anyone knows."""
    return [Process(*row) for row in ask(PROCESSES, fresh=FRESH)]


def rise() -> Rise:
    """Return how deaths go, of the newest letters."""
    return Rise(*ask(RISE, newest=NEWEST)[0])


def faults() -> list[Fault]:
    """Return the commonest faults among the newest open letters."""
    values = {"enough": ENOUGH, "faults": FAULTS_SHOWN, "length": LENGTH}
    return [Fault(*row) for row in ask(FAULTS, **values)]
