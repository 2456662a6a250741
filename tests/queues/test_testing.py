"""What tests of applications get: jobs without a worker, and a look at the queue."""

import pytest
from django.db import transaction

from queues.enqueue import enqueue
from queues.errors import InvalidJobData
from queues.handlers import handler, registry
from queues.models import Attempt, DeadLetter, Job
from queues.testing import assert_enqueued, inline


@pytest.mark.django_db
def test_jobs_of_the_block_run_in_a_test_that_is_a_transaction():
    with inline() as done:
        job = enqueue("send-receipt", {"order_id": 7})

    job.refresh_from_db()
    assert (job.status, job.failures) == ("completed", 0)
    assert job.result == {"order_id": 7, "copies": 1, "attempt": 1}
    assert (done.processed, done.failed, done.errors) == (1, 0, [])
    assert Attempt.objects.get().outcome == "completed"


@pytest.mark.django_db(transaction=True)
def test_a_job_runs_as_soon_as_its_transaction_commits():
    with inline() as done:
        with transaction.atomic():
            job = enqueue("noop")
            assert done.processed == 0
        job.refresh_from_db()
        assert (job.status, done.processed) == ("completed", 1)

        with transaction.atomic():
            enqueue("noop")
            transaction.set_rollback(True)

    assert done.processed == 1


@pytest.mark.django_db
def test_the_most_urgent_runs_first_and_checkpoints_hold():
    with inline() as done:
        enqueue("step", {"steps": 3}, priority=9)
        enqueue("noop", priority=1)

    assert [claim.type for claim, _ in done.ran] == ["noop", "step"]
    assert Job.objects.get(type="step").checkpoint == 3


@pytest.mark.django_db
def test_what_was_there_before_and_what_is_not_due_stays():
    before = enqueue("noop")
    with inline() as done:
        enqueue("choose", {"end": "snooze"})
        enqueue("fail-slowly")
    with inline() as nothing:
        pass

    assert Job.objects.get(pk=before.pk).status == "pending"
    assert [each["error"] for each in done.errors] == ["RuntimeError: later again"]
    assert Job.objects.filter(status="pending").count() == 3
    assert nothing.ran == []


@pytest.mark.django_db
def test_data_and_failures_are_treated_as_by_a_worker(sql):
    with inline() as done:
        with pytest.raises(InvalidJobData):
            enqueue("send-receipt", {"order_id": "seven"})
        enqueue("fail")
        sql("""SELECT enqueue_job('no-such-type', '{}')""")

    job = Job.objects.get(type="fail")
    assert (job.status, job.failures, job.priority) == ("failed", 3, 9)
    assert (done.failed, len(done.errors)) == (2, 4)
    assert DeadLetter.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_job_enqueued_by_a_job_runs_too():
    @handler("parent")
    def parent(data: dict[str, object], job: object) -> None:
        enqueue("noop", {"child": True})

    try:
        with inline() as done:
            enqueue("parent")
    finally:
        registry.discard("parent")

    assert [claim.type for claim, _ in done.ran] == ["parent", "noop"]


@pytest.mark.django_db
def test_an_error_in_the_block_runs_nothing():
    block = inline()
    done = block.__enter__()
    enqueue("noop")
    swallowed = block.__exit__(RuntimeError, RuntimeError(), None)

    assert not swallowed
    assert done.ran == []


@pytest.mark.django_db
def test_what_was_enqueued_can_be_asserted():
    job = enqueue("send-receipt", {"order_id": 7, "copies": 2})
    enqueue("send-receipt", {"order_id": 8})

    assert assert_enqueued("send-receipt", order_id=7) == job
    assert assert_enqueued("send-receipt").payload["order_id"] == 8
    with pytest.raises(
        AssertionError, match=r"No job send-receipt with .*9.*'order_id': 8"
    ):
        assert_enqueued("send-receipt", order_id=9)
    with pytest.raises(AssertionError, match="enqueued of this type: \\[\\]"):
        assert_enqueued("noop")
