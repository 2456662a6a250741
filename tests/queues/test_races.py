"""Threads against threads, on the real database."""

from collections import Counter
from contextlib import suppress

import pytest

from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.errors import ClaimLost, IllegalTransition
from queues.keep import tick
from queues.models import Attempt, DeadLetter, Job
from queues.outcomes import Bury, Lose, Succeed
from queues.replay import replay
from queues.settle import settle
from queues.states import State
from tests.queues.runners import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("limit", [1, 7])
def test_fifty_threads_claim_a_thousand_jobs_once_each_in_order(me, limit):
    for priority in (5, 1, 9, 3):
        enqueue_many("noop", [{}] * 250, priority=priority)
    taken: list[list[tuple[int, int]]] = [[] for _ in range(50)]

    def act(number: int) -> None:
        while claims := claim(["default"], worker=me, limit=limit):
            taken[number] += [(each.priority, each.job_id) for each in claims]
            settle([(each, Succeed()) for each in claims])

    race(50, act)

    counts = Counter(job for each in taken for _, job in each)
    assert len(counts) == 1000
    assert set(counts.values()) == {1}
    for each in taken:
        # A worker never sees a more urgent job after a less urgent one: all were due.
        assert [priority for priority, _ in each] == sorted(p for p, _ in each)
    assert Job.objects.filter(status=State.COMPLETED).count() == 1000
    assert Attempt.objects.count() == 1000


def test_one_live_job_a_key_whatever_the_race():
    ids: list[int] = []

    def act(number: int) -> None:
        ids.extend(enqueue("noop", {"n": number}, unique_key="k").id for _ in range(20))

    race(16, act)

    assert len(set(ids)) == 1
    assert Job.objects.count() == 1


def test_a_key_freed_in_the_middle_of_a_race_never_has_two_holders(me):
    def enqueuer(number: int) -> None:
        for _ in range(50):
            enqueue("noop", unique_key="k")

    def finisher(number: int) -> None:
        for _ in range(50):
            settle(
                [(each, Succeed()) for each in claim(["default"], worker=me, limit=3)]
            )

    race(8, lambda n: (enqueuer if n % 2 else finisher)(n))

    live = Job.objects.filter(status__in=["pending", "processing"])
    assert live.count() <= 1


def test_two_verdicts_on_one_attempt_have_one_winner(claimed):
    wins: list[int] = []
    for _ in range(20):
        taken = claimed()

        def act(number: int, taken=taken) -> None:
            outcome = Succeed(number) if number % 2 else Lose("gone")
            try:
                settle([(taken, outcome)])
            except ClaimLost:
                return
            wins.append(number)

        race(4, act)

    assert len(wins) == 20
    assert Attempt.objects.filter(finished_at=None).count() == 0


def test_batches_settled_in_opposite_orders_do_not_deadlock(claimed):
    taken = [claimed() for _ in range(60)]

    def act(number: int) -> None:
        order = taken if number % 2 else taken[::-1]
        with suppress(ClaimLost):
            settle([(each, Succeed()) for each in order])

    race(6, act)

    assert Job.objects.filter(status=State.COMPLETED).count() == 60


def test_cancel_races_settle_and_one_of_them_is_told(claimed):
    for _ in range(15):
        taken = claimed()
        told: list[str] = []

        def act(number: int, taken=taken, told=told) -> None:
            if number:
                settle([(taken, Succeed())])
                return
            try:
                told.append(cancel(taken.job_id).status)
            except IllegalTransition:
                told.append("too late")

        race(2, act)

        assert Job.objects.get(pk=taken.job_id).status == State.COMPLETED
        assert told[0] in {"too late", "processing", "completed"}


def test_a_double_click_replays_once(claimed):
    taken = claimed()
    settle([(taken, Bury("no use"))])
    refused: list[int] = []

    def act(number: int) -> None:
        try:
            replay(taken.job_id)
        except IllegalTransition:
            refused.append(number)

    race(8, act)

    assert len(refused) == 7
    assert DeadLetter.objects.filter(replayed_at=None).count() == 0


def test_one_of_many_pacemakers_has_the_turn():
    turns: list[bool] = []

    race(10, lambda number: turns.append(tick()))

    assert sum(turns) == 1
