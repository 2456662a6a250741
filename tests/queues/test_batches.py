"""A batch is complete once: when it is sealed and none of its jobs lives."""

import threading
import time
from unittest.mock import Mock

import pytest
from django.db import DataError, connection

from queues.batches import Batch, close_batches
from queues.cancel import cancel
from queues.claim import claim
from queues.errors import InvalidJobData, InvalidOption, UnknownJobType
from queues.keep import tick
from queues.models import DeadLetter, Job, JobBatch
from queues.outcomes import Bury, Succeed
from queues.settle import settle
from queues.testing import inline
from queues.work import run_due
from tests.queues.runners import race

pytestmark = pytest.mark.django_db(transaction=True)


def last_jobs():
    return list(Job.objects.filter(source="batch"))


def test_the_last_job_tells_what_became_of_the_others(me):
    with Batch("import", on_complete=("noop", {"report": 7}), priority=2) as batch:
        batch.enqueue("noop", {"n": 1})
        batch.enqueue_many("noop", [{}, {}, {}])
    cancel(Job.objects.order_by("-pk")[0].pk)
    first, second, third = claim(["default"], worker=me, limit=3)
    assert batch.progress() == {
        "total": 4, "pending": 0, "processing": 3,
        "completed": 0, "failed": 0, "cancelled": 1,
    }  # fmt: skip

    settle([(first, Succeed()), (second, Bury("no use"))])
    assert close_batches() == 0
    settle([(third, Succeed())])
    assert (close_batches(), close_batches()) == (1, 0)

    (last,) = last_jobs()
    assert (last.payload, last.priority, last.batch_id) == (
        {"report": 7, "batch_id": batch.id, "completed": 2, "failed": 1, "cancelled": 1},
        2, None,
    )  # fmt: skip
    row = JobBatch.objects.get()
    assert (row.total, row.completed_at is None) == (4, False)


def test_the_pacemaker_closes_batches():
    with Batch("empty", on_complete=("noop", {})) as batch:
        pass

    assert tick()

    assert last_jobs()[0].payload["batch_id"] == batch.id


def test_a_batch_without_a_last_job_completes_too():
    with Batch("plain") as batch:
        batch.enqueue("noop")
    run_due(limit=5, seconds=10)

    assert close_batches() == 1
    assert last_jobs() == []


def test_an_error_in_the_block_leaves_nothing():
    with pytest.raises(ZeroDivisionError), Batch("import") as batch:
        batch.enqueue("noop")
        raise ZeroDivisionError

    assert not Job.objects.exists()
    assert not JobBatch.objects.exists()


def test_a_batch_that_cannot_be_written_leaves_no_transaction_open():
    with pytest.raises(DataError), Batch("x" * 201):
        pass

    assert not connection.in_atomic_block
    assert not JobBatch.objects.exists()


def test_a_batch_that_cannot_be_sealed_leaves_no_transaction_open(monkeypatch):
    monkeypatch.setattr(Batch, "seal", Mock(side_effect=InvalidOption("no")))

    with pytest.raises(InvalidOption), Batch("import") as batch:
        batch.enqueue("noop")

    assert not connection.in_atomic_block
    assert not JobBatch.objects.exists()
    assert not Job.objects.exists()


def test_an_open_batch_is_filled_from_anywhere_and_closed_after_its_seal():
    batch = Batch.create("import", on_complete=("noop", {}))
    Batch.get(batch.id).enqueue("noop")
    run_due(limit=5, seconds=10)
    assert close_batches() == 0

    Batch.get(batch.id).seal()

    assert close_batches() == 1
    with pytest.raises(InvalidOption, match="is complete"):
        batch.enqueue("noop")
    assert batch.progress()["total"] == 1


def test_what_could_never_run_is_refused_at_once():
    with pytest.raises(UnknownJobType):
        Batch("x", on_complete=("never-heard-of", {}))
    with pytest.raises(InvalidJobData):
        Batch("x", on_complete=("send-receipt", {}))
    with pytest.raises(InvalidOption):
        Batch.get(7)
    with Batch("x") as batch, pytest.raises(InvalidOption, match="no unique key"):
        batch.enqueue("noop", unique_key="k")


def test_a_last_job_whose_type_is_gone_dies_and_says_so():
    with Batch("x", on_complete=("noop", {})):
        pass
    JobBatch.objects.update(on_complete_type="gone")

    assert close_batches() == 1
    run_due(limit=1, seconds=10)

    assert DeadLetter.objects.get().reason == "Unknown job type: gone"


def test_a_chain_inside_a_batch():
    with inline() as done, Batch("x", on_complete=("noop", {})) as batch:
        first = batch.enqueue("noop")
        batch.enqueue("noop", after=[first])

    assert done.processed == 3


def test_one_last_job_whatever_the_race(me):
    batches = []
    for _ in range(10):
        with Batch("race", on_complete=("ledger", {})) as batch:
            batch.enqueue_many("noop", [{}] * 10)
        batches.append(batch)
    stop = threading.Event()

    def act(number: int) -> None:
        if number < 4:
            while taken := claim(["default"], worker=me, limit=3):
                noops = [each for each in taken if each.type == "noop"]
                settle([(each, Succeed()) for each in taken])
                if number == 0 and noops:
                    time.sleep(0.002)
            return
        for _ in range(30):
            close_batches()

    race(10, act)
    while close_batches():
        pass
    stop.set()

    told = sorted(job.payload["batch_id"] for job in last_jobs())
    assert told == sorted(batch.id for batch in batches)
    assert all(job.payload["completed"] == 10 for job in last_jobs())


def test_a_running_job_adds_to_its_batch_while_others_try_to_close_it(me):
    batch = Batch.create("growing", on_complete=("noop", {}))
    batch.enqueue("ledger")
    batch.seal()
    (root,) = claim(["default"], worker=me, limit=1)

    def act(number: int) -> None:
        if number:
            for _ in range(40):
                close_batches()
            return
        for _ in range(10):
            Batch.get(batch.id).enqueue("noop")
        settle([(root, Succeed())])

    race(6, act)

    assert last_jobs() == []
    run_due(limit=20, seconds=20)
    assert close_batches() == 1
    assert last_jobs()[0].payload["completed"] == 11
