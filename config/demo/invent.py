"""Fill the tables with an invented history, so that pages meet their full size."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from config.demo.inventions import (
    ATTEMPT_COLUMNS,
    FIRING_COLUMNS,
    JOB_COLUMNS,
    LETTER_COLUMNS,
    Lines,
    Shop,
)
from queues.histogram import EDGES
from queues.models import JobBatch, Worker
from queues.rollup import COUNT, merge

CHUNK = 20_000
BATCHES = 40
WORKERS = 12
ROLLED = timedelta(hours=6)
"""Of history in one statement of the roll-up."""

# Nobody takes numbers between the two calls: every insert waits for the lock.
RESERVE = """
SELECT setval(name::regclass, nextval(name::regclass) + %s - 1) - %s + 1
FROM pg_get_serial_sequence('jobs', 'id') AS name
"""
BEGIN = """
INSERT INTO job_rollup (id, done_until) VALUES (1, %(until)s)
ON CONFLICT (id) DO UPDATE
SET done_until = greatest(job_rollup.done_until, excluded.done_until)
"""

Progress = Callable[[int], object]


def invent(
    *, jobs: int, letters: int, days: float, progress: Progress = lambda _: None
) -> None:
    """Write so many jobs of the last days, `letters` of them dead, with all they left.

    What waits among them lies in a queue that no worker takes. `progress` is told
    how many are written. Every invariant holds after each chunk.
    """
    shop = _shop(jobs, letters, days)
    written = 0
    for lines in shop.chunks(CHUNK):
        with transaction.atomic():
            _copy(lines)
        written += len(lines.jobs)
        progress(written)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs, job_attempts, dead_letters, cron_job_logs")
    _roll_up(shop)


def _shop(jobs: int, letters: int, days: float) -> Shop:
    owners = get_user_model().objects.values_list("pk", flat=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(RESERVE, [jobs, jobs])
        (first,) = cursor.fetchone()
    batches = JobBatch.objects.bulk_create(
        JobBatch(name=f"Newsletter {number}", sealed_at=datetime.now(UTC))
        for number in range(1, BATCHES + 1)
    )
    return Shop(
        first=first,
        jobs=jobs,
        letters=letters,
        now=time.time(),
        days=days,
        owners=list(owners[:50]),
        workers=[worker.pk for worker in _workers()],
        batches=[batch.pk for batch in batches],
    )


def _workers() -> list[Worker]:
    now = datetime.now(UTC)
    return Worker.objects.bulk_create(
        Worker(
            kind=Worker.Kind.CHILD,
            name=f"invented-{number}.example.com:{4000 + number}",
            machine=f"invented-{number}",
            pid=4000 + number,
            born="invented",
            started_at=now,
            seen_at=now,
        )
        for number in range(1, WORKERS + 1)
    )


def _copy(lines: Lines) -> None:
    for table, columns, rows in (
        ("jobs", JOB_COLUMNS, lines.jobs),
        ("job_attempts", ATTEMPT_COLUMNS, lines.attempts),
        ("dead_letters", LETTER_COLUMNS, lines.letters),
        ("cron_job_logs", FIRING_COLUMNS, lines.firings),
    ):
        if rows:
            statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(statement) as door:
                door.write("\n".join(rows) + "\n")


def _roll_up(shop: Shop) -> None:
    """Count what the invented tries add to the charts, the newest minutes excepted."""
    until = datetime.fromtimestamp(shop.now, UTC).replace(second=0, microsecond=0)
    until -= timedelta(minutes=2)
    since = until - timedelta(days=shop.days) - timedelta(minutes=5)
    for start, end in _steps(since, until):
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"since": start, "until": end, "edges": list(EDGES)})
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, {"until": until})
    merge()


def _steps(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + ROLLED, until)
        yield since, end
        since = end
