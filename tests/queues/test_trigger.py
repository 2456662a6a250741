"""trigger_worker: a push without waiting, or a wait that runs what is due."""

from typing import Any

import pytest

from queues.cancel import cancel
from queues.enqueue import enqueue
from queues.handlers import handler, registry
from queues.models import Job
from queues.running import RunningJob
from queues.trigger import LOOK_EVERY, trigger_worker

pytestmark = pytest.mark.django_db


def test_nothing_due_is_a_success():
    assert trigger_worker() == {"success": True, "message": "No jobs to process"}


def test_a_push_runs_the_next_due_job():
    enqueue("noop")
    job = enqueue("send-receipt", {"order_id": 7}, priority=1)

    told: Any = trigger_worker()

    assert (told["success"], told["message"], told["jobId"]) == (
        True,
        "Job completed",
        job.pk,
    )
    assert told["result"]["order_id"] == 7
    assert Job.objects.filter(status="pending").count() == 1


@pytest.mark.parametrize(("end", "success", "message"), [
    ("bury", False, "no use"), ("retry", False, " (it will be tried again)"),
    ("snooze", True, "Job postponed"),
])  # fmt: skip
def test_a_push_tells_how_the_job_ended(end, success, message):
    job = enqueue("choose", {"end": end})

    assert trigger_worker() == {"success": success, "message": message, "jobId": job.pk}


def test_a_push_tells_of_a_cancel(monkeypatch):
    monkeypatch.setattr("queues.running.GLANCE", 0.0)

    @handler("cancels-itself")
    def cancels_itself(data: dict[str, object], job: RunningJob) -> bool:
        cancel(job.id)
        return job.cancelled()

    job = enqueue("cancels-itself")
    told = trigger_worker()
    registry.discard("cancels-itself")

    assert told == {"success": False, "message": "Job cancelled", "jobId": job.pk}


def test_a_push_that_has_no_time_left_says_so():
    enqueue("ledger", {"seconds": 5})

    told: Any = trigger_worker(timeout=0.2)

    assert told["success"] is False
    assert Job.objects.get().status == "pending"


def test_a_wait_runs_what_is_due_until_the_job_has_ended():
    enqueue("noop", priority=1)
    job = enqueue("send-receipt", {"order_id": 7})

    told: Any = trigger_worker(wait_for_job_id=job.pk, timeout=10)

    assert (told["success"], told["jobId"]) == (True, job.pk)
    assert told["result"]["order_id"] == 7


def test_a_wait_sees_a_job_through_its_tries():
    job = enqueue("fail", {"message": "three times"})

    told: Any = trigger_worker(job.pk, 10)

    assert told == {
        "success": False, "message": "RuntimeError: three times", "jobId": job.pk,
    }  # fmt: skip
    assert Job.objects.get().failures == 3


def test_a_wait_for_an_ended_job_returns_at_once():
    job = cancel(enqueue("noop").pk)

    told: Any = trigger_worker(job.pk)

    assert told == {"success": False, "message": "Job cancelled", "jobId": job.pk}


class Naps:
    """A clock that only sleep moves on, so that a busy machine does not count."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def monotonic(self) -> float:
        return sum(self.taken)

    def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


def test_a_wait_ends_in_time(monkeypatch):
    naps = Naps()
    monkeypatch.setattr("queues.trigger.time", naps)
    job = enqueue("choose", {"end": "snooze"})

    told: Any = trigger_worker(wait_for_job_id=job.pk, timeout=1.5)

    assert sum(naps.taken) == pytest.approx(1.5)
    assert max(naps.taken) <= LOOK_EVERY
    assert told["message"] == f"Job {job.pk} is still pending after 1.5 s"


def test_a_job_that_is_not_there_is_named():
    told: Any = trigger_worker(wait_for_job_id=99)

    assert told == {"success": False, "message": "Unknown job: 99", "jobId": 99}
