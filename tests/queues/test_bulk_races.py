"""Many hands on the same letters: each is dealt with once, and none is lost."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import connection

from queues import repair as pages
from queues.bulk import begin
from queues.enqueue import enqueue, enqueue_many
from queues.errors import IllegalTransition
from queues.faults import faults
from queues.letters import Selection
from queues.models import DeadLetter, Job, LetterBulk, LetterRefusal
from queues.outcomes import Bury
from queues.repair import repair
from queues.replay import dismiss, replay
from queues.states import LIVE, State
from tests.queues.graves import bury, carry_out, order, still_open
from tests.queues.runners import Runners, race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 7)


def of(bulk: LetterBulk) -> LetterBulk:
    return LetterBulk.objects.get(pk=bulk.pk)


def test_two_bulks_over_the_same_letters_share_them():
    bury(100)
    bulks = [begin(order()) for _ in range(2)]

    def act(number: int) -> None:
        carry_out(bulks[number % 2])

    race(4, act)

    counted = [of(bulk).done for bulk in bulks]
    assert sum(counted) == 100
    assert Job.objects.filter(type="noop", status=State.PENDING).count() == 100
    for bulk, count in zip(bulks, counted, strict=True):
        assert DeadLetter.objects.filter(bulk=bulk).count() == count


def test_a_ghost_of_a_bulk_and_its_heir_take_no_letter_twice():
    jobs = bury(80)
    bulk = begin(order())

    def act(number: int) -> None:
        carry_out(bulk)

    race(5, act)

    assert of(bulk).done == 80
    assert Job.objects.filter(pk__in=jobs, status=State.PENDING).count() == 80


def test_a_replay_races_a_discard_and_single_verbs():
    bury(90)
    bulks = [begin(order()), begin(order("discard"))]
    letters = list(DeadLetter.objects.values_list("pk", "job_id"))

    def act(number: int) -> None:
        if number < 2:
            carry_out(bulks[number])
            return
        for letter, job in letters[::3]:
            with suppress(IllegalTransition):
                dismiss(letter) if number == 2 else replay(job)

    race(4, act)

    assert still_open() == 0
    replayed = DeadLetter.objects.filter(replayed_at__isnull=False)
    assert Job.objects.filter(type="noop", status=State.PENDING).count() == (
        replayed.count()
    )


def test_letters_that_arrive_meanwhile_stay_open():
    bury(60)
    bulk = begin(order("discard"))

    def act(number: int) -> None:
        if number:
            carry_out(bulk)
            return
        for _ in range(10):
            bury(5)

    race(3, act)

    assert of(bulk).done == 60
    assert still_open() == 50


def test_keys_that_are_taken_meanwhile_are_refused_without_a_deadlock():
    keys = [f"key-{number}" for number in range(40)]
    bury(40, keys=keys)
    bulk = begin(order())

    def act(number: int) -> None:
        if number < 2:
            carry_out(bulk)
        elif number == 2:
            enqueue_many("noop", [{}] * 40, unique_keys=keys[::-1])
        else:
            for key in keys:
                enqueue("noop", unique_key=key)

    race(4, act)

    after = of(bulk)
    assert after.done + after.refused == 40
    assert LetterRefusal.objects.count() == after.refused
    assert Job.objects.filter(unique_key__isnull=False, status__in=LIVE).count() == 40


def test_workers_run_and_bury_beside_a_replay(me):
    """What is replayed dies again as a new letter, which the bulk leaves alone."""
    bury(60)
    bulk = begin(order())
    Job.objects.filter(type="bulk-replay").update(queue="reports")

    with Runners(me, 3, lambda claim, dice: Bury("no use again"), limit=5) as runners:
        carry_out(bulk)
        _until(
            lambda: not Job.objects.filter(queue="default", status__in=LIVE).exists()
        )

    assert runners.errors == []
    assert of(bulk).done == 60
    assert still_open() == 60
    assert DeadLetter.objects.count() == 120


def test_the_counts_of_the_faults_are_exact_while_letters_come_and_go():
    bury(50)

    def act(number: int) -> None:
        if number == 0:
            carry_out(begin(order("discard", selection=Selection(type="noop"))))
        elif number == 1:
            for _ in range(20):
                bury(3, type_="fail")
        else:
            for _ in range(30):
                found, _ = faults(Selection(state="open"))
                for fault in found:
                    assert fault.count == sum(count for _, count in fault.types)

    race(3, act)

    (fault,), total = faults(Selection(state="open"))
    assert total == 1
    assert fault.types == [("fail", 60)]


def test_a_killed_bulk_goes_on_behind_its_last_page(sql):
    """The page that dies with its process was never there."""
    bury(20)
    bulk = begin(order())
    repair(bulk.pk)
    pid = os.fork()
    if pid == 0:  # a worker, killed half-way through a page
        connection.close()
        connection.connect()
        original = pages._stamp

        def die(*args: object, **change: object) -> None:
            original(*args, **change)
            os.kill(os.getpid(), 9)

        pages._stamp = die
        repair(bulk.pk)
    os.waitpid(pid, 0)
    connection.close()
    assert of(bulk).done == 7

    carry_out(bulk)

    assert of(bulk).done == 20
    assert Job.objects.filter(type="noop", status=State.PENDING).count() == 20


def _until(is_true: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_true():
            return
        threading.Event().wait(0.05)
    pytest.fail("it never became true")
