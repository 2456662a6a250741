"""How many and how old: figures that stay cheap however long the history grows."""

from collections.abc import Mapping
from dataclasses import dataclass

from queues.ask import ask
from queues.models import Job
from queues.states import State

MOST_AHEAD = 10_000
"""Where counting a place in the line stops."""
SCANNED_BYTES = 64 * 1024 * 1024
"""A table of jobs up to this size is counted, a larger one is sampled."""
PICKED_ATTEMPTS = 20_000
"""Up to so many attempts within the look back, the ends are counted exactly."""
LOOK_BACK = 4 * 3600
"""Seconds; an attempt that took longer is missing among the ends."""
HOUR = 3600

# Answered by the two partial indexes of the claims: finished rows are never looked at.
WAITING = """
SELECT queue, priority, count(*),
       count(*) FILTER (WHERE run_at <= statement_timestamp()),
       extract(epoch FROM statement_timestamp() - min(run_at))::float8
FROM (
    SELECT queue, priority, run_at FROM jobs
    WHERE status = 'pending' AND limit_name IS NULL
    UNION ALL
    SELECT queue, priority, run_at FROM jobs
    WHERE status = 'pending' AND limit_name IS NOT NULL
) AS job GROUP BY queue, priority
"""
# A job is processing exactly while an attempt is open, and those have an index.
RUNNING = """
SELECT job.queue, count(*) FROM job_attempts AS attempt
JOIN jobs AS job ON job.id = attempt.job_id
WHERE attempt.finished_at IS NULL GROUP BY job.queue
"""
# A job is failed exactly while its letter is not replayed.
DEAD = """
SELECT type, count(*), count(*) FILTER (WHERE dismissed_at IS NULL)
FROM dead_letters WHERE replayed_at IS NULL GROUP BY type
"""
SIZE = "SELECT pg_relation_size('jobs')"
KEPT = "SELECT type, status, count(*) FROM jobs {sample} GROUP BY type, status"
# The claim's order, one short range a priority: a plain comparison of rows would
# walk the future rows of the urgent priorities.
AHEAD = """
SELECT count(*) FROM (
    SELECT FROM generate_series(1, %(priority)s) AS urgency (priority)
    CROSS JOIN LATERAL (
        SELECT FROM jobs
        WHERE status = 'pending' AND {line} AND queue = %(queue)s
          AND priority = urgency.priority AND run_at <= statement_timestamp()
          AND (priority < %(priority)s OR (run_at, id) < (%(run_at)s, %(id)s))
        LIMIT %(limit)s
    ) AS job
    LIMIT %(limit)s
) AS ahead
"""
# Ids grow with time, so a thousand probes find where the look back begins. From there
# on every attempt is picked, or at a steady width so many that they stand for all.
PICKED = """
WITH edges AS (
    SELECT min(id) AS first, max(id) AS last FROM job_attempts
), start AS (
    SELECT coalesce(max(probe), min(first)) AS first, min(last) AS last
    FROM edges
    CROSS JOIN generate_series(first, last, greatest((last - first) / 1000, 1)) AS probe
    CROSS JOIN LATERAL (
        SELECT claimed_at FROM job_attempts WHERE id >= probe ORDER BY id LIMIT 1
    ) AS attempt
    WHERE probe = first OR claimed_at
        < statement_timestamp() - %(look_back)s * interval '1 second'
), stride AS (
    SELECT *, greatest((last - first) / %(picks)s, 1) AS width FROM start
), picked AS (
    SELECT attempt.*, width
    FROM stride
    CROSS JOIN generate_series(first, last, width) AS pick (id)
    JOIN job_attempts AS attempt USING (id)
)
"""
ENDS = f"""
{PICKED}
SELECT outcome, count(*) * width FROM picked
WHERE finished_at > statement_timestamp() - %(hour)s * interval '1 second'
GROUP BY outcome, width
"""  # noqa: S608 - built of constants
HEARTBEATS = """
SELECT kind, count(*) FILTER (
           WHERE seen_at > clock_timestamp() - %(fresh)s * interval '1 second'),
       extract(epoch FROM clock_timestamp() - max(seen_at))::float8
FROM workers WHERE gone_at IS NULL GROUP BY kind
"""
FRESH = 15.0
"""Seconds since a heartbeat up to which a process counts as there."""


@dataclass(frozen=True, slots=True)
class Line:
    """What waits in one queue at one priority; `age` is negative before it is due."""

    queue: str
    priority: int
    pending: int
    due: int
    age: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The jobs that the table holds by (type, status): counted, or told from a sample."""

    counts: Mapping[tuple[str, str], int]
    is_estimated: bool

    def of_status(self, status: str) -> int:
        """Return how many jobs have that status."""
        return sum(count for (_, each), count in self.counts.items() if each == status)

    def by_type(self) -> dict[str, int]:
        """Return how many jobs each type has, whatever their status."""
        totals: dict[str, int] = {}
        for (each, _), count in sorted(self.counts.items()):
            totals[each] = totals.get(each, 0) + count
        return totals


def waiting() -> list[Line]:
    """Return the lines of pending jobs: exact."""
    return [Line(*row) for row in ask(WAITING)]


def running() -> dict[str, int]:
    """Return how many jobs of each queue are processing: exact."""
    return dict(ask(RUNNING))


def dead() -> dict[str, tuple[int, int]]:
    """Return by type how many jobs are failed, and how many of them nobody dismissed."""
    return {type_: (failed, standing) for type_, failed, standing in ask(DEAD)}


def kept() -> Kept:
    """Return what the table holds; past SCANNED_BYTES by a sample of that size."""
    ((size,),) = ask(SIZE)
    share = min(1.0, SCANNED_BYTES / size) if size else 1.0
    is_estimated = share < 1.0
    sample = f"TABLESAMPLE SYSTEM ({share * 100:.6f})" if is_estimated else ""
    rows = ask(KEPT.format(sample=sample))
    counts = {(type_, status): round(count / share) for type_, status, count in rows}
    return Kept(counts, is_estimated)


def pruned() -> dict[str, int]:
    """Return how many jobs of each type were pruned so far."""
    return dict(ask("SELECT type, pruned FROM job_totals"))


def place(job: Job) -> int:
    """Return the job's place in its line, from 1; 0 once it has left it.

    The jobs of a queue without a limit are one line, those of each limit another.
    """
    if job.status != State.PENDING:
        return 0
    names = ("id", "queue", "priority", "run_at", "limit_name")
    columns = {name: getattr(job, name) for name in names}
    line = "limit_name = %(limit_name)s" if job.limit_name else "limit_name IS NULL"
    ((ahead,),) = ask(AHEAD.format(line=line), limit=MOST_AHEAD - 1, **columns)
    return int(ahead) + 1


def ends() -> dict[str, int]:
    """Return how many attempts ended within the last hour, by outcome."""
    return dict(ask(ENDS, picks=PICKED_ATTEMPTS, look_back=LOOK_BACK, hour=HOUR))


def heartbeats() -> dict[str, tuple[int, float]]:
    """Return by kind how many processes are there, and the age of the last beat."""
    rows = ask(HEARTBEATS, fresh=FRESH)
    return {kind: (there, age) for kind, there, age in rows}
