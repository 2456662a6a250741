"""One measurement of one side: a rate, a latency, or what a drain costs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from django.db import connection, transaction

from tests.bench.sides import Side
from tests.processes import Process, until

PATIENCE = 300.0
MARGIN = 0.05
"""The share of a drain at its start and at its end that is left out."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain showed."""

    rate: float
    commits: float
    wal: float
    memory: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds at three points of the distribution."""

    p50: float
    p95: float
    p99: float


def single(side: Side, count: int) -> float:
    """Return jobs written a second, one transaction each; no worker runs."""
    side.clear()
    for _ in range(20):
        side.enqueue()
    began = time.perf_counter()
    for _ in range(count):
        side.enqueue()
    return count / (time.perf_counter() - began)


def bulk(side: Side, count: int) -> float:
    """Return jobs written a second, all in one transaction; no worker runs."""
    side.clear()
    side.enqueue()
    began = time.perf_counter()
    side.enqueue_many(count)
    return count / (time.perf_counter() - began)


def drain(side: Side, count: int, *, keep: bool = False) -> Drained:
    """Fill the queue, start the worker, and measure the middle of the drain.

    Commits and WAL are counted from the start of the worker to its end.
    """
    if not keep:
        side.clear()
    after = side.newest()
    side.enqueue_many(count)
    checkpoint()
    before = counters()
    with side.worker() as process:
        # One transaction for all the looks: they shall not count as commits.
        with transaction.atomic():
            until(lambda: side.done(after=after) >= count, PATIENCE, every=0.2)
        memory = proportional_memory(process)
        process.popen.terminate()
        process.wait()
    commits, wal = (now - then for now, then in zip(counters(), before, strict=True))
    ends = sorted(side.ends(after=after).values())
    return Drained(middle_rate(ends), commits / count, wal / count, memory)


def pickup(side: Side, count: int) -> Latency:
    """Return the time from the commit of one job to the start of its handler."""
    waits: list[float] = []
    with ready(side):
        for _ in range(count):
            time.sleep(0.03)
            marks: list[float] = []
            with transaction.atomic():
                # The first thing after the commit; the database's clock is this one.
                transaction.on_commit(lambda marks=marks: marks.append(time.time()))  # type: ignore[misc]
                job = side.enqueue()
            until(lambda job=job: side.started(job) is not None, every=0.005)  # type: ignore[misc]
            started = side.started(job)
            assert started is not None
            waits.append(started - marks[0])
    return latency(waits)


def steady(side: Side, rate: int, seconds: float) -> Latency:
    """Return the time from when a job was to be written to its end, at a steady rate."""
    planned: dict[int, float] = {}
    with ready(side):
        first = time.time() + 0.1
        for number in range(int(rate * seconds)):
            moment = first + number / rate
            time.sleep(max(0.0, moment - time.time()))
            planned[side.enqueue()] = moment
        after = min(planned) - 1
        until(lambda: side.done(after=after) >= len(planned), PATIENCE, every=0.2)
    ends = side.ends(after=after)
    return latency([ends[job] - moment for job, moment in planned.items()])


@contextmanager
def ready(side: Side) -> Iterator[Process]:
    """Run a worker that has run some jobs and is idle."""
    side.clear()
    after = side.newest()
    with side.worker() as process:
        for number in range(1, 31):
            side.enqueue()
            until(lambda number=number: side.done(after=after) >= number)  # type: ignore[misc]
        time.sleep(0.5)
        yield process


def middle_rate(ends: Sequence[float]) -> float:
    """Return ends a second without the first and the last few."""
    low, high = int(len(ends) * MARGIN), int(len(ends) * (1 - MARGIN)) - 1
    return (high - low) / max(ends[high] - ends[low], 1e-6)


def latency(waits: Sequence[float]) -> Latency:
    """Return milliseconds at the points of interest."""
    points = quantiles(waits, n=100, method="inclusive")
    return Latency(points[49] * 1000, points[94] * 1000, points[98] * 1000)


def counters() -> tuple[float, float]:
    """Return commits of the database and bytes of its log so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT xact_commit, pg_current_wal_lsn() - '0/0'"
            " FROM pg_stat_database WHERE datname = current_database()"
        )
        commits, wal = cursor.fetchone()
    return float(commits), float(wal)


def checkpoint() -> None:
    """Let every drain start with the log's full pages behind it."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def proportional_memory(process: Process) -> float:
    """Return the megabytes of a worker and its pool, shared pages counted once."""
    pids = [process.pid, *process.children()]
    return sum(_pss(pid) for pid in pids) / 1024


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
