"""Cancel: at once while a job waits, by asking while it runs."""

import pytest

from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.errors import IllegalTransition, UnknownJob
from queues.models import CronLog, Job
from queues.outcomes import Succeed
from queues.settle import settle
from queues.states import State

pytestmark = pytest.mark.django_db


def test_a_waiting_job_ends_at_once():
    job = cancel(enqueue("noop").id)

    assert job.status == State.CANCELLED
    assert job.completed_at is not None


def test_a_running_job_is_asked(claimed):
    taken = claimed()

    job = cancel(taken.job_id)

    assert (job.status, job.cancel_requested_at is not None) == (State.PROCESSING, True)


def test_a_running_job_that_ends_first_has_ended(claimed):
    taken = claimed()
    cancel(taken.job_id)

    settle([(taken, Succeed())])

    assert Job.objects.get().status == State.COMPLETED


def test_an_ended_job_cannot_be_cancelled(claimed):
    taken = claimed()
    settle([(taken, Succeed())])

    with pytest.raises(IllegalTransition, match="Cannot cancel a completed job"):
        cancel(taken.job_id)


def test_an_unknown_job_is_named():
    with pytest.raises(UnknownJob, match="404404"):
        cancel(404404)


def test_a_cancelled_firing_is_closed():
    job = enqueue("noop", source="schedule")
    CronLog.objects.create(
        job_name="nightly", job_type="noop", status="running", job_id=job.id
    )

    cancel(job.id)

    assert CronLog.objects.get().status == "error"
