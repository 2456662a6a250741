"""How late a crowd of schedules fires that are all due at the same moment."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from queues.models import Worker
from tests.bench.measure import PATIENCE, Latency, latency
from tests.bench.sides import Ours
from tests.processes import beat, until

PERIOD = 5
HEAD_START = 8.0
"""Seconds until the first round: the beats must have noticed the schedules."""
LOOK_EVERY = 0.01


def crowd(count: int, *, beats: int, rounds: int) -> Latency:
    """Return the time from the due moment to when another sees the committed firing.

    No worker runs; each schedule is due every few seconds, all in the same phase.
    """
    Ours().clear()
    Worker.objects.all().delete()
    waits: list[float] = []
    with ExitStack() as stack:
        for _ in range(beats):
            stack.enter_context(beat())
        until(lambda: Worker.objects.filter(kind=Worker.Kind.BEAT).count() == beats)
        first = datetime.fromtimestamp(round(time.time() + HEAD_START), UTC)
        _declare(count, first)
        for number in range(rounds):
            waits += _watch(first + timedelta(seconds=number * PERIOD), count)
    PeriodicTask.objects.all().delete()
    return latency(waits)


def _declare(count: int, first: datetime) -> None:
    interval = IntervalSchedule.objects.create(every=PERIOD, period="seconds")
    with transaction.atomic():
        PeriodicTask.objects.bulk_create(
            PeriodicTask(
                name=f"crowd {number}", task="bench-noop", interval=interval,
                start_time=first, kwargs=f'{{"number": {number}}}',
            )
            for number in range(count)
        )  # fmt: skip


def _watch(due: datetime, count: int) -> list[float]:
    """Return how late each firing of a due time was seen."""
    waits: list[float] = []
    latest = due.timestamp() + PATIENCE
    while len(waits) < count:
        assert time.time() < latest, f"{len(waits)} of {count} fired"
        time.sleep(LOOK_EVERY)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), extract(epoch FROM statement_timestamp() - %s)"
                " FROM cron_job_logs WHERE due_at = %s AND job_id IS NOT NULL",
                [due, due],
            )
            seen, late = cursor.fetchone()
        waits += [float(late)] * (seen - len(waits))
    return waits
