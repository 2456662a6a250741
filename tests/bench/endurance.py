"""A steady load for long: what waits, and what the tables come to weigh."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from django.db import connection

from tests.bench import measure
from tests.bench.sides import Ours
from tests.processes import until

EVERY = 5.0
"""Seconds between two looks at the tables."""
TABLES = ("jobs", "job_attempts")
LOOK = """
SELECT sum(pg_total_relation_size(relid)), sum(n_dead_tup)
FROM pg_stat_user_tables WHERE relname = ANY(%s)
"""
STARTS = """
SELECT job_id, extract(epoch FROM min(started_at)) FROM job_attempts
WHERE job_id > %s GROUP BY job_id
"""


@dataclass(frozen=True, slots=True)
class Looks:
    """The tables and their indexes over time: jobs so far, bytes, dead rows."""

    seen: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def most_dead(self) -> float:
        """The most dead rows that were waiting for the vacuum."""
        return max(dead for _, _, dead in self.seen)

    def bytes_a_job(self, share: float) -> float:
        """Return the bytes a job when that share of all was written."""
        jobs, size, _ = self.seen[max(1, int(len(self.seen) * share)) - 1]
        return size / jobs


@dataclass(frozen=True, slots=True)
class Stops:
    """The longest that the writer, and the starts of jobs, stood still, in seconds.

    Both at once: the database or the machine stood still. Starts alone: the worker did.
    """

    enqueue: float
    starts: float


def endure(rate: int, seconds: float) -> tuple[measure.Latency, Looks, Stops]:
    """Write so many jobs a second for so long; return waits, tables and stops."""
    ours, planned, slowest = Ours(), dict[int, float](), 0.0
    with measure.ready(ours), looking(planned) as looks:
        after = ours.newest()
        first = time.time() + 0.1
        for number in range(int(rate * seconds)):
            moment = first + number / rate
            time.sleep(max(0.0, moment - time.time()))
            began = time.monotonic()
            planned[ours.enqueue()] = moment
            slowest = max(slowest, time.monotonic() - began)
        until(lambda: ours.done(after=after) >= len(planned), measure.PATIENCE, every=1)
    with connection.cursor() as cursor:
        cursor.execute(STARTS, [after])
        starts = {job: float(at) for job, at in cursor.fetchall()}
    waits = [starts[job] - moment for job, moment in planned.items()]
    stops = Stops(slowest, longest_gap(starts.values()))
    return measure.latency(waits), looks, stops


def longest_gap(moments: Iterable[float]) -> float:
    """Return the longest time between two moments that follow each other."""
    return max((b - a for a, b in pairwise(sorted(moments))), default=0.0)


@contextmanager
def looking(planned: dict[int, float]) -> Iterator[Looks]:
    """Look at the tables now and then, beside the body and once after it."""
    looks, over = Looks(), threading.Event()

    def watch() -> None:
        while True:
            is_over = over.wait(EVERY)
            looks.seen.append((max(1, len(planned)), *look()))
            if is_over:
                break
        connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield looks
    finally:
        over.set()
        watcher.join()


def look() -> tuple[float, float]:
    """Return the bytes and the dead rows of the tables."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [list(TABLES)])
        size, dead = cursor.fetchone()
    return float(size), float(dead)
