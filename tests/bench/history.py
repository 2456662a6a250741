"""A table with a past and a future, written by SQL alone."""

from django.db import connection

from queues.rollup import roll_up
from tests.bench import measure
from tests.bench.sides import PAYLOAD, Ours

FINISHED = """
WITH old AS (
    INSERT INTO jobs (type, queue, payload, status, priority, run_at, source,
                      created_at, started_at, completed_at)
    SELECT 'bench-noop', 'default', %(payload)s::jsonb, 'completed', 1 + n %% 9,
           moment, 'code', moment, moment, moment
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - interval '1 hour' - n * interval '1 second' AS moment)
    RETURNING id, completed_at
)
INSERT INTO job_attempts (job_id, worker_id, number, claimed_at, started_at,
                          finished_at, outcome)
SELECT id, 0, 1, completed_at, completed_at, completed_at, 'completed' FROM old
"""
# Half of them most urgent: they sort before everything that is due.
FUTURE = """
INSERT INTO jobs (type, queue, payload, priority, run_at, source)
SELECT 'bench-noop', 'default', %(payload)s::jsonb,
       CASE WHEN n %% 2 = 0 THEN 1 ELSE 1 + n %% 9 END,
       now() + interval '1 day' + n * interval '1 second', 'code'
FROM generate_series(1, %(count)s) AS n
"""


def drains(
    *, jobs: int, finished: int, future: int, runs: int
) -> list[tuple[float, float]]:
    """Return pairs of rates: with a past and a future, and without."""
    ours = Ours()
    empty = [measure.drain(ours, jobs).rate for _ in range(runs)]
    ours.clear()
    fill(finished=finished, future=future)
    full = [measure.drain(ours, jobs, keep=True).rate for _ in range(runs)]
    ours.clear()
    return list(zip(full, empty, strict=True))


def fill(*, finished: int, future: int) -> None:
    """Write old and future rows, and let the server tidy up before it is measured."""
    with connection.cursor() as cursor:
        for statement, count in ((FINISHED, finished), (FUTURE, future)):
            cursor.execute(
                statement,
                {"payload": f'{{"text": "{PAYLOAD["text"]}"}}', "count": count},
            )
        cursor.execute("VACUUM ANALYZE jobs, job_attempts")
    # A worker that starts would count these minutes first: they were, long ago.
    while roll_up():
        pass
