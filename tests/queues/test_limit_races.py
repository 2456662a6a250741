"""Limits under fire: threads against threads, and real workers that are killed."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain

import pytest
from django.db import connection
from django.utils import timezone

from queues.admit import admit
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, Job, LimitRow, Worker
from queues.outcomes import Snooze, Succeed
from queues.publish import publish
from queues.settle import settle
from queues.work import work
from tests.processes import until, worker
from tests.queues.runners import race
from tests.shop.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)

MOST_HELD = """
SELECT coalesce(sum(each), 0), coalesce(max(each), 0) FROM (
    SELECT count(*) AS each FROM jobs JOIN job_attempts AS attempt
        ON attempt.job_id = jobs.id AND attempt.finished_at IS NULL
    WHERE limit_name = 'hall' GROUP BY limit_key) AS held
"""
# Every handler's interval against every other: at its start, how many were inside.
OVERLAPS = """
WITH span AS (
    SELECT job.id, limit_key, attempt.claimed_at AS since,
           coalesce(attempt.finished_at, clock_timestamp()) AS until
    FROM job_attempts AS attempt JOIN jobs AS job ON job.id = attempt.job_id
    WHERE limit_name = 'hall'
)
SELECT max(inside), max(of_key) FROM span CROSS JOIN LATERAL (
    SELECT count(*) AS inside, count(*) FILTER (WHERE other.limit_key = span.limit_key)
        AS of_key
    FROM span AS other WHERE other.since <= span.since AND other.until > span.since
) AS crowd
"""


@pytest.fixture(autouse=True)
def _published():
    publish()


@contextmanager
def watched() -> Iterator[list[tuple[int, int]]]:
    """Sample what is held, as fast as it goes, while the body runs."""
    seen: list[tuple[int, int]] = []
    over = threading.Event()

    def watch() -> None:
        try:
            while not over.is_set():
                with connection.cursor() as cursor:
                    cursor.execute(MOST_HELD)
                    seen.append(cursor.fetchone())
                time.sleep(0.002)
        finally:
            connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def ledger_crowd() -> tuple[int, int]:
    """Return by the ledger how many handlers were inside at once, and of one job."""
    inside, most, twice = Counter[int](), 0, 0
    for job, event in Entry.objects.order_by("at", "id").values_list("job_id", "event"):
        inside[job] += 1 if event == "start" else -1
        most = max(most, sum(inside.values()))
        twice = max(twice, inside[job])
    return most, twice


def overlaps() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS)
        row: tuple[int, int] = cursor.fetchone()
        return row


def test_four_threads_start_exactly_as_many_as_the_rate_allows(me):
    LimitRow.objects.filter(name="metered").update(rate=60, period_seconds=1.5)
    enqueue_many("metered", [{}] * 400)

    def act(number: int) -> None:
        while Attempt.objects.count() < 180:
            taken = admit("metered", ["default"], worker=me, limit=1 + number)
            settle([(each, Succeed()) for each in taken.claims])

    race(4, act)

    starts = sorted(Attempt.objects.values_list("claimed_at", flat=True))
    assert len(starts) == 180  # at 0, 1.5 and 3 s, or later if we are slow
    windows = zip(starts, starts[60:], strict=False)
    assert all((late - early).total_seconds() >= 1.5 for early, late in windows)


def test_the_limit_may_change_while_threads_claim(me):
    enqueue_many("turnstile", [{"tenant": n % 40} for n in range(400)])
    allowed = [8, 2, 5, 0, 1]
    over = time.monotonic() + 5

    def act(number: int) -> None:
        while time.monotonic() < over:
            if number == 0:
                most = allowed[int((over - time.monotonic()) % len(allowed))]
                LimitRow.objects.filter(name="turnstile").update(running=most)
                time.sleep(0.2)
            elif taken := admit("turnstile", ["default"], worker=me, limit=1).claims:
                settle([(taken[0], Succeed() if number % 2 else Snooze(0))])

    race(10, act)

    assert not Attempt.objects.filter(finished_at=None).exists()
    with connection.cursor() as cursor:
        cursor.execute(OVERLAPS.replace("'hall'", "'turnstile'"))
        assert cursor.fetchone()[0] <= 8


def drained(seconds: float = 60) -> None:
    until(lambda: not Job.objects.filter(status__in=["pending", "processing"]), seconds)


@pytest.mark.timeout(600)  # minutes on a machine that is ten times too busy
def test_threads_and_processes_together_never_exceed_the_limit(me):
    """The gate: a limit of 3, one a key, 24 threads and 8 processes, 2,000 jobs."""
    count = int(os.environ.get("LIMIT_JOBS", "2000"))
    seats = [{"seat": n % 12, "seconds": 0.001 * (n % 4)} for n in range(count)]
    enqueue_many("seat", seats)

    with watched() as seen, worker("-c", "8") as celery:
        each = race(24, lambda number: admit_all(me, number), seconds=300)
        ours = Counter(chain.from_iterable(each))
        drained(200)
        assert "Traceback" not in celery.output

    theirs = Counter(starts())
    assert min(len(ours), len(theirs)) > 0
    assert set((ours + theirs).values()) == {1}
    assert len(ours + theirs) == Attempt.objects.count() == count
    assert Job.objects.filter(status="completed").count() == count
    assert max(held for held, _ in seen) <= 3
    assert max(of_key for _, of_key in seen) == 1
    most, twice = ledger_crowd()
    assert (most <= 3, twice) == (True, 1)
    assert overlaps() == (3, 1)


def admit_all(me: int, number: int) -> list[int]:
    """Claim and settle in this thread until nothing waits; return the jobs."""
    lucky, taken = random.Random(number), list[int]()
    while Job.objects.filter(status="pending").exists():
        most = lucky.choice((1, 2, 5))
        claims = admit("hall", ["default"], worker=me, limit=most).claims
        settle([(each, Succeed()) for each in claims])
        taken += [each.job_id for each in claims]
        time.sleep(lucky.uniform(0, 0.05))
    return taken


def test_no_kill_leaks_a_place():
    """LIMIT_KILLS=100 is the long form."""
    kills = int(os.environ.get("LIMIT_KILLS", "20"))
    seats: list[dict[str, object]]
    seats = [{"seat": n % 12, "seconds": 0.05} for n in range(kills * 10)]
    enqueue_many("seat", seats, max_attempts=50)
    lucky = random.Random(5)

    with watched() as seen, worker("-c", "4") as celery:
        for _ in range(kills):
            until(lambda: Entry.objects.filter(event="start").exists())
            time.sleep(lucky.random() * 0.2)
            kill_one(celery.children, lucky)
        Job.objects.filter(status="pending").update(run_at=timezone.now())
        drained()
        seats = [{"seat": f"new {n}", "seconds": 1} for n in range(3)]
        enqueue_many("seat", seats)
        until(lambda: Job.objects.filter(status="processing").count() == 3)
        drained()

    assert max(held for held, _ in seen) == 3
    assert max(of_key for _, of_key in seen) == 1
    assert overlaps() == (3, 1)
    assert Attempt.objects.filter(outcome="lost").count() >= kills / 4
    assert not Job.objects.filter(status="failed").exists()


def kill_one(children: Callable[[], list[int]], lucky: random.Random) -> None:
    """SIGKILL a process of the pool, if possible while it holds a place."""
    for _ in range(20):
        while not (found := pool(children)):
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(pid := lucky.choice(found), signal.SIGSTOP)
            if Attempt.objects.filter(finished_at=None, worker__pid=pid).exists():
                break
            os.kill(pid, signal.SIGCONT)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def pool(children: Callable[[], list[int]]) -> list[int]:
    """Return the pool's processes that hold a job now, else all that registered."""
    rows = Worker.objects.filter(kind="child", gone_at=None, pid__in=children())
    busy = Attempt.objects.filter(finished_at=None, worker__in=rows)
    held = list(busy.values_list("worker__pid", flat=True))
    return held or list(rows.values_list("pid", flat=True))


def starts() -> list[int]:
    return list(Entry.objects.filter(event="start").values_list("job_id", flat=True))


def test_a_small_tenant_waits_for_one_service_at_most():
    enqueue_many("turnstile", [{"tenant": "big"}] * 500)
    threads: list[threading.Thread] = []

    def drain() -> None:
        try:
            work("default", slice_seconds=60)
        finally:
            connection.close()

    threads = [threading.Thread(target=drain) for _ in range(2)]
    for each in threads:
        each.start()
    until(lambda: Job.objects.filter(status="completed").count() > 100, every=0.005)
    small = enqueue("turnstile", {"tenant": "small"})
    for each in threads:
        each.join(60)

    mine = Attempt.objects.get(job=small)
    between = Attempt.objects.filter(
        claimed_at__gt=Job.objects.get(pk=small.pk).created_at,
        claimed_at__lt=mine.claimed_at,
    )
    assert between.count() <= 1
