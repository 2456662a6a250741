"""What holds at every moment, as sentences and as SQL that finds what breaks them.

Each statement sees one moment, so it may run beside workers at full speed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

MOST = 10
"""Rows that are shown of a broken invariant."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that is true, and a statement whose every row says it is not."""

    sentence: str
    sql: str


INVARIANTS = {
    "processing-is-claimed": Invariant(
        "A processing job has exactly one open attempt.",
        """
        SELECT job.id AS job FROM jobs AS job WHERE status = 'processing' AND 1 <> (
            SELECT count(*) FROM job_attempts
            WHERE job_id = job.id AND finished_at IS NULL)
        """,
    ),
    "only-processing-is-claimed": Invariant(
        "An open attempt belongs to a processing job; a waiting or ended one has none.",
        """
        SELECT attempt.id AS attempt, job_id AS job, job.status
        FROM job_attempts AS attempt LEFT JOIN jobs AS job ON job.id = job_id
        WHERE finished_at IS NULL AND job.status IS DISTINCT FROM 'processing'
        """,
    ),
    "failed-has-a-letter": Invariant(
        "A failed job has exactly one standing dead letter.",
        """
        SELECT job.id AS job FROM jobs AS job WHERE status = 'failed' AND 1 <> (
            SELECT count(*) FROM dead_letters
            WHERE job_id = job.id AND replayed_at IS NULL)
        """,
    ),
    "letter-is-of-a-failed-job": Invariant(
        "A standing dead letter belongs to a failed job of its type.",
        """
        SELECT letter.id AS letter, job_id AS job, job.status
        FROM dead_letters AS letter LEFT JOIN jobs AS job ON job.id = job_id
        WHERE replayed_at IS NULL AND (
            job.status IS DISTINCT FROM 'failed' OR job.type <> letter.type)
        """,
    ),
    "letter-tells-its-fault": Invariant(
        "Every dead letter has a fingerprint.",
        "SELECT id AS letter, job_id AS job FROM dead_letters WHERE fingerprint IS NULL",
    ),
    "bulk-left-its-mark": Invariant(
        "What a bulk replayed is replayed, what it dismissed is dismissed, and it"
        " counted each.",
        """
        SELECT letter.id AS letter, bulk.id AS bulk, verb
        FROM dead_letters AS letter JOIN letter_bulks AS bulk ON bulk.id = bulk_id
        WHERE CASE verb WHEN 'replay' THEN replayed_at IS NULL
            WHEN 'discard' THEN dismissed_at IS NULL
            ELSE dismissed_at IS NOT NULL END
        UNION ALL
        SELECT count(*), bulk.id, verb
        FROM letter_bulks AS bulk JOIN dead_letters AS letter ON bulk_id = bulk.id
        GROUP BY bulk.id HAVING count(*) > done
        """,
    ),
    "bulk-counts-its-refusals": Invariant(
        "A bulk counts the letters that it refused, each of them once with a reason.",
        """
        SELECT id AS bulk, refused FROM letter_bulks AS bulk WHERE refused <> (
            SELECT count(*) FROM letter_refusals WHERE bulk_id = bulk.id)
        """,
    ),
    "nothing-is-orphaned": Invariant(
        "Attempts and letters belong to a job that is there.",
        """
        SELECT 'attempt' AS what, id, job_id AS job FROM job_attempts
        WHERE NOT EXISTS (SELECT FROM jobs WHERE id = job_id)
        UNION ALL
        SELECT 'letter', id, job_id FROM dead_letters
        WHERE NOT EXISTS (SELECT FROM jobs WHERE id = job_id)
        """,
    ),
    "ended-has-a-time": Invariant(
        "A job has a time of its end exactly if it is completed, failed or cancelled.",
        """
        SELECT id AS job, status FROM jobs
        WHERE (completed_at IS NOT NULL)
            <> (status IN ('completed', 'failed', 'cancelled'))
        """,
    ),
    "completed-was-run": Invariant(
        "A completed job has an attempt that completed it.",
        """
        SELECT job.id AS job FROM jobs AS job
        WHERE status = 'completed' AND NOT EXISTS (
            SELECT FROM job_attempts
            WHERE job_id = job.id AND outcome = 'completed')
        """,
    ),
    "values-are-in-range": Invariant(
        "A status is one of the five, a priority lies from 1 to 9.",
        """
        SELECT id AS job, status, priority FROM jobs
        WHERE priority NOT BETWEEN 1 AND 9 OR status NOT IN (
            'pending', 'processing', 'completed', 'failed', 'cancelled')
        """,
    ),
    "failures-were-tries": Invariant(
        "A job counts no more failures than attempts failed, nor more losses than were"
        " lost.",
        """
        SELECT job.id AS job, failures, losses FROM jobs AS job
        WHERE (failures <> 0 OR losses <> 0) AND (
            failures < 0 OR losses < 0
            OR failures > (
                SELECT count(*) FROM job_attempts WHERE job_id = job.id
                AND outcome IN ('failed', 'buried', 'lost'))
            OR losses > (
                SELECT count(*) FROM job_attempts
                WHERE job_id = job.id AND outcome = 'lost'))
        """,
    ),
    "live-has-tries-left": Invariant(
        "A live job has failed fewer times than it may.",
        """
        SELECT id AS job, failures, max_attempts FROM jobs
        WHERE status IN ('pending', 'processing') AND failures >= max_attempts
        """,
    ),
    "one-live-per-key": Invariant(
        "No two live jobs of a type share a unique key.",
        """
        SELECT type, unique_key, count(*) FROM jobs
        WHERE status IN ('pending', 'processing') AND unique_key IS NOT NULL
        GROUP BY type, unique_key HAVING count(*) > 1
        """,
    ),
    "closed-attempt-has-an-outcome": Invariant(
        "An attempt has an outcome exactly if it is closed.",
        """
        SELECT id AS attempt, job_id AS job FROM job_attempts
        WHERE (finished_at IS NULL) <> (outcome IS NULL)
        """,
    ),
    "held-is-never-due": Invariant(
        "A job that waits for others is pending and due at no time.",
        """
        SELECT id AS job, status, run_at FROM jobs WHERE held_run_at IS NOT NULL
            AND (status <> 'pending' OR run_at < '9999-01-01T00:00:00Z')
        """,
    ),
    "held-waits-for-a-live-job": Invariant(
        "A job that waits for others needs at least one that lives.",
        """
        SELECT job.id AS job FROM jobs AS job WHERE held_run_at IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM job_needs AS need JOIN jobs AS other
                    ON other.id = need.needs_id
                WHERE need.job_id = job.id
                    AND other.status IN ('pending', 'processing'))
        """,
    ),
    "needed-is-marked": Invariant(
        "A live job that another waits for is marked, so that its end is told.",
        """
        SELECT job.id AS job, other.id AS needs FROM jobs AS job
        JOIN job_needs AS need ON need.job_id = job.id
        JOIN jobs AS other ON other.id = need.needs_id
        WHERE job.held_run_at IS NOT NULL AND NOT other.needed
            AND other.status IN ('pending', 'processing')
        """,
    ),
    "complete-batch-is-sealed": Invariant(
        "A complete batch was sealed before, and counted.",
        """
        SELECT id AS batch FROM job_batches WHERE completed_at IS NOT NULL
            AND (sealed_at IS NULL OR sealed_at > completed_at OR total IS NULL)
        """,
    ),
    # The row of a key is pruned an hour after it was served last.
    "limited-was-admitted": Invariant(
        "A job that runs under a limit came through its door, as the row of its key"
        " shows.",
        """
        SELECT job.id AS job, limit_name, limit_key FROM jobs AS job
        JOIN job_attempts AS attempt ON attempt.job_id = job.id
            AND finished_at IS NULL
            AND claimed_at > clock_timestamp() - interval '50 minutes'
        WHERE job.status = 'processing' AND limit_name IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM limit_keys AS served WHERE served.key = limit_key
                AND served.limit_name = job.limit_name)
        """,
    ),
    "fired-once": Invariant(
        "A schedule has one firing for each due time.",
        """
        SELECT schedule_id AS schedule, due_at, count(*) FROM cron_job_logs
        WHERE schedule_id IS NOT NULL AND due_at IS NOT NULL
        GROUP BY schedule_id, due_at HAVING count(*) > 1
        """,
    ),
    "firing-ends-with-its-job": Invariant(
        "The firing of an ended job is closed, an open one has no time of its end.",
        """
        SELECT log.id AS firing, job.id AS job, log.status
        FROM cron_job_logs AS log LEFT JOIN jobs AS job ON job.id = log.job_id
            AND job.source IN ('schedule', 'cron')
            AND job.status IN ('completed', 'failed', 'cancelled')
        WHERE (log.status = 'running') AND (
                job.id IS NOT NULL OR log.finished_at IS NOT NULL)
            OR job.id IS NOT NULL AND log.finished_at IS NULL
        """,
    ),
    "skipped-started-nothing": Invariant(
        "A skipped firing has no job, says why, and is closed.",
        """
        SELECT id AS firing, job_id AS job FROM cron_job_logs
        WHERE status = 'skipped' AND (
            job_id IS NOT NULL OR finished_at IS NULL OR NOT details ? 'reason')
        """,
    ),
    "roll-ups-forget-nothing": Invariant(
        "The rolled up counts of a day are never below the attempts that are kept.",
        """
        WITH edge AS (
            SELECT done_until, date_trunc(
                'hour', done_until - interval '1 day', 'UTC') AS since
            FROM job_rollup
        ), kept AS (
            SELECT type, outcome, count(*) AS attempts
            FROM edge, job_attempts JOIN jobs ON jobs.id = job_id
            WHERE finished_at >= since AND finished_at < done_until
            GROUP BY type, outcome
        ), counted AS (
            SELECT type, outcome, sum(count) AS count
            FROM edge, job_minutes WHERE minute >= since AND minute < done_until
            GROUP BY type, outcome
        )
        SELECT type, outcome, attempts, count
        FROM kept LEFT JOIN counted USING (type, outcome)
        WHERE attempts > coalesce(count, 0)
        """,
    ),
}
"""By name."""


_guests: dict[str, Invariant] = {}


def register(invariants: Mapping[str, Invariant]) -> None:
    """Let an app that stands on the engine add what holds of its own rows."""
    _guests.update(invariants)


def known() -> dict[str, Invariant]:
    """Return every invariant by name: the engine's, then the guests'."""
    return INVARIANTS | _guests


def violations(names: Iterable[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """Yield each broken invariant, with up to MOST rows that break it; all by default."""
    for name in names or known():
        if rows := violations_of(name):
            yield name, rows


def violations_of(name: str) -> list[str]:
    """Return up to MOST rows that break one invariant, as JSON texts."""
    statement = known()[name].sql
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row_to_json(broken)::text FROM ({statement} LIMIT {MOST}) AS broken"  # noqa: S608
        )
        return [text for (text,) in cursor.fetchall()]
