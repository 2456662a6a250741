"""A Celery worker heeds its row: it drains, goes on, and stops in order."""

import os
import signal
import time

import pytest

from queues import orders
from queues.drain import drain, stop, undrain
from queues.enqueue import enqueue, enqueue_many
from queues.errors import UnknownWorker, WorkerGone
from queues.keep import vouch
from queues.machine import birth_mark, machine_id
from queues.models import Attempt, AuditEntry, Job, Worker
from queues.presence import Wish, present, wish
from queues.states import State
from queues.work import work
from tests.processes import Process, until, worker
from tests.shop.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Worker:
    """Return the row of a Celery worker whose process this is."""
    return Worker.objects.get(pk=present(Worker.Kind.NODE, queues="default"))


def celery_worker() -> Worker:
    until(Worker.objects.filter(kind="node", gone_at=None).exists)
    return Worker.objects.get(kind="node", gone_at=None)


def test_a_process_registers_with_what_people_want_to_know(node):
    assert "Python 3" in node.version
    assert not node.version.startswith("unknown")
    assert node.memory_bytes > 10_000_000
    assert node.parent_pid == os.getppid()


def test_what_a_draining_worker_was_not_given_stays_for_others(node):
    enqueue("noop")
    drain(node.pk)

    assert wish() == Wish(drain=True)
    assert work("default") == 0

    undrain(node.pk)
    assert wish() == Wish()
    assert work("default") == 1


def test_to_stop_is_to_drain_first(node):
    stop(node.pk)

    assert wish() == Wish(drain=True, stop=True)
    with pytest.raises(WorkerGone):
        undrain(node.pk)


def test_each_request_is_told_once(node):
    for _ in range(2):
        drain(node.pk)
    for _ in range(2):
        undrain(node.pk)
    for _ in range(2):
        stop(node.pk)

    told = AuditEntry.objects.order_by("id").values_list("action", "target_id")
    assert list(told) == [
        ("worker.drain", str(node.pk)),
        ("worker.undrain", str(node.pk)),
        ("worker.stop", str(node.pk)),
    ]


@pytest.mark.parametrize("verb", [drain, undrain, stop])
def test_only_a_celery_worker_that_runs_can_be_asked(verb, me, node):
    with pytest.raises(WorkerGone):
        verb(me)
    with pytest.raises(UnknownWorker):
        verb(0)
    Worker.objects.filter(pk=node.pk).update(gone_at=node.started_at)
    with pytest.raises(WorkerGone):
        verb(node.pk)


def test_a_process_found_dead_has_vanished_and_one_that_left_has_not(node):
    dead = Worker.objects.create(
        kind="child", name="x", machine=machine_id(), pid=2**22 - 1, born="1"
    )
    mine = Worker.objects.create(
        kind="child", name="y", machine=machine_id(), pid=os.getpid(),
        born=birth_mark(os.getpid()),
    )  # fmt: skip
    Worker.objects.filter(pk=mine.pk).update(seen_at=node.started_at.replace(year=2020))

    vouch()

    dead.refresh_from_db()
    mine.refresh_from_db()
    assert (dead.vanished, dead.gone_at is None) == (True, False)
    assert (mine.vanished, mine.gone_at) == (False, None)
    assert mine.memory_bytes > 10_000_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_a_draining_worker_finishes_its_job_takes_no_more_and_goes_on_when_told():
    with worker("-c", "1") as process:
        node = celery_worker()
        enqueue("ledger", {"seconds": 3})
        until(Entry.objects.filter(event="start").exists)
        drain(node.pk)
        process.wait_for("drain")
        enqueue_many("noop", [{}] * 5)

        until(lambda: Job.objects.filter(type="ledger", status="completed").exists())
        time.sleep(1.5)
        assert set(_noops()) == {State.PENDING}
        assert Attempt.objects.count() == 1

        undrain(node.pk)
        until(lambda: set(_noops()) == {State.COMPLETED}, 15)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_a_stopped_worker_ends_in_order_and_leaves_its_jobs_to_others():
    with worker("-c", "1") as process:
        node = celery_worker()
        enqueue("noop")
        until(lambda: set(_noops()) == {State.COMPLETED})
        stop(node.pk)

        assert process.wait(30) == 0

    rows = Worker.objects.exclude(kind="door")
    assert {each.vanished for each in rows} == {False}
    assert all(each.gone_at for each in rows)
    enqueue("noop")
    orders.forget()
    assert work("default") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_a_killed_pool_process_is_shown_as_vanished():
    with worker("-c", "1") as process:
        enqueue("noop")
        until(lambda: set(_noops()) == {State.COMPLETED})
        child = Worker.objects.get(kind="child", gone_at=None)
        assert child.parent_pid == celery_worker().pid
        _kill(process, child)

        until(lambda: Worker.objects.get(pk=child.pk).vanished, 15)


def _kill(process: Process, child: Worker) -> None:
    assert child.pid != process.pid
    os.kill(child.pid, signal.SIGKILL)


def _noops() -> list[str]:
    return list(Job.objects.filter(type="noop").values_list("status", flat=True))
