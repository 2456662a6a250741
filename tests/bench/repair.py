"""A hundred thousand dead letters brought back to life beside jobs that come in."""

import json
import time
from dataclasses import dataclass
from statistics import median

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from queues.bulk import Order, begin, is_live
from queues.letters import Selection
from queues.models import LetterBulk
from tests.bench.measure import Latency, latency, ready
from tests.bench.sides import PAYLOAD, Ours
from tests.processes import until

PATIENCE = 300.0
EVERY = 0.02
"""Seconds between two jobs that come in meanwhile."""

# As a worker leaves them after the last try: priority eased to the end.
DEAD = """
WITH dead AS (
    INSERT INTO jobs (type, queue, payload, status, priority, failures, source, error,
                      created_at, completed_at)
    SELECT 'bench-noop', 'default', %(payload)s::jsonb, 'failed', 9, 3, 'code',
           'ConnectionError: order ' || n || ' at step ' || chr(65 + n %% 26),
           moment, moment
    FROM generate_series(1, %(count)s) AS n,
         LATERAL (SELECT now() - n * interval '3 seconds' AS moment)
    RETURNING id, type, error, completed_at
)
INSERT INTO dead_letters (job_id, type, reason, traceback, created_at)
SELECT id, type, error, repeat(
    E'  File "/srv/app/orders.py", line 7, in fetch\\n    return call()\\n', 12),
    completed_at
FROM dead
"""
PROBES = """
SELECT extract(epoch FROM attempt.started_at - job.created_at)
FROM jobs AS job JOIN job_attempts AS attempt ON attempt.job_id = job.id
WHERE job.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a bulk replay showed."""

    seconds: float
    """From the start of its job to its end."""
    meanwhile: Latency
    """Pickup of urgent jobs that came in while it ran."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of the console took."""

    milliseconds: float
    queries: int


def replay(count: int) -> Repaired:
    """Replay that many letters on a worker, and enqueue other jobs all the while."""
    ours = Ours()
    with ready(ours):
        bury(count)
        bulk = begin(Order("replay", Selection()))
        probes = []
        while is_live(bulk):
            probes.append(ours.enqueue())
            time.sleep(EVERY)
            bulk = LetterBulk.objects.get(pk=bulk.pk)
        until(lambda: started(probes) is not None, PATIENCE)
    seconds = ours.value(
        "SELECT extract(epoch FROM bulk.finished_at - min(attempt.claimed_at))"
        " FROM letter_bulks AS bulk JOIN job_attempts AS attempt"
        " ON attempt.job_id = bulk.job_id WHERE bulk.id = %s GROUP BY bulk.id",
        bulk.pk,
    )
    assert bulk.done == count, bulk.done
    return Repaired(float(seconds), latency(started(probes) or [0.0, 0.0]))


def started(jobs: list[int]) -> list[float] | None:
    """Return how long each job waited, in seconds; None until all have started."""
    with connection.cursor() as cursor:
        cursor.execute(PROBES, [jobs])
        waits = [float(wait) for (wait,) in cursor.fetchall() if wait is not None]
    return waits if len(waits) == len(jobs) else None


def bury(count: int) -> None:
    """Write that many dead jobs with their letters, and no other bulk."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE letter_bulks CASCADE")
        cursor.execute(DEAD, {"payload": json.dumps(PAYLOAD), "count": count})
        cursor.execute("VACUUM ANALYZE jobs")
        cursor.execute("VACUUM ANALYZE dead_letters")


def pages(count: int, runs: int) -> dict[str, Page]:
    """Return what the pages of that many open letters take, by name."""
    Ours().clear()
    bury(count)
    call_command("collectstatic", interactive=False, verbosity=0)
    user = User.objects.create_superuser("bench-letters")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    try:
        return {
            name: _page(client, f"/admin/queues/deadletter/{path}", runs)
            for name, path in (
                ("faults", "faults/"),
                ("faults, by words", "faults/?q=step+Q"),
                ("list", "?state=open"),
                ("list, by words", "?state=open&q=step+Q"),
                ("order of a bulk", "bulk/replay/"),
            )
        }
    finally:
        user.delete()


def _page(client: Client, path: str, runs: int) -> Page:
    assert client.get(path).status_code == 200, path
    taken = []
    for _ in range(max(runs, 5)):
        began = time.perf_counter()
        client.get(path)
        taken.append((time.perf_counter() - began) * 1000)
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    return Page(median(taken), len(asked))
