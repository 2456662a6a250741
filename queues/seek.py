"""Find jobs, newest first, in no more time than a page has, whatever is asked for."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg.errors
from django.db import OperationalError, connection, transaction
from django.db.models import Max, QuerySet

from queues.models import Job

Answer = TypeVar("Answer")

GLANCE = 0.08
"""Seconds for a question that an index may answer; then we walk."""
WALK = 0.08
"""Seconds of walking back from the newest; whoever wants more goes on."""
COUNTING = 0.03
COUNTED = 10_000
"""Counting stops here: staff need no more digits."""
FIRST_STEP = 4000
"""Ids of the first step; the next are as long as the time left allows."""
SLACK = timedelta(minutes=10)
"""How far ids and times of creation may differ in order."""
LONGER = 16
"""How many times as long as the last a step may be."""
STEPS = 3

# Ids grow with time, so halving finds the place in a few dozen look-ups.
PLACE = """
WITH RECURSIVE step (low, high) AS (
    SELECT min(id) - 1, max(id) + 1 FROM jobs
    UNION ALL
    SELECT CASE WHEN probe.created_at < %(at)s THEN probe.id ELSE low END,
           CASE WHEN probe.created_at < %(at)s THEN high ELSE (low + high) / 2 END
    FROM step CROSS JOIN LATERAL (
        SELECT id, created_at FROM jobs WHERE id >= (low + high) / 2
        ORDER BY id LIMIT 1
    ) AS probe
    WHERE high - low > 1
)
SELECT low FROM step ORDER BY low DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of jobs; `next` is the id below which to go on, None at the end.

    `reached` is the id down to which all jobs were looked at, if that was not all,
    and `is_led` tells whether below it all were found to which an index leads.
    """

    jobs: Sequence[Job]
    next: int | None = None
    reached: int | None = None
    is_led: bool = False


def seek(
    jobs: QuerySet[Job],
    *,
    most: int,
    before: int | None = None,
    leads: Sequence[QuerySet[Job]] = (),
    has_index: bool = True,
) -> Found:
    """Return the newest of the jobs below an id, as many as were found in time.

    Where an index leads to them, that is all of them, else those that a walk back from
    the newest meets; `leads` are parts of them that have an index of their own.
    """
    ordered = jobs.order_by("-pk")
    if before is not None:
        ordered = ordered.filter(pk__lt=before)
    if has_index:
        rows = within(GLANCE, lambda: list(ordered[: most + 1]))
        if rows is not None:
            return _page(rows, most)
    return _walk(ordered, most, before, () if has_index else leads)


def count(jobs: QuerySet[Job]) -> int | None:
    """Return how many there are, COUNTED + 1 for more; None if that takes long."""
    few = jobs.order_by().values("pk")[: COUNTED + 1]
    return within(COUNTING, few.count)


def last_before(moment: datetime) -> int:
    """Return an id up to which every job was created before that moment."""
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {"at": moment - SLACK})
        (low,) = cursor.fetchone() or (None,)
    return int(low or 0)


def within(seconds: float, ask: Callable[[], Answer]) -> Answer | None:
    """Return the database's answer, or None if it takes longer than that."""
    try:
        with _hurried(seconds):
            return ask()
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return None
        raise


def _page(rows: Sequence[Job], most: int) -> Found:
    if len(rows) <= most:
        return Found(rows)
    return Found(rows[:most], next=rows[most - 1].pk)


def _walk(
    ordered: QuerySet[Job],
    most: int,
    before: int | None,
    leads: Sequence[QuerySet[Job]],
) -> Found:
    """Step back through the ids, each step as long as the last one says is quick."""
    top = before or (Job.objects.aggregate(newest=Max("pk"))["newest"] or 0) + 1
    began, size = time.perf_counter(), FIRST_STEP
    rows: list[Job] = []
    for _ in range(STEPS):
        low = max(top - size, 0)
        step = ordered.filter(pk__gte=low, pk__lt=top)
        rows += step[: most + 1 - len(rows)]
        took = time.perf_counter() - began
        if len(rows) > most or not low:
            return _page(rows, most)
        top = low
        if took > WALK:
            break
        size = int(min(size * LONGER, size * (WALK - took) / took))
    older, is_led = _led_to(leads, top, most - len(rows))
    return Found([*rows, *older], next=top, reached=top, is_led=is_led)


def _led_to(
    leads: Sequence[QuerySet[Job]], top: int, most: int
) -> tuple[list[Job], bool]:
    """Return the newest below an id to which an index leads, and if that is all."""
    found: dict[int, Job] = {}

    def look() -> bool:
        for lead in leads:
            if len(found) > most:
                return False
            older = lead.filter(pk__lt=top).order_by("-pk")[: most + 1]
            found.update((job.pk, job) for job in older)
        return len(found) <= most

    is_all = bool(leads) and bool(within(GLANCE, look))
    return sorted(found.values(), key=lambda job: -job.pk)[:most], is_all


@contextmanager
def _hurried(seconds: float) -> Iterator[None]:
    is_inner = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {round(seconds * 1000)}")
        yield
        if is_inner:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
