"""A job that keeps killing its processes dies; those that were near it do not."""

import pytest

from queues.claim import claim
from queues.claims import mark_started
from queues.enqueue import enqueue, enqueue_many
from queues.models import DeadLetter, Job, Worker
from queues.replay import replay
from queues.rescue import rescue
from queues.running import RunningJob
from queues.states import State

pytestmark = pytest.mark.django_db(transaction=True)


def crash(me, *, limit=1, started=(), save=False):
    """Claim, start some of it, and let the process vanish."""
    Job.objects.filter(status=State.PENDING).update(run_at="2020-01-01T00:00:00Z")
    taken = claim(["default"], worker=me, limit=limit)
    for each in taken:
        if each.job_id in started:
            mark_started(each)
        if save:
            RunningJob(each).save_checkpoint(each.number)
    Worker.objects.filter(pk=me).update(gone_at="2020-01-01T00:00:00Z")
    assert rescue() == len(taken)


def test_the_third_dead_process_buries_a_job_whatever_tries_are_left(me):
    job = enqueue("noop", max_attempts=50)

    for times in (1, 2):
        crash(me)
        job.refresh_from_db()
        assert (job.status, job.crashes, job.losses) == (State.PENDING, times, times)
    crash(me)

    job.refresh_from_db()
    assert (job.status, job.failures) == (State.FAILED, 3)
    reason = DeadLetter.objects.get().reason
    assert reason.startswith(
        "3 processes died while they ran it; the last: its process"
    )


def test_a_job_that_waited_in_the_batch_of_a_crash_is_not_counted(me):
    guilty, *others = [job.pk for job in enqueue_many("noop", [{}] * 3, max_attempts=9)]

    for _ in range(3):
        crash(me, limit=3, started=[guilty])

    assert Job.objects.get(pk=guilty).status == State.FAILED
    assert (
        list(
            Job.objects.filter(pk__in=others).values_list(
                "status", "failures", "losses", "crashes"
            )
        )
        == [(State.PENDING, 0, 3, 0)] * 2
    )


def test_a_job_that_gets_ahead_between_the_deaths_is_no_poison(me):
    job = enqueue("noop", max_attempts=50)

    for _ in range(5):
        crash(me, save=True)

    job.refresh_from_db()
    assert (job.status, job.crashes, job.failures) == (State.PENDING, 1, 5)


def test_replay_forgets_the_dead_processes(me):
    job = enqueue("noop", max_attempts=50)
    for _ in range(3):
        crash(me)

    replay(job.pk)
    crash(me)

    job.refresh_from_db()
    assert (job.status, job.crashes) == (State.PENDING, 1)
