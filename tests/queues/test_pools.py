"""Every pool that Celery has without more packages works, stops and says goodbye."""

import signal

import pytest
from billiard.process import current_process

from config import celery as application
from queues.enqueue import enqueue, enqueue_many
from queues.models import Attempt, DeadLetter, Job, Worker
from queues.states import State
from tests.processes import until, worker
from tests.queues.runners import clock
from tests.shop.models import Entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

POOLS = ("solo", "threads", "prefork")


def done() -> bool:
    return not Job.objects.exclude(status=State.COMPLETED).exists()


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_of_this_pool_runs_jobs_and_leaves_in_order(pool):
    enqueue_many("ledger", [{"seconds": 0.01}] * 10)
    late = enqueue("overrun")
    with worker("-c", "2", "--pool", pool) as process:
        until(DeadLetter.objects.exists)
        until(lambda: Entry.objects.filter(event="end").count() == 10)
        enqueue("noop")
        until(Job.objects.filter(type="noop", status=State.COMPLETED).exists)
        process.send(signal.SIGTERM)
        assert process.wait() == 0, process.output

    assert DeadLetter.objects.get().job_id == late.pk
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {
        "completed", "failed",
    }  # fmt: skip
    rows = Worker.objects.filter(kind__in=["node", "child"])
    assert rows.filter(kind="child").exists()
    assert not rows.filter(gone_at=None).exists()
    assert not rows.filter(vanished=True).exists()


@pytest.mark.parametrize("pool", POOLS)
def test_what_outlives_the_grace_is_handed_back_and_runs_nowhere_on(pool):
    job = enqueue("ledger", {"seconds": 100})
    with worker("-c", "1", "--pool", pool, RITMO_GRACE="2") as process:
        until(Entry.objects.filter(event="start").exists)
        asked = clock()
        process.send(signal.SIGTERM)
        assert process.wait() == 0, process.output

    attempt = Attempt.objects.get()
    assert attempt.outcome == "released"
    assert 1.5 < (attempt.finished_at - asked).total_seconds() < 30
    job.refresh_from_db()
    assert (job.status, job.failures, job.error) == (State.PENDING, 0, None)
    assert not Worker.objects.filter(gone_at=None, kind="node").exists()


def test_only_a_pool_process_ends_with_whoever_started_it(monkeypatch):
    tied: list[int] = []
    monkeypatch.setattr(application, "die_with_parent", tied.append)

    application.follow_the_worker()
    assert tied == []

    monkeypatch.setattr(current_process(), "_name", "ForkPoolWorker-1")
    application.follow_the_worker()
    assert tied == [signal.SIGKILL]
