"""Requests against runs: one live job a key, and no request that no run has seen."""

import random
import threading
import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction

from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, Job
from queues.outcomes import Retry, Snooze, Succeed
from queues.states import State
from tests.queues.runners import Runners, clock, race, wait_until_idle

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = ("a", "b", "c")


def end(claim, dice):
    """Complete most jobs; a few come back first."""
    chance = dice.random()
    if chance < 0.1:
        return Snooze(0)
    return Retry(after=0) if chance < 0.2 and claim.failures == 0 else Succeed()


def overlaps(runs) -> list[tuple[Any, ...]]:
    """Return the runs of one key that began before the one before had ended."""
    found: list[tuple[Any, ...]] = []
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

    with Runners(me, 4, end) as runners:
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


def test_every_request_is_followed_by_a_run_of_its_data_or_newer(me):
    """With replace, the last request of each key is what runs last."""
    numbers = dict.fromkeys(KEYS, 0)
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

    with Runners(me, 3, end) as runners:
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

    with Runners(me, 3, end, limit=20) as runners:
        race(8, act)
        wait_until_idle()

    assert not runners.errors
    assert overlaps(runners.runs) == []
    assert Job.objects.exclude(status=State.COMPLETED).count() == 0
