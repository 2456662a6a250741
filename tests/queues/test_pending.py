"""What staff change of a waiting job: its priority and its time."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from queues.audit import because
from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue
from queues.errors import (
    IllegalTransition,
    InvalidPriority,
    InvalidRunAt,
    QueueError,
    UnknownJob,
)
from queues.hurry import hurry
from queues.models import AuditEntry, Job
from queues.replay import replay
from queues.reprioritise import reprioritise
from queues.snooze import snooze
from queues.states import State
from tests.queues.desk import dead_job

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def said(action: str) -> list[tuple[Any, Any, str]]:
    rows = AuditEntry.objects.filter(action=action).order_by("id")
    return list(rows.values_list("before", "after", "reason"))


def test_a_job_made_urgent_is_claimed_first(me: int):
    enqueue("noop", priority=3)
    late = enqueue("noop", priority=9)

    with because("the shop waits"):
        reprioritise(late.pk, 1)
    (taken,) = claim(["default"], worker=me, limit=1)

    assert taken.job_id == late.pk
    assert said("job.reprioritise") == [
        ({"priority": 9}, {"priority": 1}, "the shop waits")
    ]


def test_the_same_priority_changes_nothing():
    job = enqueue("noop", priority=5)

    reprioritise(job.pk, 5)

    assert said("job.reprioritise") == []


@pytest.mark.parametrize("priority", [0, 10, True, "1"])
def test_a_priority_lies_from_one_to_nine(priority: Any):
    job = enqueue("noop")

    with pytest.raises(InvalidPriority):
        reprioritise(job.pk, priority)

    assert Job.objects.get(pk=job.pk).priority == 5


def test_a_snoozed_job_is_not_due(me: int):
    job, until = enqueue("noop"), timezone.now() + HOUR

    with because("after lunch"):
        snooze(job.pk, until)

    assert Job.objects.get(pk=job.pk).run_at == until
    assert claim(["default"], worker=me, limit=1) == []
    ((before, after, reason),) = said("job.snooze")
    assert (after, reason) == ({"run_at": until.isoformat()}, "after lunch")
    assert before != after


def test_a_snoozed_job_still_waits_for_its_parents():
    parent, until = enqueue("noop"), timezone.now() + HOUR
    child = enqueue("noop", after=[parent])

    snooze(child.pk, until)

    held = Job.objects.get(pk=child.pk)
    assert held.held_run_at == until
    assert held.run_at > until


def test_a_snooze_ends_in_the_future():
    job = enqueue("noop")

    with pytest.raises(InvalidRunAt):
        snooze(job.pk, timezone.now() - timedelta(seconds=1))


def test_a_hurried_job_is_due_now(me: int):
    job = enqueue("noop", run_at=timezone.now() + HOUR)

    hurry(job.pk)
    (taken,) = claim(["default"], worker=me, limit=1)

    assert taken.job_id == job.pk
    assert len(said("job.hurry")) == 1


def test_a_due_job_keeps_its_place():
    job = enqueue("noop")

    with pytest.raises(IllegalTransition, match="Cannot hurry a due job"):
        hurry(job.pk)

    assert Job.objects.get(pk=job.pk).run_at == job.run_at


def test_a_job_that_waits_for_others_cannot_be_hurried():
    child = enqueue("noop", after=[enqueue("noop")])

    with pytest.raises(IllegalTransition, match="Cannot hurry a held job"):
        hurry(child.pk)


ACTS: dict[str, Callable[[int], object]] = {
    "reprioritise": lambda job: reprioritise(job, 1),
    "snooze": lambda job: snooze(job, timezone.now() + HOUR),
    "hurry": hurry,
}


@pytest.mark.parametrize("verb", ACTS)
def test_a_job_that_runs_or_has_ended_stays_as_it_is(verb: str, claimed: Any):
    running, ended = claimed().job_id, cancel(enqueue("noop").pk).pk

    with pytest.raises(IllegalTransition, match=f"Cannot {verb} a processing job"):
        ACTS[verb](running)
    with pytest.raises(IllegalTransition, match=f"Cannot {verb} a cancelled job"):
        ACTS[verb](ended)
    with pytest.raises(UnknownJob):
        ACTS[verb](ended + 100)
    assert said(f"job.{verb}") == []


def test_cancel_and_retry_are_written_down():
    dead, live = dead_job(), enqueue("noop")

    with because("not needed"):
        cancel(live.pk)
    with because("the upstream is back"):
        replay(dead.pk)

    assert said("job.cancel") == [({"status": "pending"}, None, "not needed")]
    ((before, _, reason),) = said("job.retry")
    assert (before["status"], reason) == ("failed", "the upstream is back")


def together(*acts: Callable[[], object]) -> list[QueueError]:
    """Do all at the same moment; return what was refused."""
    gate, refused = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            gate.wait(10)
            act()
        except QueueError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return refused


def test_two_people_change_a_priority_one_after_the_other():
    job = enqueue("noop")

    refused = together(
        *(
            lambda priority=priority: reprioritise(job.pk, priority)
            for priority in (1, 9)
        )
    )

    (first, second) = said("job.reprioritise")
    assert refused == []
    assert first[0] == {"priority": 5}
    assert second[0] == first[1]
    assert second[1] == {"priority": Job.objects.get(pk=job.pk).priority}


@pytest.mark.parametrize("verb", ACTS)
def test_who_comes_after_a_cancel_is_told(verb: str):
    for _ in range(8):
        job = enqueue("noop", run_at=timezone.now() + HOUR)

        refused = together(lambda: cancel(job.pk), lambda: ACTS[verb](job.pk))  # noqa: B023

        assert Job.objects.get(pk=job.pk).status == State.CANCELLED
        assert all(isinstance(error, IllegalTransition) for error in refused)
        done = AuditEntry.objects.filter(
            target_id=str(job.pk), action=f"job.{verb}"
        ).count()
        assert done + len(refused) == 1


def test_a_claim_and_a_snooze_never_both_win(me: int):
    for _ in range(8):
        job, taken = enqueue("noop"), []

        refused = together(
            lambda: taken.extend(claim(["default"], worker=me, limit=1)),  # noqa: B023
            lambda: snooze(job.pk, timezone.now() + HOUR),  # noqa: B023
        )

        row = Job.objects.get(pk=job.pk)
        assert len(taken) == len(refused)
        assert row.status == (State.PROCESSING if taken else State.PENDING)
        assert (row.run_at > timezone.now()) == (not taken)


def test_two_people_retry_a_dead_job_once():
    dead = dead_job()

    refused = together(lambda: replay(dead.pk), lambda: replay(dead.pk))

    assert [str(error) for error in refused] == ["Cannot retry a pending job"]
    assert len(said("job.retry")) == 1
