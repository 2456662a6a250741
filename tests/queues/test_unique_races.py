"""Requests against runs: one live job a key, and no request that no run has seen."""

import random
import threading
import time
from collections import Counter
from itertools import pairwise

import pytest
from django.db import connection, transaction

from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, Job
from queues.outcomes import Retry, Snooze, Succeed
from queues.settle import settle
from queues.states import State
from tests.queues.test_races import race

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = ("a", "b", "c")


def clock():
    """Return the time by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


class Runners:
    """Threads that claim, run and settle until told to stop."""

    def __init__(self, me: int, count: int, *, limit: int = 1) -> None:
        self.me, self.limit = me, limit
        self.runs: list[tuple[str, object, object, object]] = []
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(n,)) for n in range(count)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _loop(self, number: int) -> None:
        dice = random.Random(number)
        try:
            while not self._stop.is_set():
                self._pass(dice)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.errors.append(error)
        finally:
            connection.close()

    def _pass(self, dice: random.Random) -> None:
        claims = claim(["default"], worker=self.me, limit=self.limit)
        began = clock()
        time.sleep(dice.uniform(0, 0.004))
        ends = [
            Snooze(0) if (chance := dice.random()) < 0.1
            else Retry(after=0) if chance < 0.2 and each.failures == 0
            else Succeed()
            for each in claims
        ]  # fmt: skip
        ended = clock()
        settle(list(zip(claims, ends, strict=True)))
        self.runs += [(each.unique_key, began, ended, each.payload) for each in claims]


def overlaps(runs) -> list[object]:
    """Return the runs of one key that began before the one before had ended."""
    found = []
    for key in {run[0] for run in runs}:
        mine = sorted(run[1:3] for run in runs if run[0] == key)
        found += [(key, a, b) for a, b in pairwise(mine) if b[0] < a[1]]
    return found


def test_two_thousand_requests_while_jobs_run_are_all_seen(me):
    requests: list[tuple[str, object]] = []
    most_live: list[int] = []

    def act(number: int) -> None:
        dice = random.Random(number)
        for turn in range(63):
            key = dice.choice(KEYS)
            with transaction.atomic():
                enqueue("noop", unique_key=key, on_conflict="coalesce")
                asked = clock()
            requests.append((key, asked))
            if turn % 10 == 0:
                held = Job.objects.filter(status__in=["pending", "processing"])
                most_live.extend(
                    Counter(held.values_list("unique_key", flat=True)).values()
                )
            time.sleep(dice.uniform(0, 0.02))

    with Runners(me, 4) as runners:
        race(32, act)
        wait_until_idle()
    assert not runners.errors

    assert len(requests) == 2016
    assert max(most_live) == 1
    assert overlaps(runners.runs) == []
    last_run = {key: max(at for k, at, *_ in runners.runs if k == key) for key in KEYS}
    assert [each for each in requests if last_run[each[0]] < each[1]] == []
    # They were joined: far fewer runs than requests.
    assert Attempt.objects.count() < len(requests)
    assert Job.objects.filter(source="coalesced").exists()


def wait_until_idle() -> None:
    """Return once no job lives."""
    until = time.monotonic() + 20
    while Job.objects.filter(status__in=["pending", "processing"]).exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_every_request_is_followed_by_a_run_of_its_data_or_newer(me):
    """With replace, the last request of each key is what runs last."""
    numbers = {key: 0 for key in KEYS}
    locks = {key: threading.Lock() for key in KEYS}

    def act(number: int) -> None:
        dice = random.Random(number)
        for _ in range(30):
            key = dice.choice(KEYS)
            with locks[key]:
                numbers[key] += 1
                enqueue(
                    "noop", {"n": numbers[key]}, unique_key=key, on_conflict="replace"
                )
            time.sleep(dice.uniform(0, 0.01))

    with Runners(me, 3) as runners:
        race(8, act)
        wait_until_idle()
    assert not runners.errors

    for key in KEYS:
        seen = [run for run in runners.runs if run[0] == key]
        assert max(seen, key=lambda run: run[1])[3] == {"n": numbers[key]}


def test_bulk_requests_and_batches_of_verdicts_do_not_deadlock(me):
    keys = [f"k{n}" for n in range(30)]

    def act(number: int) -> None:
        dice = random.Random(number)
        for _ in range(25):
            chosen = dice.sample(keys, 12)
            enqueue_many(
                "noop", [{"n": number}] * 12, unique_keys=chosen,
                on_conflict=dice.choice(["coalesce", "replace", "keep"]),
            )  # fmt: skip

    with Runners(me, 3, limit=20) as runners:
        race(8, act)
        wait_until_idle()

    assert not runners.errors
    assert overlaps(runners.runs) == []
    assert Job.objects.exclude(status=State.COMPLETED).count() == 0
