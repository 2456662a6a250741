"""The two that are measured: the engine, and the naive baseline."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from django.conf import settings
from django.db import connection, transaction

from queues.enqueue import enqueue, enqueue_many
from tests.bench.naive.app import QUEUE, run
from tests.bench.naive.models import Row
from tests.processes import Process, celery, running

PAYLOAD = {"text": "x" * 188}
"""Two hundred bytes as JSON."""
PROCESSES = 4


class Side(ABC):
    """One way to write jobs and to have them run by four worker processes."""

    queue: str
    table: str
    ended: str
    """The column that says when a job ended."""
    START: str
    """The query of when the handler of one job started."""

    @abstractmethod
    def enqueue(self) -> int:
        """Write one job and return its id."""

    @abstractmethod
    def enqueue_many(self, count: int) -> None:
        """Write so many jobs in the way made for many."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line of the worker."""

    @contextmanager
    def worker(self) -> Iterator[Process]:
        """Run a worker with four processes until the block ends."""
        command = [*self.command(), "-Q", self.queue, "-c", str(PROCESSES)]
        command += ["--without-gossip", "--without-mingle"]
        with running(command, RITMO_PROCESS="worker") as process:
            yield process

    def clear(self) -> None:
        """Forget all jobs and all messages."""
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE jobs, job_attempts, dead_letters, cron_job_logs, naive_row"
            )
        with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
            client.flushdb()

    def newest(self) -> int:
        """Return the highest id so far."""
        return int(self.value(f"SELECT coalesce(max(id), 0) FROM {self.table}"))

    def done(self, *, after: int) -> int:
        """Count the ended jobs with a higher id."""
        return int(self.value(
            f"SELECT count({self.ended}) FROM {self.table} WHERE id > %s", after
        ))  # fmt: skip

    def ends(self, *, after: int) -> dict[int, float]:
        """Return when each job with a higher id ended, in seconds of the epoch."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, extract(epoch FROM {self.ended}) FROM {self.table}"
                f" WHERE id > %s AND {self.ended} IS NOT NULL",
                [after],
            )
            return {job: float(at) for job, at in cursor.fetchall()}

    def started(self, job: int) -> float | None:
        """Return when the handler of a job that ended started, or None."""
        moment = self.value(self.START, job)
        return None if moment is None else float(str(moment))

    def value(self, statement: str, *values: object) -> Any:
        """Return the one value of a query."""
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone()
        return row and row[0]


class Ours(Side):
    """The engine."""

    queue, table, ended = "default", "jobs", "completed_at"
    START = (
        "SELECT extract(epoch FROM started_at) FROM job_attempts"
        " WHERE job_id = %s AND finished_at IS NOT NULL"
    )

    def enqueue(self) -> int:
        """Write the row and ring."""
        return int(enqueue("bench-noop", PAYLOAD).pk)

    def enqueue_many(self, count: int) -> None:
        """Write all rows in a few statements and ring once."""
        enqueue_many("bench-noop", [PAYLOAD] * count)

    def command(self) -> list[str]:
        """Return the worker's command of the documentation."""
        return celery("worker")


class Naive(Side):
    """A row and a message a job."""

    queue, table, ended = QUEUE, "naive_row", "finished_at"
    START = (
        "SELECT extract(epoch FROM started_at) FROM naive_row"
        " WHERE id = %s AND finished_at IS NOT NULL"
    )

    def enqueue(self) -> int:
        """Write the row and send its message."""
        row = Row.objects.create(payload=PAYLOAD)
        run.delay_on_commit(row.pk)  # type: ignore[attr-defined]
        return int(row.pk)

    def enqueue_many(self, count: int) -> None:
        """Write all rows in one statement, then send a message for each."""
        with transaction.atomic():
            rows = [Row(payload=PAYLOAD) for _ in range(count)]
            for row in Row.objects.bulk_create(rows):
                run.delay_on_commit(row.pk)  # type: ignore[attr-defined]

    def command(self) -> list[str]:
        """Return the same command, on the baseline's own Celery application."""
        line = celery("worker")
        line[line.index("config")] = "tests.bench.naive.app"
        return line
