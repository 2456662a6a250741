"""Limits under fire: threads against threads, and real workers that are killed."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connection
from django.utils import timezone

from queues.admit import admit
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, Job, LimitRow
from queues.outcomes import Snooze, Succeed
from queues.publish import publish
from queues.settle import settle
from queues.work import work
from tests.processes import until, worker
from tests.queues.test_races import race
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


def test_twenty_four_threads_never_hold_more_than_three_nor_two_of_a_key(me):
    enqueue_many("seat", [{"seat": n % 12} for n in range(240)])
    taken: list[list[int]] = [[] for _ in range(24)]
    left = threading.Event()

    def act(number: int) -> None:
        lucky = random.Random(number)
        give_up_at = time.monotonic() + 40
        while not left.is_set() and time.monotonic() < give_up_at:
            claims = admit(
                "hall", ["default"], worker=me, limit=lucky.choice((1, 2, 5))
            )
            for each in claims.claims:
                taken[number].append(each.job_id)
                settle([(each, Succeed())])
            if sum(map(len, taken)) >= 240:
                left.set()

    with watched() as seen:
        race(24, act)

    jobs = Counter(job for each in taken for job in each)
    assert (len(jobs), set(jobs.values())) == (240, {1})
    assert max(held for held, _ in seen) <= 3
    assert max(of_key for _, of_key in seen) <= 1
    assert overlaps() == (3, 1)


def test_four_threads_start_exactly_as_many_as_the_rate_allows(me):
    LimitRow.objects.filter(name="metered").update(rate=60, period_seconds=1.5)
    enqueue_many("metered", [{}] * 400)
    stop_at = time.monotonic() + 4

    def act(number: int) -> None:
        while time.monotonic() < stop_at:
            taken = admit("metered", ["default"], worker=me, limit=1 + number)
            settle([(each, Succeed()) for each in taken.claims])

    race(4, act)

    starts = sorted(Attempt.objects.values_list("claimed_at", flat=True))
    assert len(starts) == 180  # at 0, 1.5 and 3 s
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


def test_eight_real_processes_keep_the_limit(sql):
    count = int(os.environ.get("LIMIT_JOBS", "400"))
    enqueue_many(
        "seat", [{"seat": n % 12, "seconds": 0.001 * (n % 4)} for n in range(count)]
    )

    with watched() as seen, worker("-c", "8") as celery:
        drained(120)
        assert "Traceback" not in celery.output

    assert Job.objects.filter(status="completed").count() == count
    assert Entry.objects.filter(event="start").count() == count
    assert max(held for held, _ in seen) == 3
    assert max(of_key for _, of_key in seen) == 1
    most, twice = ledger_crowd()
    assert (most <= 3, twice) == (True, 1)
    assert overlaps() == (3, 1)


def test_no_kill_leaks_a_place():
    kills = int(os.environ.get("LIMIT_KILLS", "8"))
    enqueue_many(
        "seat",
        [{"seat": n % 12, "seconds": 0.05} for n in range(kills * 10)],
        max_attempts=50,
    )
    lucky = random.Random(5)

    with watched() as seen, worker("-c", "4") as celery:
        for _ in range(kills):
            until(lambda: Attempt.objects.filter(finished_at=None).exists())
            time.sleep(lucky.random() * 0.3)
            until(celery.children)
            with suppress(ProcessLookupError, IndexError):
                os.kill(lucky.choice(celery.children()[-4:]), signal.SIGKILL)
        Job.objects.filter(status="pending").update(run_at=timezone.now())
        drained()
        seats = [{"seat": f"new {n}", "seconds": 0.3} for n in range(3)]
        enqueue_many("seat", seats)
        until(lambda: Job.objects.filter(status="processing").count() == 3)
        drained()

    assert max(held for held, _ in seen) == 3
    assert max(of_key for _, of_key in seen) == 1
    assert overlaps() == (3, 1)
    assert not Job.objects.filter(status="failed").exists()


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
