"""A dead job gets another life; its history stays."""

import pytest

from queues.enqueue import enqueue
from queues.errors import IllegalTransition, UnknownJob
from queues.models import Attempt, DeadLetter, Job
from queues.outcomes import Bury
from queues.replay import dismiss, replay
from queues.settle import settle
from queues.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead(claimed):
    """Return a job that died of a burial."""
    taken = claimed(unique_key="k")
    settle([(taken, Bury("no use"))])
    return Job.objects.get()


def test_a_dead_job_is_put_back_and_its_letter_stamped(dead):
    job = replay(dead.pk)

    assert (job.status, job.failures, job.error, job.completed_at) == (
        State.PENDING, 0, None, None,
    )  # fmt: skip
    assert DeadLetter.objects.get().replayed_at is not None
    assert Attempt.objects.get().outcome == "buried"


def test_a_second_death_leaves_a_second_letter(dead, me):
    from queues.claim import claim

    replay(dead.pk)
    (again,) = claim(["default"], worker=me, limit=1)
    settle([(again, Bury("still no use"))])

    assert DeadLetter.objects.count() == 2
    assert DeadLetter.objects.filter(replayed_at=None).count() == 1


def test_only_the_dead_are_replayed(claimed):
    for job_id in (enqueue("noop").id, claimed().job_id):
        with pytest.raises(IllegalTransition):
            replay(job_id)
    with pytest.raises(UnknownJob):
        replay(404404)


def test_a_newer_job_with_the_key_is_not_doubled(dead):
    enqueue("noop", unique_key="k")

    with pytest.raises(IllegalTransition, match="superseded"):
        replay(dead.pk)

    assert Job.objects.get(pk=dead.pk).status == State.FAILED
    assert DeadLetter.objects.get().replayed_at is None


def test_a_dismissed_letter_says_since_when(dead):
    dismiss(DeadLetter.objects.get().pk)

    assert DeadLetter.objects.get().dismissed_at is not None
    assert Job.objects.get().status == State.FAILED
